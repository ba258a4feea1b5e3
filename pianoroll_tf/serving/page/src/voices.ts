// Turns a piano-roll into note on and note off: starts and ends the notes that change from step to step.
import type { Piano, Voice } from "./piano";
import { noteChanges, type Row } from "./roll";

export class Voices {
  private sounding = new Map<number, Voice>();

  constructor(
    private readonly piano: Pick<Piano, "noteOn">,
    private readonly context: BaseAudioContext,
    private readonly output: AudioNode,
  ) {}

  /** Plays the next step of a roll, which begins at the time `when` of the audio context, in seconds. */
  playRow(row: Row, when: number): void {
    const { onsets, offsets } = noteChanges([...this.sounding.keys()], row);
    for (const pitch of offsets) {
      this.sounding.get(pitch)!.noteOff(when);
      this.sounding.delete(pitch);
    }
    for (const pitch of onsets) {
      this.sounding.set(pitch, this.piano.noteOn(this.context, this.output, pitch, when));
    }
  }
}
