// Plays the part of a piece that is to be carried on, as a whole and at once: it is short.
import { type Piano, softClipper } from "./piano";
import type { Roll } from "./roll";
import { Voices } from "./voices";

const START_DELAY_SECONDS = 0.06;

export class Audition {
  /** Called before it plays. */
  onplay: () => void = () => undefined;
  /** Called when it starts or stops. */
  onchange: (playing: boolean) => void = () => undefined;

  private context: AudioContext | null = null;
  private output: GainNode | null = null;
  private timer = 0;

  constructor(private readonly piano: Piano) {}

  get playing(): boolean {
    return this.output !== null;
  }

  async play(roll: Roll, stepsPerSecond: number): Promise<void> {
    this.stop();
    this.onplay();
    const context = (this.context ??= new AudioContext());
    const output = (this.output = new GainNode(context));
    output.connect(softClipper(context)).connect(context.destination);
    this.onchange(true);
    try {
      await Promise.all([this.piano.load(), context.resume()]);
    } catch (error) {
      this.stop();
      throw error;
    }
    if (this.output !== output) return; // stopped while the piano was loading
    const voices = new Voices(this.piano, context, output);
    const start = context.currentTime + START_DELAY_SECONDS;
    roll.forEach((row, step) => voices.playRow(row, start + step / stepsPerSecond));
    voices.playRow([], start + roll.length / stepsPerSecond);
    this.timer = window.setTimeout(() => this.stop(), 1000 * (START_DELAY_SECONDS + roll.length / stepsPerSecond + 0.5));
  }

  stop(): void {
    window.clearTimeout(this.timer);
    if (!this.output || !this.context) return;
    const output = this.output;
    output.gain.setTargetAtTime(0, this.context.currentTime, 0.02);
    window.setTimeout(() => output.disconnect(), 300);
    this.output = null;
    this.onchange(false);
  }
}
