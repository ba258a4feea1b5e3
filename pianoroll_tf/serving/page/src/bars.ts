// The bars of a take: the step at which each begins, and the bar that contains a step. Bars are numbered from 1.
import type { Grid } from "./grid";

export interface Meter {
  numerator: number;
  denominator: number;
}

/** Part of a take, in bars from 1; both are included. */
export interface BarRange {
  first: number;
  last: number;
}

/** `firstLine`: the step, <= 0, at which bar 1 begins; before 0 if the music begins within the bar. */
export interface Bars {
  readonly firstLine: number;
  readonly stepsPerBar: number;
  readonly stepsPerQuarter: number;
  readonly meter: Meter;
}

/** Parses "6/8"; null for anything else. */
export function parseMeter(text: string): Meter | null {
  const found = /^(\d{1,2})\/(\d{1,2})$/.exec(text.trim());
  const [numerator, denominator] = [Number(found?.[1]), Number(found?.[2])];
  return numerator >= 1 && numerator <= 64 && [1, 2, 4, 8, 16, 32, 64].includes(denominator)
    ? { numerator, denominator }
    : null;
}

/** Quarter notes per minute of music that brings no tempo; on a grid of seconds it only divides the time into bars. */
export function gridTempo(grid: Grid): number {
  return grid.unit === "beats" ? (60 * grid.stepsPerSecond) / grid.stepsPerUnit : 120;
}

/**
 * The bars of music in this time signature. On a grid of seconds they follow from the tempo, as in the MIDI file.
 * `place`: position of the first step in its bar, in steps; negative if it is before the bar whose position is known.
 */
export function makeBars(grid: Grid, meter: string, tempo: number, place = 0): Bars {
  const parsed = parseMeter(meter) ?? { numerator: 4, denominator: 4 };
  const stepsPerQuarter = grid.unit === "beats" ? grid.stepsPerUnit : (grid.stepsPerSecond * 60) / tempo;
  const stepsPerBar = Math.max(1, (stepsPerQuarter * 4 * parsed.numerator) / parsed.denominator);
  const firstLine = place ? -(((place % stepsPerBar) + stepsPerBar) % stepsPerBar) : 0;
  return { firstLine, stepsPerBar, stepsPerQuarter, meter: parsed };
}

/** The first step of a bar. */
export function barStart(bars: Bars, bar: number): number {
  return Math.max(0, Math.round(bars.firstLine + (bar - 1) * bars.stepsPerBar));
}

/** The number of the bar that contains a step. */
export function barOf(bars: Bars, step: number): number {
  const bar = Math.floor((step - bars.firstLine) / bars.stepsPerBar) + 1;
  return Math.max(1, barStart(bars, bar + 1) <= step ? bar + 1 : bar);
}

/** The number of bars, of which the first and the last may be incomplete. */
export function barCount(bars: Bars, steps: number): number {
  return Math.max(1, barOf(bars, Math.max(0, steps - 1)));
}

/** The steps [start, end) of a range of bars of a take with `steps` steps. */
export function rangeSteps(bars: Bars, range: BarRange, steps: number): [number, number] {
  return [Math.min(barStart(bars, range.first), steps), Math.min(barStart(bars, range.last + 1), steps)];
}

/** "bar 3", "bars 3 to 5". */
export function describeRange({ first, last }: BarRange): string {
  return first === last ? `bar ${first}` : `bars ${first} to ${last}`;
}

/** The beats of a bar, in steps from its beginning: quarters, or dotted quarters in 6/8 and the like. */
export function beatOffsets(bars: Bars): number[] {
  const { numerator, denominator } = bars.meter;
  const compound = denominator >= 8 && numerator % 3 === 0 && numerator > 3;
  const count = compound ? numerator / 3 : numerator;
  return Array.from({ length: count }, (_, i) => (i * bars.stepsPerBar) / count);
}
