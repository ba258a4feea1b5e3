// Plays a roll, even while it is being generated: schedules its steps on the audio clock shortly before they are heard.
import type { Instrument } from "./instrument";
import { click } from "./metronome";
import { SAMPLE_RATE, softClipper } from "./piano";
import { type Playable, Scheduler } from "./scheduler";
import { Voices } from "./voices";

export type { Playable } from "./scheduler";

const LOOKAHEAD_SECONDS = 0.5; // how far ahead steps are scheduled: longer than a slow phone draws a frame
const LOOKAHEAD_SECONDS_HIDDEN = 1.6; // browsers run the timers of a hidden page only once per second

export class Player {
  playing: Playable | null = null;
  /** Called when playback starts or stops, and when the piano is loaded. */
  onchange: () => void = () => undefined;

  private context: AudioContext | null = null;
  private scheduler: Scheduler | null = null;
  private output: GainNode | null = null;
  private firstStep = 0; // from which to play as soon as the piano is loaded; where playback stopped
  private timer = 0;

  constructor(private readonly piano: Instrument) {}

  /**
   * Plays from a step as soon as the piano is loaded.
   * The audio context is started before that, because browsers allow it only in response to a user gesture.
   */
  async play(roll: Playable, fromStep: number): Promise<void> {
    this.stop();
    this.context ??= new AudioContext({ sampleRate: SAMPLE_RATE, latencyHint: "playback" });
    this.playing = roll;
    this.firstStep = fromStep;
    this.onchange();
    try {
      await Promise.all([this.piano.load(), this.context.resume()]);
    } catch (error) {
      if (this.playing === roll) this.stop();
      throw error;
    }
    if (this.playing !== roll || this.scheduler) return; // stopped, or Play was pressed again, while the piano was loading
    this.start(this.context, roll);
    this.onchange();
  }

  /** Whether playback is waiting for the piano to load. */
  get isLoading(): boolean {
    return this.playing !== null && this.scheduler === null;
  }

  /** The current step, fractional; the end of the roll while the player waits for more of it. */
  get step(): number {
    if (!this.context || !this.scheduler) return this.firstStep;
    return this.scheduler.stepAt(this.context.currentTime);
  }

  stop(): void {
    window.clearInterval(this.timer);
    if (this.context && this.output) {
      const output = this.output;
      output.gain.setTargetAtTime(0, this.context.currentTime, 0.02);
      window.setTimeout(() => output.disconnect(), 300);
    }
    this.piano.silence();
    this.firstStep = this.step;
    this.scheduler = this.output = null;
    if (!this.playing) return;
    this.playing = null;
    this.onchange();
  }

  private start(context: AudioContext, roll: Playable): void {
    const output = new GainNode(context);
    output.connect(softClipper(context)).connect(context.destination);
    this.output = output;
    const voices = new Voices(this.piano, context, output);
    const sink = {
      playRow: voices.playRow.bind(voices),
      click: (when: number, strong: boolean) => click(context, when, strong, output),
    };
    this.scheduler = new Scheduler(roll, sink, this.firstStep);
    this.timer = window.setInterval(() => this.schedule(), 50);
    this.schedule();
  }

  private schedule(): void {
    const { context, scheduler } = this;
    if (!context || !scheduler) return;
    const now = context.currentTime;
    const goesOn = scheduler.advance(now, now + (document.hidden ? LOOKAHEAD_SECONDS_HIDDEN : LOOKAHEAD_SECONDS));
    if (!goesOn) this.stop();
  }
}
