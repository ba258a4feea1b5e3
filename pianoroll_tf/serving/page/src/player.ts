// Plays a roll, also while it still grows: schedules its steps on the audio clock a little ahead of what is heard.
import { Keys } from "./keys";
import { Piano, SAMPLE_RATE, softLimit } from "./piano";
import type { Roll } from "./roll";

/** What can be played. `rows` may grow until `complete`. */
export interface Playable {
  readonly rows: Roll;
  readonly complete: boolean;
  readonly stepsPerSecond: number;
}

const AHEAD = 0.25; // seconds scheduled in advance
const AHEAD_HIDDEN = 1.6; // where the page is hidden, browsers call it once a second
const START = 0.06; // seconds between pressing play and the first step

export class Player {
  /** The context's state is public, so that it can be seen whether sound comes. */
  context: AudioContext | null = null;
  playing: Playable | null = null;
  /** Called at each beginning, end and pause, and when the sound is loaded. */
  onchange: () => void = () => undefined;

  private keys: Keys | null = null;
  private out: GainNode | null = null;
  private zero = 0; // time of the context at which step 0 would have begun
  private next = 0; // first step that is not scheduled
  private timer = 0;

  constructor(private readonly piano: Piano) {}

  /** Plays from a step. The context starts at once, as browsers demand after a press; the sound when it is loaded. */
  async play(what: Playable, from: number): Promise<void> {
    this.stop();
    this.context ??= new AudioContext({ sampleRate: SAMPLE_RATE, latencyHint: "playback" });
    this.playing = what;
    this.next = from;
    this.onchange();
    try {
      await Promise.all([this.piano.load(), this.context.resume()]);
    } catch (error) {
      if (this.playing === what) this.stop();
      throw error;
    }
    if (this.playing !== what || this.keys) return; // paused, or another play, while it loaded
    this.begin(this.context, what);
    this.onchange();
  }

  /** Whether what shall be played waits for the sound of the piano. */
  get isLoading(): boolean {
    return this.playing !== null && this.keys === null;
  }

  /** The step that is heard, a fraction; where the player waits for music, the end of it. */
  get step(): number {
    if (!this.playing || !this.context || !this.keys) return this.next;
    const heard = (this.context.currentTime - this.zero) * this.playing.stepsPerSecond;
    return Math.max(0, Math.min(heard, this.playing.rows.length));
  }

  stop(): void {
    window.clearInterval(this.timer);
    if (this.context && this.out) {
      const now = this.context.currentTime;
      const out = this.out;
      out.gain.setTargetAtTime(0, now, 0.02);
      window.setTimeout(() => out.disconnect(), 300);
    }
    this.next = this.step;
    this.keys = this.out = null;
    if (!this.playing) return;
    this.playing = null;
    this.onchange();
  }

  private begin(context: AudioContext, what: Playable): void {
    this.out = new GainNode(context);
    this.out.connect(softLimit(context)).connect(context.destination);
    this.keys = new Keys(this.piano, context, this.out);
    this.zero = context.currentTime + START - this.next / what.stepsPerSecond;
    this.next = Math.floor(this.next);
    this.timer = window.setInterval(() => this.schedule(), 50);
    this.schedule();
  }

  private schedule(): void {
    const { context, keys, playing } = this;
    if (!context || !keys || !playing) return;
    const time = (step: number) => this.zero + step / playing.stepsPerSecond;
    const until = context.currentTime + (document.hidden ? AHEAD_HIDDEN : AHEAD);
    for (; this.next < playing.rows.length && time(this.next) < until; this.next++) {
      keys.step(playing.rows[this.next]!, Math.max(context.currentTime, time(this.next)));
    }
    if (this.next < playing.rows.length || time(this.next) > context.currentTime) return;
    if (playing.complete) this.stop();
    else this.zero = context.currentTime + START - this.next / playing.stepsPerSecond; // it waits for more
  }
}
