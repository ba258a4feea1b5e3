// Lengths in bars or seconds, as a musician says them.
import type { Grid } from "./grid";

/** What a length is counted in: bars on a grid of beats, seconds otherwise. */
export interface LengthUnit {
  readonly name: "bars" | "seconds";
  readonly steps: number; // of one unit
}

/** Steps of a bar; `meter` is a time signature such as "3/4". */
export function barSteps(meter: string, stepsPerBeat: number): number {
  const [beats, noteValue] = meter.split("/").map(Number);
  return Math.max(1, Math.round(((beats || 4) * 4 * stepsPerBeat) / (noteValue || 4)));
}

export function lengthUnit(grid: Grid, meter: string): LengthUnit {
  if (grid.unit === "seconds") return { name: "seconds", steps: grid.stepsPerUnit };
  return { name: "bars", steps: barSteps(meter, grid.stepsPerUnit) };
}

/** "16 bars · 0:32", "32 seconds". */
export function describeLength(steps: number, unit: LengthUnit, grid: Grid): string {
  const value = Math.round((steps / unit.steps) * 10) / 10;
  const text = `${value} ${value === 1 ? unit.name.slice(0, -1) : unit.name}`;
  return unit.name === "bars" ? `${text} · ${clockTime(steps / grid.stepsPerSecond)}` : text;
}

/** Seconds as on the clock of a player: 206 -> "3:26". */
export function clockTime(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** An error message for a length outside of the server's limits, in steps; empty if it is valid. */
export function lengthError(value: number, unit: LengthUnit, limit: readonly [number, number]): string {
  const [low, high] = [Math.ceil((10 * limit[0]) / unit.steps) / 10, Math.floor(limit[1] / unit.steps)];
  const steps = Math.round(value * unit.steps);
  if (steps >= limit[0] && steps <= limit[1]) return "";
  return `Length must be a number of ${unit.name} from ${low} to ${high}.`;
}
