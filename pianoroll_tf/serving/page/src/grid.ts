// The time grid of a roll: converts steps to seconds, or to beats for a model on a grid of beats.

export interface Grid {
  /** Steps per second of playback. */
  readonly stepsPerSecond: number;
  /** Steps per unit of the time axis. */
  readonly stepsPerUnit: number;
  readonly unit: "seconds" | "beats";
  /** Time signature of music that brings none. */
  readonly meter: string;
}

/** The grid of a model; one of the first two numbers is null. `tempo`, in beats per minute, is for a grid of beats. */
export function makeGrid(
  stepsPerSecond: number | null,
  stepsPerBeat: number | null,
  tempo = 120,
  meter = "4/4",
): Grid {
  if (stepsPerSecond) return { stepsPerSecond, stepsPerUnit: stepsPerSecond, unit: "seconds", meter };
  const steps = stepsPerBeat ?? 4;
  return { stepsPerSecond: (steps * tempo) / 60, stepsPerUnit: steps, unit: "beats", meter };
}

/** Formats a position: "0:07.5", "12.5 beats". */
export function position(steps: number, grid: Grid): string {
  if (grid.unit === "beats") return `${(steps / grid.stepsPerUnit).toFixed(1)} beats`;
  const tenths = Math.floor((steps / grid.stepsPerUnit) * 10);
  const seconds = String(Math.floor(tenths / 10) % 60).padStart(2, "0");
  return `${Math.floor(tenths / 600)}:${seconds}.${tenths % 10}`;
}

/** Formats a length: "32 s", "1 min 4 s", "16 beats". */
export function duration(steps: number, grid: Grid): string {
  const units = steps / grid.stepsPerUnit;
  if (grid.unit === "beats") return `${round(units)} beats`;
  if (units < 60) return `${round(units)} s`;
  const minutes = Math.floor(Math.round(units) / 60);
  const rest = Math.round(units) - 60 * minutes;
  return rest ? `${minutes} min ${rest} s` : `${minutes} min`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Spacing of the ticks of a time axis, in units, so that they are at least `minPixels` apart. */
export function tickSpacing(pixelsPerUnit: number, minPixels = 56): number {
  const spacings = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];
  return spacings.find((spacing) => spacing * pixelsPerUnit >= minPixels) ?? 7200;
}
