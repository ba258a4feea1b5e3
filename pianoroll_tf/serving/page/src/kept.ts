// Takes that are kept, in the browser's own store: they stand there again when the page is next opened.
import { decodeRoll, encodeRoll } from "./codec";
import type { Grid } from "./grid";
import { type Clock, checkedClock, complaint, type Limits, type Primer, type Settings } from "./settings";
import { Take } from "./take";

interface Stored {
  number: number;
  settings: Settings;
  primer: string | null; // its name; its roll is the beginning of `rows`
  clock?: Clock; // of the primer, where it came from a file
  primerSteps: number;
  rows: string;
  unit: Grid["unit"];
}

const key = (model: string) => `pianoroll_tf/kept/${model}`;

/** Stores these takes in place of those stored before; throws where the browser refuses. */
export async function storeKept(model: string, takes: readonly Take[]): Promise<void> {
  const stored = await Promise.all(
    takes.map(async (take) => ({
      number: take.number,
      settings: take.settings,
      primer: take.primer?.name ?? null,
      ...(take.primer?.clock ? { clock: take.primer.clock } : {}),
      primerSteps: take.primerSteps,
      rows: await encodeRoll(take.rows),
      unit: take.grid.unit,
    })),
  );
  try {
    localStorage.setItem(key(model), JSON.stringify(stored));
  } catch {
    throw new Error("This browser's store is full or closed: what is kept stays only until the page is closed.");
  }
}

/** The takes of the store; those that cannot be read are counted. */
export async function loadKept(model: string, grid: Grid, limits: Limits): Promise<{ takes: Take[]; damaged: number }> {
  let stored: Stored[];
  try {
    stored = JSON.parse(localStorage.getItem(key(model)) ?? "[]");
    if (!Array.isArray(stored)) throw new Error("not a list");
  } catch {
    return { takes: [], damaged: 1 };
  }
  const takes = await Promise.all(stored.map((one) => restore(one, grid, limits).catch(() => null)));
  const good = takes.filter((take) => take !== null);
  return { takes: good, damaged: takes.length - good.length };
}

async function restore(stored: Stored, grid: Grid, limits: Limits): Promise<Take> {
  const rows = await decodeRoll(stored.rows);
  for (const [name, value] of Object.entries(stored.settings) as [keyof Settings, number][]) {
    if (complaint(name, value, limits)) throw new Error(name);
  }
  if (!Number.isInteger(stored.number) || stored.unit !== grid.unit) throw new Error("of another grid");
  const music: Primer | null =
    stored.primer === null ? null : { name: String(stored.primer), roll: rows.slice(0, stored.primerSteps) };
  if (music && stored.clock) music.clock = checkedClock(stored.clock);
  const take = new Take(stored.number, stored.settings, music, grid);
  take.append(rows.slice(take.primerSteps));
  take.finish("done");
  take.kept = true;
  return take;
}
