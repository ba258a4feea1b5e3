// Which keys of the piano are down while a roll is played: strikes and releases what changes from step to step.
import type { Piano, Voice } from "./piano";
import { changes, type Row } from "./roll";

export class Keys {
  private held = new Map<number, Voice>();

  constructor(
    private readonly piano: Pick<Piano, "strike">,
    private readonly context: BaseAudioContext,
    private readonly out: AudioNode,
  ) {}

  /** Goes on to a step, which begins at a time of the context. */
  step(row: Row, when: number): void {
    const { begin, end } = changes([...this.held.keys()], row);
    for (const pitch of end) {
      this.held.get(pitch)!.release(when);
      this.held.delete(pitch);
    }
    for (const pitch of begin) {
      this.held.set(pitch, this.piano.strike(this.context, this.out, pitch, when));
    }
  }
}
