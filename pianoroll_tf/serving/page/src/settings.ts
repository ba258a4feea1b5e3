// What a take is made from: settings and primer, the limits that the server states, and the request made from them.
import type { Roll } from "./roll";

export type Limit = readonly [number, number];

export interface Limits {
  steps: Limit;
  temperature: Limit;
  top_p: Limit;
  density: Limit;
  seed: Limit;
}

/** In place of a number of steps: until the model ends the piece. */
export const UNTIL_IT_ENDS = -1;

/** `steps` is 0 for music without end, or `UNTIL_IT_ENDS`; `density` is a factor on that of the training data. */
export interface Settings {
  version: number;
  steps: number;
  seed: number;
  temperature: number;
  top_p: number;
  density: number;
}

/** Quarters per minute, time signature ("3/4"), and the place of the first step in its bar, in steps. */
export interface Clock {
  tempo: number;
  meter: string;
  place: number;
}

/** `clock`: of the file that it comes from; the music continues in it. */
export interface Primer {
  name: string;
  roll: Roll;
  clock?: Clock;
}

export const LABELS: Record<keyof Settings, string> = {
  version: "Version",
  steps: "Length",
  seed: "Seed",
  temperature: "Temperature",
  top_p: "Top-p",
  density: "Density",
};
const WHOLE: ReadonlySet<keyof Settings> = new Set(["version", "steps", "seed"]);

/** What is wrong with a setting, in words; empty if nothing is. */
export function complaint(name: keyof Settings, value: number, limits: Limits): string {
  const [low, high] = name === "version" ? [0, Number.MAX_SAFE_INTEGER] : limits[name];
  const kind = WHOLE.has(name) ? "a whole number" : "a number";
  const good = WHOLE.has(name) ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (good && value >= low && value <= high) return "";
  return `${LABELS[name]} must be ${kind} from ${low} to ${high}.`;
}

/** A clock as it came from elsewhere, checked. */
export function checkedClock(value: Clock): Clock {
  const { tempo, meter, place } = value;
  const good = tempo >= 10 && tempo <= 1000 && Number.isSafeInteger(place) && place >= 0 && /^\d{1,2}\/\d{1,2}$/.test(meter);
  if (!good) throw new Error("The tempo or bar in it is damaged.");
  return { tempo, meter, place };
}

/** The body of a request to /generate. */
export function requestBody(settings: Settings, primer: Primer | null): Record<string, unknown> {
  const { steps, ...others } = settings;
  const length = steps === UNTIL_IT_ENDS ? {} : { steps };
  return { ...others, ...length, ...(primer ? { ...primer.clock, primer: primer.roll } : {}) };
}

/** The settings in one line of words. */
export function describe(settings: Settings, primer: Primer | null): string {
  const parts = [`seed ${settings.seed}`, `temperature ${settings.temperature}`];
  if (settings.density !== 1) parts.push(`density × ${settings.density}`);
  if (settings.top_p !== 1) parts.push(`top-p ${settings.top_p}`);
  parts.push(`version ${settings.version}`, primer ? `after ${primer.name}` : "from nothing");
  return parts.join(" · ");
}

/** A seed that is short enough to be read out and typed. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! % 1_000_000;
}
