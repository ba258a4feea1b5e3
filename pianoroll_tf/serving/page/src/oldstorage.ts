// Takes that earlier versions of the page kept in the browser's local storage.
import type { Grid } from "./grid";
import { decodeRoll, rollToBytes } from "./codec";
import type { Limits, Settings } from "./settings";
import type { Take } from "./take";
import { fromRecord } from "./takerecord";

interface OldTake {
  number: number;
  settings: Settings;
  primer: string | null;
  clock?: { tempo: number; meter: string; place: number };
  primerSteps: number;
  rows: string;
  unit: Grid["unit"];
}

const oldKey = (model: string) => `pianoroll_tf/kept/${model}`;

/** Reads them, and counts those that cannot be read. */
export async function loadOldTakes(
  model: string,
  grid: Grid,
  limits: Limits,
): Promise<{ takes: Take[]; damaged: number }> {
  let stored: OldTake[];
  let text: string | null;
  try {
    text = localStorage.getItem(oldKey(model));
  } catch {
    return { takes: [], damaged: 0 }; // not available: there are none
  }
  try {
    stored = JSON.parse(text ?? "[]");
    if (!Array.isArray(stored)) throw new Error("not a list");
  } catch {
    return { takes: [], damaged: 1 };
  }
  const restored = await Promise.all(stored.map((take, i) => restore(take, i, model, grid, limits).catch(() => null)));
  const takes = restored.filter((take) => take !== null);
  return { takes, damaged: restored.length - takes.length };
}

/** Forgets them after they were stored elsewhere; what cannot be read stays under another key. */
export function forgetOldTakes(model: string, damaged: number): void {
  try {
    if (damaged) localStorage.setItem(`${oldKey(model)}/damaged`, localStorage.getItem(oldKey(model)) ?? "");
    localStorage.removeItem(oldKey(model));
  } catch {
    // Full or not available: they are read again, under the same ids.
  }
}

async function restore(old: OldTake, index: number, model: string, grid: Grid, limits: Limits): Promise<Take> {
  const { number, primer, primerSteps, settings, unit, clock } = old;
  const origin = { id: `kept-${model}-${number}-${index}`, created: index, ancestors: [], deed: "", batch: "" };
  const rows = rollToBytes(await decodeRoll(old.rows));
  const others = { model, number, settings, primer, primerSteps, rows, unit, ...(clock ? { clock } : {}) };
  return fromRecord({ ...origin, ...others, leadSteps: 0, kept: true, endReason: null }, grid, limits);
}
