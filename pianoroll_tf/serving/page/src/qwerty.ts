// The letters of a computer keyboard as a piano, by their place, so that it works with every layout.

/** Keys in the order of their semitones: the middle row are white keys, the row above are black ones. */
const CODES = [
  "KeyA", "KeyW", "KeyS", "KeyE", "KeyD", "KeyF", "KeyT", "KeyG", "KeyY", "KeyH", "KeyU", "KeyJ",
  "KeyK", "KeyO", "KeyL", "KeyP", "Semicolon",
];
export const KEY_COUNT = CODES.length;
export const OCTAVES = [2, 6] as const;

/** The semitone of a key above the C of the octave; null if it is no key of the piano. */
export function semitoneOf(code: string): number | null {
  const semitone = CODES.indexOf(code);
  return semitone < 0 ? null : semitone;
}

/** The letter that is shown on a key of the piano. */
export function letterOf(semitone: number): string {
  return CODES[semitone]!.replace("Key", "").replace("Semicolon", ";");
}

/** -1 and 1 for the keys that change the octave, otherwise 0. */
export function octaveChange(code: string): number {
  return code === "KeyZ" ? -1 : code === "KeyX" ? 1 : 0;
}

/** The MIDI pitch of a semitone; C4 is 60. */
export function pitchOf(semitone: number, octave: number): number {
  return 12 * (octave + 1) + semitone;
}
