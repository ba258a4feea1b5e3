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

/** `steps` is 0 for music without end; `density` is a factor on that of the training data. */
export interface Settings {
  version: number;
  steps: number;
  seed: number;
  temperature: number;
  top_p: number;
  density: number;
}

export interface Primer {
  name: string;
  roll: Roll;
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

/** The body of a request to /generate. */
export function requestBody(settings: Settings, primer: Primer | null): Record<string, unknown> {
  return primer ? { ...settings, primer: primer.roll } : { ...settings };
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
