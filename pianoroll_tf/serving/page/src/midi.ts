// Web MIDI: access to the devices, and the messages for notes.

export interface NoteMessage {
  pitch: number;
  on: boolean;
}

const NOTE_OFF = 0x80;
const NOTE_ON = 0x90;
const CONTROL = 0xb0;
const ALL_SOUND_OFF = 120;
const ALL_NOTES_OFF = 123;

let access: Promise<MIDIAccess> | null = null;

export function hasWebMidi(): boolean {
  return typeof navigator.requestMIDIAccess === "function";
}

/** Access to the devices; the browser asks the user for permission. Throws an Error that can be shown to the user. */
export function requestMidi(): Promise<MIDIAccess> {
  access ??= navigator.requestMIDIAccess().catch(() => {
    access = null; // so that the user can try again
    throw new Error("The browser did not allow MIDI devices.");
  });
  return access;
}

/** The note of a message from a keyboard, on any channel; null for other messages. A velocity of 0 is a note off. */
export function parseNote(data: ArrayLike<number>): NoteMessage | null {
  const [status = 0, pitch = 0, velocity = 0] = Array.from(data);
  const kind = status & 0xf0;
  if (kind !== NOTE_ON && kind !== NOTE_OFF) return null;
  return { pitch, on: kind === NOTE_ON && velocity > 0 };
}

/** Messages on the first channel. */
export const noteOn = (pitch: number, velocity: number): number[] => [NOTE_ON, pitch, velocity];
export const noteOff = (pitch: number): number[] => [NOTE_OFF, pitch, 0];
export const SILENCE: readonly number[][] = [[CONTROL, ALL_NOTES_OFF, 0], [CONTROL, ALL_SOUND_OFF, 0]];
