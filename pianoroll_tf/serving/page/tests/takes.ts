// Takes on a grid of four steps per beat, for several test files.
import { makeGrid } from "../src/grid";
import type { Roll } from "../src/roll";
import type { Primer } from "../src/settings";
import { type Origin, Take } from "../src/take";

export const BEATS = makeGrid(null, 4, 120, "3/4"); // 12 steps per bar
export const SECONDS = makeGrid(8, null);
const SETTINGS = { version: 1, steps: 4, seed: 5, temperature: 1, top_p: 1, density: 1 };

/** A complete take of this many steps, in each of which one pitch sounds: 60, 61, 62, … */
export function makeTake(steps: number, primer: Primer | null = null, grid = BEATS, origin: Partial<Origin> = {}): Take {
  const take = new Take(1, { ...SETTINGS }, primer, grid, origin);
  const first = take.rows.length;
  take.append(Array.from({ length: steps }, (_, i) => [60 + ((first + i) % 40)]) as Roll);
  take.finish("done");
  return take;
}
