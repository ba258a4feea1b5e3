// The part of a piece that is carried on: chosen by two handles that move from bar line to bar line.
import type { Grid } from "./grid";
import { clockTime } from "./lengths";
import type { Roll } from "./roll";
import type { Clock, Primer } from "./settings";

/** A time signature, the step at which it begins, and the steps of its bars. */
export interface MeterChange {
  step: number;
  meter: string;
  bar_steps: number;
}

/** A whole piece, of which a part is carried on. */
export interface Music {
  name: string;
  roll: Roll;
  clock?: Clock;
  meters: readonly MeterChange[]; // empty: no bars are known
}

/** The steps [from, to) of a piece. */
export interface Selection {
  from: number;
  to: number;
}

/** Where the handles may be: ascending, the first is 0, the last the length of the piece. */
export type Lines = readonly number[];

const DEFAULT_BARS = 8;
const DEFAULT_SECONDS = 16;

/** The bar lines of a piece; a line per second if it has no bars. */
export function selectionLines(music: Music, grid: Grid): Lines {
  const length = music.roll.length;
  const lines = new Set([0, length]);
  if (music.meters.length === 0) {
    const unit = grid.unit === "seconds" ? grid.stepsPerUnit : 4 * grid.stepsPerUnit;
    for (let step = length; step > 0; step -= unit) lines.add(step); // from the end, which is carried on
  }
  music.meters.forEach(({ step: first, bar_steps: bar }, i) => {
    const end = music.meters[i + 1]?.step ?? length;
    for (let step = first; step < end; step += bar) if (step > 0 && step < length) lines.add(step);
  });
  return [...lines].sort((a, b) => a - b);
}

/** The last eight bars, or the last 16 seconds; at most `maxSteps`. */
export function defaultSelection(lines: Lines, grid: Grid, maxSteps: number): Selection {
  const to = lines.at(-1)!;
  const count = grid.unit === "beats" ? DEFAULT_BARS : DEFAULT_SECONDS;
  return moveStart({ from: 0, to }, lines[Math.max(0, lines.length - 1 - count)]!, lines, maxSteps);
}

/** Moves the first handle to the line nearest to a step; the second gives way. */
export function moveStart({ from, to }: Selection, step: number, lines: Lines, maxSteps: number): Selection {
  const start = nearest(lines.slice(0, -1), step);
  let end = to > start ? to : nearest(lines, start + (to - from));
  if (end <= start) end = lines[lines.indexOf(start) + 1]!;
  return { from: start, to: Math.min(end, lastLine(lines, start, start + maxSteps)) };
}

/** Moves the second handle to the line nearest to a step; the first gives way. */
export function moveEnd({ from, to }: Selection, step: number, lines: Lines, maxSteps: number): Selection {
  const end = nearest(lines.slice(1), step);
  let start = from < end ? from : nearest(lines, end - (to - from));
  if (start >= end) start = lines[lines.indexOf(end) - 1]!;
  return { from: Math.max(start, firstLine(lines, end, end - maxSteps)), to: end };
}

/** Moves both handles, so that the part begins at the line nearest to a step. */
export function moveBoth({ from, to }: Selection, step: number, lines: Lines, maxSteps: number): Selection {
  const length = to - from;
  const start = nearest(lines.slice(0, -1), Math.max(0, Math.min(step, lines.at(-1)! - length)));
  const end = Math.max(nearest(lines, start + length), lines[lines.indexOf(start) + 1]!);
  return moveStart({ from: start, to: end }, start, lines, maxSteps);
}

/** The line `count` lines after (or before) the one nearest to a step. */
export function lineBeside(lines: Lines, step: number, count: number): number {
  const index = lines.indexOf(nearest(lines, step)) + count;
  return lines[Math.max(0, Math.min(lines.length - 1, index))]!;
}

/** "the last 8 bars of 3:26", "bars 5 to 12 of 3:26", "0:10 to 0:26 of 3:26", "all of it, 0:08". */
export function describeSelection({ from, to }: Selection, lines: Lines, music: Music, grid: Grid): string {
  const stepsPerSecond = musicStepsPerSecond(music, grid);
  const time = (step: number) => clockTime(step / stepsPerSecond);
  const [whole, end] = [time(music.roll.length), lines.at(-1)!];
  if (from === 0 && to === end) return `all of it, ${whole}`;
  if (music.meters.length === 0) {
    return to === end ? `the last ${seconds((to - from) / stepsPerSecond)} of ${whole}` : `${time(from)} to ${time(to)} of ${whole}`;
  }
  const [first, last] = [lines.indexOf(from) + 1, lines.indexOf(to)];
  if (to === end) return last === first ? `the last bar of ${whole}` : `the last ${last - first + 1} bars of ${whole}`;
  return last === first ? `bar ${first} of ${whole}` : `bars ${first} to ${last} of ${whole}`;
}

/** A line in words: "bar 5, 0:08", "0:08". */
export function describeLine(step: number, lines: Lines, music: Music, grid: Grid): string {
  const time = clockTime(step / musicStepsPerSecond(music, grid));
  if (music.meters.length === 0) return time;
  return step === lines.at(-1) ? `the end, ${time}` : `bar ${lines.indexOf(step) + 1}, ${time}`;
}

export function musicStepsPerSecond({ clock }: Pick<Music, "clock">, grid: Grid): number {
  return grid.unit === "beats" && clock ? (grid.stepsPerUnit * clock.tempo) / 60 : grid.stepsPerSecond;
}

/** The part as a primer; notes that are held where it begins begin there. */
export function cut({ name, roll, clock, meters }: Music, { from, to }: Selection): Primer {
  const part = roll.slice(from, to);
  if (part.length) part[0] = part[0]!.map(Math.abs);
  if (!clock) return { name, roll: part };
  const meter = meters.filter(({ step }) => step < to).at(-1);
  if (!meter) return { name, roll: part, clock: from === 0 ? clock : { ...clock, place: 0 } };
  const bar = meter.bar_steps;
  return { name, roll: part, clock: { ...clock, meter: meter.meter, place: (((from - meter.step) % bar) + bar) % bar } };
}

function seconds(value: number): string {
  const rounded = Math.round(value);
  return `${rounded} second${rounded === 1 ? "" : "s"}`;
}

function nearest(lines: Lines, step: number): number {
  return lines.reduce((best, line) => (Math.abs(line - step) < Math.abs(best - step) ? line : best));
}

/** The last line up to `step` after `start`; `step` itself if there is none. */
function lastLine(lines: Lines, start: number, step: number): number {
  return lines.filter((line) => line > start && line <= step).at(-1) ?? step;
}

/** The first line from `step` before `end`; `step` itself if there is none. */
function firstLine(lines: Lines, end: number, step: number): number {
  return lines.find((line) => line < end && line >= step) ?? step;
}
