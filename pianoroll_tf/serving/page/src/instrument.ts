// What the player plays on: the sampled piano, or a MIDI device instead.
import type { MidiOut } from "./midiout";
import type { Piano, Voice } from "./piano";

/** An instrument of the player, which starts and ends notes at times of its audio context. */
export interface Instrument {
  /** Returns when it can play. */
  load(): Promise<void>;
  noteOn(context: BaseAudioContext, output: AudioNode, pitch: number, when: number): Voice;
  /** Ends all notes, because playback was stopped. */
  silence(): void;
}

export class PianoOrMidi implements Instrument {
  /** The device that plays instead of the piano. */
  midi: MidiOut | null = null;
  /** Called before a take is played. */
  onplay: () => void = () => undefined;

  constructor(private readonly piano: Pick<Piano, "load" | "noteOn">) {}

  load(): Promise<void> {
    this.onplay();
    return this.midi ? Promise.resolve() : this.piano.load();
  }

  noteOn(context: AudioContext, output: AudioNode, pitch: number, when: number): Voice {
    const { midi } = this;
    if (!midi) return this.piano.noteOn(context, output, pitch, when);
    midi.play([{ pitch, on: true, when }], context);
    return { noteOff: (at) => midi.play([{ pitch, on: false, when: at }], context) };
  }

  silence(): void {
    this.midi?.stop();
  }
}
