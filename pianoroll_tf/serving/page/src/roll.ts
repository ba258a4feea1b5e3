// Piano-rolls: notes, onsets and offsets from step to step, pitch ranges and pitch names.

/** MIDI pitches that sound at one step, ascending; a pitch with a new onset while it already sounds is negated. */
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

/** The pitches with an onset and with an offset where `row` follows `previous`; a repeated note has both. */
export function noteChanges(previous: Row, row: Row): { onsets: number[]; offsets: number[] } {
  const sounding = new Set(previous.map(Math.abs));
  const held = new Set(row.filter((pitch) => pitch > 0));
  return {
    onsets: row.filter((pitch) => pitch < 0 || !sounding.has(pitch)).map(Math.abs),
    offsets: [...sounding].filter((pitch) => !held.has(pitch)),
  };
}

/** The notes from step `from` to before step `to`, clipped to that window, in the order of their ends. */
export function rollToNotes(roll: Roll, from = 0, to = roll.length): Note[] {
  const notes: Note[] = [];
  forEachNote(roll, from, to, (pitch, start, end) => notes.push({ pitch, start, end }));
  return notes;
}

/** Calls back for each of these notes, without making objects: the roll is drawn many times per second. */
export function forEachNote(
  roll: Roll,
  from: number,
  to: number,
  callback: (pitch: number, start: number, end: number) => void,
): void {
  const starts = new Int32Array(HIGHEST_PITCH + 1).fill(-1); // of the notes that sound; -1: none
  const heldUntil = new Int32Array(HIGHEST_PITCH + 1).fill(-1); // last step in which they do
  let sounding: number[] = [];
  for (let step = from; step <= to; step++) {
    const row = step < to ? (roll[step] ?? EMPTY) : EMPTY;
    for (const pitch of row) if (pitch > 0) heldUntil[pitch] = step;
    for (const pitch of sounding) {
      if (heldUntil[pitch] === step) continue;
      callback(pitch, starts[pitch]!, step);
      starts[pitch] = -1;
    }
    sounding = row.map(Math.abs);
    for (const pitch of sounding) if (starts[pitch]! < 0) starts[pitch] = step;
  }
}

/** The number of notes in a roll. */
export function countNotes(roll: Roll): number {
  return roll.reduce((sum, row, step) => sum + noteChanges(roll[step - 1] ?? EMPTY, row).onsets.length, 0);
}

/** The lowest and the highest pitch that sounds; null for silence. */
export function soundingRange(roll: Roll): PitchRange | null {
  let [low, high] = [Infinity, -Infinity];
  for (const row of roll) {
    if (row.length === 0) continue;
    low = Math.min(low, Math.abs(row[0]!));
    high = Math.max(high, Math.abs(row[row.length - 1]!));
  }
  return low <= high ? { low, high } : null;
}

/** Whole octaves (C to B), at least three, that cover all ranges, so that takes can be compared. */
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

/** Checks a roll from an untrusted source; throws if it is not valid. */
export function validateRoll(value: unknown): Roll {
  const isRow = (row: unknown): row is number[] =>
    Array.isArray(row) &&
    row.every((value, i) => {
      const pitch = Math.abs(value);
      return (
        Number.isInteger(value) && pitch >= LOWEST_PITCH && pitch <= HIGHEST_PITCH && !(pitch <= Math.abs(row[i - 1]))
      );
    });
  if (!Array.isArray(value) || !value.every(isRow)) throw new Error("The roll contains invalid pitches.");
  return value;
}
