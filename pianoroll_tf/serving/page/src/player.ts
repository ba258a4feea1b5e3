// Plays a roll, even while it is being generated: schedules its steps on the audio clock shortly before they are heard.
import type { Instrument } from "./instrument";
import { SAMPLE_RATE, softClipper } from "./piano";
import type { Roll } from "./roll";
import { Voices } from "./voices";

/** A roll that can be played; `rows` may grow until `complete`. */
export interface Playable {
  readonly rows: Roll;
  readonly complete: boolean;
  readonly stepsPerSecond: number;
}

const LOOKAHEAD_SECONDS = 0.25; // how far ahead steps are scheduled
const LOOKAHEAD_SECONDS_HIDDEN = 1.6; // browsers run the timers of a hidden page only once per second
const START_DELAY_SECONDS = 0.06; // from pressing Play to the first step

export class Player {
  playing: Playable | null = null;
  /** Called when playback starts or stops, and when the piano is loaded. */
  onchange: () => void = () => undefined;

  private context: AudioContext | null = null;
  private voices: Voices | null = null;
  private output: GainNode | null = null;
  private stepZeroTime = 0; // of the audio context, in seconds; may be in the past
  private nextStep = 0; // the first step that is not yet scheduled
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
    this.nextStep = fromStep;
    this.onchange();
    try {
      await Promise.all([this.piano.load(), this.context.resume()]);
    } catch (error) {
      if (this.playing === roll) this.stop();
      throw error;
    }
    if (this.playing !== roll || this.voices) return; // stopped, or Play was pressed again, while the piano was loading
    this.start(this.context, roll);
    this.onchange();
  }

  /** Whether playback is waiting for the piano to load. */
  get isLoading(): boolean {
    return this.playing !== null && this.voices === null;
  }

  /** The current step, fractional; the end of the roll while the player waits for more of it. */
  get step(): number {
    if (!this.playing || !this.context || !this.voices) return this.nextStep;
    const step = (this.context.currentTime - this.stepZeroTime) * this.playing.stepsPerSecond;
    return Math.max(0, Math.min(step, this.playing.rows.length));
  }

  stop(): void {
    window.clearInterval(this.timer);
    if (this.context && this.output) {
      const output = this.output;
      output.gain.setTargetAtTime(0, this.context.currentTime, 0.02);
      window.setTimeout(() => output.disconnect(), 300);
    }
    this.piano.silence();
    this.nextStep = this.step;
    this.voices = this.output = null;
    if (!this.playing) return;
    this.playing = null;
    this.onchange();
  }

  private start(context: AudioContext, roll: Playable): void {
    this.output = new GainNode(context);
    this.output.connect(softClipper(context)).connect(context.destination);
    this.voices = new Voices(this.piano, context, this.output);
    this.stepZeroTime = context.currentTime + START_DELAY_SECONDS - this.nextStep / roll.stepsPerSecond;
    this.nextStep = Math.floor(this.nextStep);
    this.timer = window.setInterval(() => this.schedule(), 50);
    this.schedule();
  }

  private schedule(): void {
    const { context, voices, playing } = this;
    if (!context || !voices || !playing) return;
    const time = (step: number) => this.stepZeroTime + step / playing.stepsPerSecond;
    const until = context.currentTime + (document.hidden ? LOOKAHEAD_SECONDS_HIDDEN : LOOKAHEAD_SECONDS);
    for (; this.nextStep < playing.rows.length && time(this.nextStep) < until; this.nextStep++) {
      voices.playRow(playing.rows[this.nextStep]!, Math.max(context.currentTime, time(this.nextStep)));
    }
    if (this.nextStep < playing.rows.length || time(this.nextStep) > context.currentTime) return;
    if (playing.complete) this.stop();
    // The player has caught up with the generation: it waits for more steps.
    else this.stepZeroTime = context.currentTime + START_DELAY_SECONDS - this.nextStep / playing.stepsPerSecond;
  }
}
