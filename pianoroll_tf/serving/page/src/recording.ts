// What is played by hand: notes with their times, and their roll on the model's grid.
import { HIGHEST_PITCH, LOWEST_PITCH, type Roll } from "./roll";

/** Times in seconds from the first beat; negative during the count-in. */
export interface PlayedNote {
  pitch: number;
  start: number;
  end: number;
}

const EARLY_SECONDS = 0.2; // a note so shortly before the first beat is meant to be on it

export class Recording {
  private readonly finished: PlayedNote[] = [];
  private readonly sounding = new Map<number, number>(); // pitch -> start

  noteOn(pitch: number, time: number): void {
    this.noteOff(pitch, time);
    this.sounding.set(pitch, time);
  }

  noteOff(pitch: number, time: number): void {
    const start = this.sounding.get(pitch);
    if (start === undefined) return;
    this.sounding.delete(pitch);
    this.finished.push({ pitch, start, end: time });
  }

  /** The notes until now, in the order of their starts; those of the count-in are left out. */
  notes(now: number): PlayedNote[] {
    const held = [...this.sounding].map(([pitch, start]) => ({ pitch, start, end: now }));
    return [...this.finished, ...held].filter(({ start }) => start >= -EARLY_SECONDS).sort((a, b) => a.start - b.start);
  }
}

/**
 * The roll of some notes, whose edges are moved to the nearest step; it ends with a whole bar, and begins with the bar
 * of the first note. Notes that the model does not know are left out.
 */
export function quantise(notes: readonly PlayedNote[], stepsPerSecond: number, barSteps: number): Roll {
  const step = (seconds: number) => Math.max(0, Math.round(seconds * stepsPerSecond));
  const placed = notes
    .filter(({ pitch }) => pitch >= LOWEST_PITCH && pitch <= HIGHEST_PITCH)
    .map(({ pitch, start, end }) => ({ pitch, start: step(start), end: Math.max(step(start) + 1, step(end)) }));
  if (placed.length === 0) return [];
  const last = Math.max(...placed.map(({ end }) => end));
  const rows = Array.from({ length: Math.ceil(last / barSteps) * barSteps }, () => new Map<number, number>());
  for (const { pitch, start, end } of placed) {
    for (let i = start; i < end; i++) rows[i]!.set(pitch, pitch);
    if (start > 0 && rows[start - 1]!.has(pitch)) rows[start]!.set(pitch, -pitch); // struck again
  }
  const first = Math.min(...placed.map(({ start }) => start));
  const silentBars = Math.floor(first / barSteps) * barSteps;
  return rows.slice(silentBars).map((row) => [...row.values()].sort((a, b) => Math.abs(a) - Math.abs(b)));
}
