// The choice of what plays: the piano of the page, or one of the MIDI outputs, such as a synthesizer or a DAW.
import { announce, byId, showMessage } from "./dom";
import type { PianoOrMidi } from "./instrument";
import { hasWebMidi, requestMidi } from "./midi";
import { MidiOut } from "./midiout";

const PIANO = "piano";
const CONNECT = "connect"; // asks for the outputs, which needs permission

export class SoundChoice {
  private readonly select = byId<HTMLSelectElement>("sound");
  private access: MIDIAccess | null = null;
  private chosen = PIANO;

  /** `stop` stops playback, before another sound is chosen. */
  constructor(
    private readonly instrument: PianoOrMidi,
    private readonly stop: () => void,
  ) {
    byId("sound-choice").hidden = !hasWebMidi();
    this.select.addEventListener("change", () => void this.change(this.select.value));
  }

  private async change(value: string): Promise<void> {
    this.stop();
    try {
      if (value === CONNECT) value = await this.connect();
    } catch (error) {
      value = PIANO;
      showMessage(byId("alert"), (error as Error).message);
    }
    this.choose(value);
  }

  /** Offers the outputs, and returns the first. */
  private async connect(): Promise<string> {
    showMessage(byId("alert"), "");
    this.access = await requestMidi();
    this.access.addEventListener("statechange", () => this.refresh());
    this.refresh();
    const [first] = this.access.outputs.keys();
    if (first === undefined) throw new Error("No MIDI output is connected. Connect one, or start your DAW, and try again.");
    return first;
  }

  private choose(value: string): void {
    const output = this.access?.outputs.get(value);
    this.chosen = output ? value : PIANO;
    this.instrument.midi = output ? new MidiOut(output) : null;
    this.select.value = this.chosen;
    announce(output ? `Takes are played by ${output.name}.` : "Takes are played by the piano.");
  }

  /** Updates the outputs, of which some may have been connected or removed. */
  private refresh(): void {
    const outputs = [...(this.access?.outputs ?? [])].filter(([, { state }]) => state !== "disconnected");
    const options = outputs.map(([id, { name }]) => new Option(name ?? "MIDI output", id));
    this.select.replaceChildren(new Option("Piano", PIANO), ...options);
    if (outputs.length === 0) this.select.append(new Option("MIDI device …", CONNECT));
    if (this.chosen !== PIANO && !outputs.some(([id]) => id === this.chosen)) {
      this.stop();
      showMessage(byId("alert"), "The MIDI output is gone: takes are played by the piano again.");
      return this.choose(PIANO);
    }
    this.select.value = this.chosen;
  }
}
