// What is asked of the server to build on a take: continue it, vary it, or keep some of its bars.
import type { Playback } from "./playback";
import type { Roll } from "./roll";
import { randomSeed, type Primer, type Settings } from "./settings";
import { steeringFrom } from "./steering";
import { type Gap, type Origin, type Take, uniqueId } from "./take";
import { barEnd, barsName, barStart, barSteps, clockOf, firstPlace, placeName } from "./takebars";

export interface Plan {
  settings: Settings;
  primer: Primer | null;
  origin: Partial<Origin>;
  /** How it is played, as what it is made of. */
  playback?: Playback;
  /** What is to be filled in these rows, instead of making new ones after the primer. */
  filling?: { gap: Gap; rows: Roll };
}

export const FOUR = 4;

/** Keeps what is before `step`, and continues it by these settings with a new seed. */
export function continuePlan(take: Take, step: number, settings: Settings, maxPrimer: number): Plan {
  const at = placeName(take, step);
  const primer = primerOf(take, 0, step, maxPrimer, `${take.name} up to ${at}`);
  return plan(take, { ...settings, seed: otherSeed(take) }, primer, `continued at ${at}`);
}

/** Keeps what is before `step`, at least the primer; the rest is as long as before, with a new seed. */
export function varyPlan(take: Take, step: number, maxPrimer: number): Plan {
  const whole = step >= take.rows.length; // there is no rest to vary: the opening alone is kept
  if (whole && take.gap) return refillPlan(take, take.gap);
  const from = whole ? take.primerSteps : Math.max(step, take.primerSteps);
  const steps = Math.max(1, take.rows.length - from);
  const same = from === take.primerSteps && !(take.gap && take.gap.start < from);
  const at = placeName(take, from);
  const primer = same ? take.primer : primerOf(take, 0, from, maxPrimer, `${take.name} up to ${at}`);
  const deed = from === 0 ? "varied" : `varied from ${at} on`;
  const { steering, ...others } = take.settings;
  const steered = steering && { steering: steeringFrom(steering, from - take.steeredFrom) };
  return plan(take, { ...others, ...steered, steps, seed: otherSeed(take) }, primer, deed);
}

/** Fills the bars anew that were filled in this take. */
function refillPlan(take: Take, gap: Gap): Plan {
  const refilled = plan(take, { ...take.settings, seed: otherSeed(take) }, take.primer, "the same bars filled again");
  return { ...refilled, playback: take.playback, filling: { gap, rows: take.rows } };
}

/** Four variations, to choose one of them. */
export function fourPlans(take: Take, step: number, maxPrimer: number): Plan[] {
  const together = { batch: uniqueId(), created: Date.now() };
  const plans = Array.from({ length: FOUR }, () => varyPlan(take, step, maxPrimer));
  return plans.map((one) => ({ ...one, origin: { ...one.origin, ...together } }));
}

/** Keeps some bars, cuts what is before them, and makes what follows anew by these settings. */
export function keepPlan(take: Take, first: number, last: number, settings: Settings, maxPrimer: number): Plan {
  const bars = barsName(take, first, last);
  const primer = primerOf(take, barStart(take, first), barEnd(take, last), maxPrimer, `${take.name}, ${bars}`);
  return plan(take, { ...settings, seed: otherSeed(take) }, primer, `${bars} kept`);
}

function plan(take: Take, settings: Settings, primer: Primer | null, deed: string): Plan {
  return { settings, primer, origin: take.childOrigin(deed), playback: { ...take.playback, loop: null } };
}

function otherSeed(take: Take): number {
  const seed = randomSeed();
  return seed === take.settings.seed ? seed + 1 : seed;
}

/** Part of a take as a primer; what the model cannot take is before it, up to a bar line. */
function primerOf(take: Take, from: number, to: number, maxSteps: number, name: string): Primer | null {
  if (to <= from) return null;
  const bar = barSteps(take);
  const place = firstPlace(take);
  let cut = from;
  if (to - from > maxSteps) cut = Math.ceil((to - maxSteps + place) / bar) * bar - place;
  if (cut >= to) cut = to - maxSteps; // a bar is longer than that
  const primer: Primer = { name, roll: cutRoll(take.rows, cut, to) };
  if (cut > from) primer.lead = cutRoll(take.rows, from, cut);
  if (take.grid.unit === "seconds") return take.primer?.clock ? { ...primer, clock: take.primer.clock } : primer;
  const clock = { ...clockOf(take), place: (cut + place) % bar };
  return take.primer?.clock || clock.place > 0 ? { ...primer, clock } : primer;
}

/** Steps of a roll; a note that sounded before begins with the first of them. */
function cutRoll(rows: Roll, from: number, to: number): Roll {
  return rows.slice(from, to).map((row, step) => (step === 0 ? row.map(Math.abs) : row));
}
