// Kept takes in the browser's local storage, from which they are loaded when the page is opened again.
import { decodeRoll, encodeRoll } from "./codec";
import type { Grid } from "./grid";
import { type Playback, validatePlayback } from "./playback";
import { type Clock, type Limits, type NumberSetting, type Primer, settingError, type Settings, validateClock } from "./settings";
import { validateSteering } from "./steering";
import { type Gap, Take, validateGap } from "./take";

interface StoredTake {
  number: number;
  settings: Settings;
  primer: string | null; // its name; its roll is the beginning of `rows`
  clock?: Clock; // of a primer that was a MIDI file
  primerSteps: number;
  rows: string;
  unit: Grid["unit"];
  playback?: Playback;
  gap?: Gap; // that was filled
}

const storageKey = (model: string) => `pianoroll_tf/kept/${model}`;

/** Stores these takes and drops those that were stored before; throws if the browser refuses. */
export async function storeTakes(model: string, takes: readonly Take[]): Promise<void> {
  const stored: StoredTake[] = await Promise.all(
    takes.map(async (take) => ({
      number: take.number,
      settings: take.settings,
      primer: take.primer?.name ?? null,
      ...(take.primer?.clock ? { clock: take.primer.clock } : {}),
      primerSteps: take.primerSteps,
      rows: await encodeRoll(take.rows),
      unit: take.grid.unit,
      playback: take.playback,
      ...(take.gap ? { gap: take.gap } : {}),
    })),
  );
  try {
    localStorage.setItem(storageKey(model), JSON.stringify(stored));
  } catch {
    throw new Error("The browser's storage is full or unavailable: kept takes are lost when the page is closed.");
  }
}

/** Loads the stored takes, and counts those that cannot be read. */
export async function loadStoredTakes(
  model: string,
  grid: Grid,
  limits: Limits,
): Promise<{ takes: Take[]; damaged: number }> {
  let stored: StoredTake[];
  try {
    stored = JSON.parse(localStorage.getItem(storageKey(model)) ?? "[]");
    if (!Array.isArray(stored)) throw new Error("not a list");
  } catch {
    return { takes: [], damaged: 1 };
  }
  const restored = await Promise.all(stored.map((take) => restore(take, grid, limits).catch(() => null)));
  const takes = restored.filter((take) => take !== null);
  return { takes, damaged: restored.length - takes.length };
}

async function restore(stored: StoredTake, grid: Grid, limits: Limits): Promise<Take> {
  const rows = await decodeRoll(stored.rows);
  const { steering, ...numbers } = stored.settings;
  if (steering) stored.settings.steering = validateSteering(steering);
  for (const [name, value] of Object.entries(numbers) as [NumberSetting, number][]) {
    if (settingError(name, value, limits)) throw new Error(`invalid setting: ${name}`);
  }
  if (!Number.isInteger(stored.number) || stored.unit !== grid.unit) throw new Error("stored for another grid");
  const primer: Primer | null =
    stored.primer === null ? null : { name: String(stored.primer), roll: rows.slice(0, stored.primerSteps) };
  if (primer && stored.clock) primer.clock = validateClock(stored.clock);
  const take = new Take(stored.number, stored.settings, primer, grid);
  take.append(rows.slice(take.primerSteps));
  take.finish("done");
  take.kept = true;
  take.playback = validatePlayback(stored.playback);
  if (stored.gap) take.gap = validateGap(stored.gap, rows.length);
  return take;
}
