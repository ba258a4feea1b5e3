// What can be read off a piano-roll: notes, changes from step to step, the range and the names of pitches.

/** MIDI pitches that sound at one step, ascending; one that is struck again while it sounds is a negative number. */
export type Row = readonly number[];
export type Roll = readonly Row[];

export const LOWEST_PITCH = 24;
export const HIGHEST_PITCH = 107;

/** A pitch that sounds from step `start` to before step `end`. */
export interface Note {
  pitch: number;
  start: number;
  end: number;
}

export interface PitchRange {
  low: number;
  high: number;
}

const NAMES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];
const BLACK_KEYS = new Set([1, 3, 6, 8, 10]);
const EMPTY: Row = [];

/** 60 -> "C4". */
export function noteName(pitch: number): string {
  return `${NAMES[pitch % 12]}${Math.floor(pitch / 12) - 1}`;
}

export function isBlackKey(pitch: number): boolean {
  return BLACK_KEYS.has(pitch % 12);
}

/** The pitches that notes begin and end with where `row` follows `before`; one struck again does both. */
export function changes(before: Row, row: Row): { begin: number[]; end: number[] } {
  const held = new Set(before.map(Math.abs));
  const kept = new Set(row.filter((pitch) => pitch > 0));
  return {
    begin: row.filter((pitch) => pitch < 0 || !held.has(pitch)).map(Math.abs),
    end: [...held].filter((pitch) => !kept.has(pitch)),
  };
}

/** The notes of steps `from` to before `to`, cut at both, in the order of their ends. */
export function notes(roll: Roll, from = 0, to = roll.length): Note[] {
  const found: Note[] = [];
  const starts = new Map<number, number>();
  let before = EMPTY;
  for (let step = from; step <= to; step++) {
    const row = step < to ? (roll[step] ?? EMPTY) : EMPTY;
    const { begin, end } = changes(before, row);
    for (const pitch of end) found.push({ pitch, start: starts.get(pitch) ?? from, end: step });
    for (const pitch of begin) starts.set(pitch, step);
    before = row;
  }
  return found;
}

/** How many notes begin in a roll. */
export function countNotes(roll: Roll): number {
  return roll.reduce((sum, row, step) => sum + changes(roll[step - 1] ?? EMPTY, row).begin.length, 0);
}

/** Lowest and highest pitch that sounds; null for silence. */
export function soundingRange(roll: Roll): PitchRange | null {
  let [low, high] = [Infinity, -Infinity];
  for (const row of roll) {
    if (row.length === 0) continue;
    low = Math.min(low, Math.abs(row[0]!));
    high = Math.max(high, Math.abs(row[row.length - 1]!));
  }
  return low <= high ? { low, high } : null;
}

/** Whole octaves (C to B) around all that sounds, three of them at least, so that takes can be compared. */
export function sharedRange(ranges: readonly (PitchRange | null)[]): PitchRange {
  let [low, high] = [48, 83];
  for (const range of ranges) {
    if (range === null) continue;
    low = Math.min(low, range.low);
    high = Math.max(high, range.high);
  }
  low -= low % 12;
  high += 11 - (high % 12);
  return { low: Math.max(LOWEST_PITCH, low), high: Math.min(HIGHEST_PITCH, high) };
}

/** A roll as it came from elsewhere, checked. */
export function checkedRoll(value: unknown): Roll {
  const good = (row: unknown): row is number[] =>
    Array.isArray(row) &&
    row.every((value, i) => {
      const pitch = Math.abs(value);
      return (
        Number.isInteger(value) && pitch >= LOWEST_PITCH && pitch <= HIGHEST_PITCH && !(pitch <= Math.abs(row[i - 1]))
      );
    });
  if (!Array.isArray(value) || !value.every(good)) throw new Error("The roll holds something else than pitches.");
  return value;
}
