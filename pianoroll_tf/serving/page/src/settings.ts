// The settings and primer of a take, the server's limits for them, and the request that they make.
import type { Roll } from "./roll";
import { describeSteering, type Steering, steeringFields } from "./steering";

export type Limit = readonly [number, number];

export interface Limits {
  steps: Limit;
  temperature: Limit;
  top_p: Limit;
  density: Limit;
  seed: Limit;
}

/** Instead of a number of steps: generate until the model ends the piece. */
export const UNTIL_MODEL_ENDS = -1;

/** `steps` is 0 for endless music, or `UNTIL_MODEL_ENDS`; `density` is relative to the training data's density. */
export interface Settings {
  version: number;
  steps: number;
  seed: number;
  temperature: number;
  top_p: number;
  density: number;
  /** What the music keeps to; left out: nothing. */
  steering?: Steering;
}

export type NumberSetting = Exclude<keyof Settings, "steering">;

/** Quarter notes per minute, time signature ("3/4"), and the position of the first step in its bar, in steps. */
export interface Clock {
  tempo: number;
  meter: string;
  place: number;
}

/**
 * `clock`: tempo and time signature of the MIDI file, in which the music is continued.
 * `lead`: music before `roll` that is heard but not sent, because the model takes only so many steps.
 */
export interface Primer {
  name: string;
  roll: Roll;
  clock?: Clock;
  lead?: Roll;
}

export const LABELS: Record<NumberSetting, string> = {
  version: "Version",
  steps: "Length",
  seed: "Seed",
  temperature: "Temperature",
  top_p: "Top-p",
  density: "Density",
};
const INTEGER_SETTINGS: ReadonlySet<NumberSetting> = new Set(["version", "steps", "seed"]);

/** An error message for an invalid setting; empty if it is valid. */
export function settingError(name: NumberSetting, value: number, limits: Limits): string {
  const [low, high] = name === "version" ? [0, Number.MAX_SAFE_INTEGER] : limits[name];
  const kind = INTEGER_SETTINGS.has(name) ? "a whole number" : "a number";
  const isNumber = INTEGER_SETTINGS.has(name) ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (isNumber && value >= low && value <= high) return "";
  return `${LABELS[name]} must be ${kind} from ${low} to ${high}.`;
}

/** Checks a clock from an untrusted source; throws if it is not valid. */
export function validateClock(value: Clock): Clock {
  const { tempo, meter, place } = value;
  const validPlace = Number.isSafeInteger(place) && place >= 0;
  const valid = tempo >= 10 && tempo <= 1000 && validPlace && /^\d{1,2}\/\d{1,2}$/.test(meter);
  if (!valid) throw new Error("The tempo or time signature is damaged.");
  return { tempo, meter, place };
}

/** The body of a request to /generate. */
export function requestBody(settings: Settings, primer: Primer | null): Record<string, unknown> {
  const { steps, steering, ...others } = settings;
  const length = steps === UNTIL_MODEL_ENDS ? {} : { steps };
  return { ...others, ...length, ...steeringFields(steering, steps), ...(primer ? { ...primer.clock, primer: primer.roll } : {}) };
}

/** The settings as one line of text, with the primer unless it is said elsewhere. */
export function describeSettings(settings: Settings, primer: Primer | null, withPrimer = true): string {
  const parts = [`seed ${settings.seed}`, `temperature ${settings.temperature}`];
  if (settings.density !== 1) parts.push(`density × ${settings.density}`);
  if (settings.top_p !== 1) parts.push(`top-p ${settings.top_p}`);
  const steering = describeSteering(settings.steering);
  if (steering) parts.push(steering);
  parts.push(`version ${settings.version}`);
  if (withPrimer) parts.push(primer ? `from ${primer.name}` : "from scratch");
  return parts.join(" · ");
}

/** A random seed, short enough to be read aloud and typed. */
export function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! % 1_000_000;
}
