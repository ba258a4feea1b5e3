// A take as a record that IndexedDB stores, and which records are dropped when there are too many.
import type { EndReason } from "./api";
import { rollFromBytes, rollToBytes } from "./codec";
import type { Grid } from "./grid";
import { type Playback, validatePlayback } from "./playback";
import { type Clock, LABELS, type Limits, type Primer, settingError, type Settings, validateClock } from "./settings";
import { validateSteering } from "./steering";
import { type Gap, type Origin, Take, validateGap } from "./take";

export const MAX_STORED = 50; // takes of a model; those that are kept do not count

export interface TakeRecord extends Origin {
  model: string;
  number: number;
  settings: Settings;
  primer: string | null; // its name; its roll is part of `rows`
  clock?: Clock; // of a primer that was a MIDI file
  leadSteps: number;
  primerSteps: number; // with those of the lead
  rows: Uint8Array;
  unit: Grid["unit"];
  kept: boolean;
  endReason: EndReason | null;
  playback?: Playback;
  gap?: Gap | null; // that was filled
  effectiveParticles?: number | null;
}

export function toRecord(take: Take, model: string): TakeRecord {
  const { primer, settings, grid, origin, number, primerSteps, kept, endReason, playback, gap, effectiveParticles } = take;
  return {
    ...origin,
    ancestors: [...origin.ancestors],
    model,
    number,
    settings: take.complete ? { ...settings } : { ...settings, steps: Math.max(1, take.generatedSteps) },
    primer: primer?.name ?? null,
    ...(primer?.clock ? { clock: { ...primer.clock } } : {}),
    leadSteps: primer?.lead?.length ?? 0,
    primerSteps,
    rows: rollToBytes(take.rows),
    unit: grid.unit,
    kept,
    endReason,
    playback,
    gap,
    effectiveParticles,
  };
}

/** The take of a record; throws if it is damaged, or was made on another grid. */
export function fromRecord(record: TakeRecord, grid: Grid, limits: Limits): Take {
  const { primerSteps, leadSteps, number, settings, origin } = { ...record, origin: originOf(record) };
  const rows = rollFromBytes(record.rows);
  for (const name of Object.keys(LABELS) as (keyof typeof LABELS)[]) {
    if (settingError(name, settings[name], limits)) throw new Error(`invalid setting: ${name}`);
  }
  if (settings.steering) settings.steering = validateSteering(settings.steering);
  if (!Number.isInteger(number) || record.unit !== grid.unit) throw new Error("stored for another grid");
  const isSplit = Number.isSafeInteger(leadSteps) && Number.isSafeInteger(primerSteps);
  if (!isSplit || leadSteps < 0 || leadSteps > primerSteps || primerSteps > rows.length) throw new Error("the record is damaged");
  const primer: Primer | null =
    record.primer === null ? null : { name: String(record.primer), roll: rows.slice(leadSteps, primerSteps) };
  if (primer && leadSteps > 0) primer.lead = rows.slice(0, leadSteps);
  if (primer && record.clock) primer.clock = validateClock(record.clock);
  const take = new Take(number, settings, primer, grid, origin);
  take.append(rows.slice(take.primerSteps));
  take.finish("done");
  take.kept = record.kept === true;
  take.endReason = record.endReason ?? null;
  take.playback = validatePlayback(record.playback);
  if (record.gap) take.gap = validateGap(record.gap, rows.length);
  if (Number.isFinite(record.effectiveParticles)) take.effectiveParticles = record.effectiveParticles!;
  return take;
}

function originOf({ id, created, ancestors, deed, batch }: TakeRecord): Origin {
  const strings = Array.isArray(ancestors) ? ancestors.map(String) : [];
  if (typeof id !== "string" || !Number.isFinite(created)) throw new Error("the record is damaged");
  return { id, created, ancestors: strings, deed: String(deed ?? ""), batch: String(batch ?? "") };
}

/** The ids of the records to drop, so that at most `most` are left that are not kept: the oldest ones. */
export function surplus(records: readonly Pick<TakeRecord, "id" | "created" | "kept">[], most = MAX_STORED): string[] {
  const free = records.filter((record) => !record.kept).sort((a, b) => b.created - a.created);
  return free.slice(most).map((record) => record.id);
}
