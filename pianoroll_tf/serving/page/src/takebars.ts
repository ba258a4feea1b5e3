// The bars of a take in words, and where it can be cut; on a grid of seconds, its seconds instead of bars.
import { barCount as countBars, barOf, barStart as startOfBar } from "./bars";
import { position } from "./grid";
import type { Clock } from "./settings";
import type { Take } from "./take";

/** Steps of a bar of its time signature; on a grid of seconds, of a second. */
export function barSteps(take: Take): number {
  const { grid } = take;
  if (grid.unit === "seconds") return grid.stepsPerUnit;
  const [notes, value] = clockOf(take).meter.split("/").map(Number) as [number, number];
  return Math.max(1, Math.round((notes * 4 * grid.stepsPerUnit) / value));
}

/** Tempo and time signature of a take, and the position of its first step in its bar. */
export function clockOf(take: Take): Clock {
  const { grid, primer } = take;
  const tempo = primer?.clock?.tempo ?? (grid.unit === "beats" ? (60 * grid.stepsPerSecond) / grid.stepsPerUnit : 120);
  return { tempo, meter: primer?.clock?.meter ?? grid.meter, place: primer?.clock?.place ?? 0 };
}

/** The position of the first row in its bar, in steps; that of the clock is of the primer's first step. */
export function firstPlace(take: Take): number {
  const place = clockOf(take).place - (take.primer?.lead?.length ?? 0);
  const bar = barSteps(take);
  return take.grid.unit === "seconds" ? 0 : ((place % bar) + bar) % bar;
}

/** The number of bars that are seen, whose time signature the user may have changed. */
export function barCount(take: Take): number {
  if (take.grid.unit === "beats") return countBars(take.bars, take.rows.length);
  return Math.max(1, Math.ceil(take.rows.length / take.grid.stepsPerUnit));
}

/** The first step of a bar, within the take. */
export function barStart(take: Take, bar: number): number {
  const step = take.grid.unit === "beats" ? startOfBar(take.bars, bar) : (bar - 1) * take.grid.stepsPerUnit;
  return Math.max(0, Math.min(step, take.rows.length));
}

/** The step after a bar, within the take. */
export function barEnd(take: Take, bar: number): number {
  return barStart(take, bar + 1);
}

/** The number of the bar of a step. */
export function barAt(take: Take, step: number): number {
  return take.grid.unit === "beats" ? barOf(take.bars, step) : Math.floor(step / take.grid.stepsPerUnit) + 1;
}

/** The step nearest to the playhead at which music can be cut: on a grid of beats, the nearest beat. */
export function cutStep(take: Take, playhead: number): number {
  const { grid, rows } = take;
  if (playhead <= 0 || playhead >= rows.length) return playhead <= 0 ? 0 : rows.length;
  const unit = grid.unit === "beats" ? grid.stepsPerUnit : 1;
  const place = grid.unit === "beats" ? -take.bars.firstLine : 0;
  return Math.max(0, Math.min(Math.round((playhead + place) / unit) * unit - place, rows.length));
}

/** A step in words: "bar 5", "bar 5, beat 3", "0:07.5", "its end". */
export function placeName(take: Take, step: number): string {
  if (step >= take.rows.length) return "its end";
  if (take.grid.unit === "seconds") return position(step, take.grid);
  const { firstLine, stepsPerBar } = take.bars;
  const beat = Math.floor(((step - firstLine) % stepsPerBar) / take.grid.stepsPerUnit) + 1;
  return `bar ${barAt(take, step)}${beat > 1 ? `, beat ${beat}` : ""}`;
}

/** Bars in words: "bar 3", "bars 3 to 6", "seconds 2 to 6". */
export function barsName(take: Take, first: number, last: number): string {
  if (take.grid.unit === "seconds") return `${first - 1} s to ${last} s`;
  return first === last ? `bar ${first}` : `bars ${first} to ${last}`;
}
