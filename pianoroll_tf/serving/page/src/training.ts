// One sentence on what the model was trained on, from what the server knows about it.
import type { About } from "./api";
import { clockTime } from "./lengths";
import type { Grid } from "./grid";

const PITCHES = 84;

/** "It learned from the collection “demo”: mostly in 4/4, around 120 beats per minute, …". */
export function trainingSentence(about: About, grid: Grid): string {
  const { name, longest_piece_steps: longest } = about.trained_on;
  const facts: string[] = [];
  if (grid.unit === "beats") facts.push(`mostly in ${about.meter}`, `around ${Math.round(about.tempo)} beats per minute`);
  const together = Math.round(about.density * PITCHES * 2) / 2;
  if (together >= 1) facts.push(`about ${together} ${together === 1 ? "note" : "notes"} at a time`);
  if (longest) facts.push(`pieces of up to ${clockTime(longest / grid.stepsPerSecond)} minutes`);
  const source = name ? `It learned from the collection “${name}”` : "It learned from a collection of its own";
  return facts.length ? `${source}: ${facts.join(", ")}.` : `${source}.`;
}
