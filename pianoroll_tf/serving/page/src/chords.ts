// Scales and chords by name, as sets of pitch classes (0 is C).

export const ROOTS = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"] as const;

/** Intervals above the root, in semitones. */
export const SCALES: Record<string, readonly number[]> = {
  major: [0, 2, 4, 5, 7, 9, 11],
  minor: [0, 2, 3, 5, 7, 8, 10],
  "harmonic minor": [0, 2, 3, 5, 7, 8, 11],
  dorian: [0, 2, 3, 5, 7, 9, 10],
  phrygian: [0, 1, 3, 5, 7, 8, 10],
  lydian: [0, 2, 4, 6, 7, 9, 11],
  mixolydian: [0, 2, 4, 5, 7, 9, 10],
  locrian: [0, 1, 3, 5, 6, 8, 10],
  "major pentatonic": [0, 2, 4, 7, 9],
  "minor pentatonic": [0, 3, 5, 7, 10],
  blues: [0, 3, 5, 6, 7, 10],
};

const CHORDS: Record<string, readonly number[]> = {
  "": [0, 4, 7],
  maj: [0, 4, 7],
  m: [0, 3, 7],
  min: [0, 3, 7],
  "-": [0, 3, 7],
  5: [0, 7],
  6: [0, 4, 7, 9],
  m6: [0, 3, 7, 9],
  7: [0, 4, 7, 10],
  maj7: [0, 4, 7, 11],
  M7: [0, 4, 7, 11],
  m7: [0, 3, 7, 10],
  min7: [0, 3, 7, 10],
  mmaj7: [0, 3, 7, 11],
  9: [0, 2, 4, 7, 10],
  maj9: [0, 2, 4, 7, 11],
  m9: [0, 2, 3, 7, 10],
  add9: [0, 2, 4, 7],
  sus2: [0, 2, 7],
  sus4: [0, 5, 7],
  sus: [0, 5, 7],
  "7sus4": [0, 5, 7, 10],
  dim: [0, 3, 6],
  "°": [0, 3, 6],
  dim7: [0, 3, 6, 9],
  "°7": [0, 3, 6, 9],
  m7b5: [0, 3, 6, 10],
  "ø": [0, 3, 6, 10],
  aug: [0, 4, 8],
  "+": [0, 4, 8],
};
const LETTERS: Record<string, number> = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };
const EXAMPLES = "Write chords such as C, Am, F♯m7, B♭maj7 or G/B.";

const rotated = (intervals: readonly number[], root: number) =>
  intervals.map((interval) => (root + interval) % 12).sort((one, other) => one - other);

/** The pitch classes of a scale, ascending. */
export function scalePitchClasses(root: number, name: string): number[] {
  return rotated(SCALES[name]!, root);
}

/** "F♯" -> 6; null if it is not a note. */
function parseRoot(text: string): number | null {
  const found = /^([A-G])([#♯b♭]?)$/.exec(text);
  if (!found) return null;
  const accidental = found[2] === "" ? 0 : "#♯".includes(found[2]!) ? 1 : -1;
  return (LETTERS[found[1]!]! + accidental + 12) % 12;
}

/** The pitch classes of one chord, ascending; null if there is no such chord. */
export function chordPitchClasses(text: string): number[] | null {
  const found = /^([A-G][#♯b♭]?)([^/]*)(?:\/([A-G][#♯b♭]?))?$/.exec(text);
  const intervals = found && CHORDS[found[2]!.replaceAll("♭", "b")];
  if (!found || !intervals || !Object.hasOwn(CHORDS, found[2]!.replaceAll("♭", "b"))) return null;
  const classes = rotated(intervals, parseRoot(found[1]!)!);
  const bass = found[3] ? parseRoot(found[3])! : classes[0]!;
  return classes.includes(bass) ? classes : [...classes, bass].sort((one, other) => one - other);
}

/** The chords of a text, one per bar: "C Am F G", also with bar lines "|"; "%" repeats the chord before. */
export function chordNames(text: string): string[] {
  const names: string[] = [];
  for (const word of text.split(/[\s|,]+/).filter(Boolean)) names.push(word === "%" ? (names.at(-1) ?? word) : word);
  return names;
}

/** The pitch classes of such chords; throws an Error that names the first one that is not a chord. */
export function parseChords(text: string): number[][] {
  const names = chordNames(text);
  if (!names.length) throw new Error(`The chords are missing. ${EXAMPLES}`);
  return names.map((name, bar) => {
    const chord = chordPitchClasses(name);
    if (!chord) throw new Error(`“${name}”, in bar ${bar + 1}, is not a chord. ${EXAMPLES}`);
    return chord;
  });
}

/** "C4" or "f#3" -> its MIDI pitch; null if it is not a note. */
export function parseNote(text: string): number | null {
  const found = /^([A-Ga-g][#♯b♭]?)(-?\d)$/.exec(text.trim());
  if (!found) return null;
  const root = parseRoot(found[1]![0]!.toUpperCase() + found[1]!.slice(1));
  const isBelow = /^[Cc][b♭]/.test(found[1]!); // C♭4 is B3
  const isAbove = /^[Bb][#♯]/.test(found[1]!);
  return root! + 12 * (Number(found[2]) + 1) + (isAbove ? 12 : isBelow ? -12 : 0);
}
