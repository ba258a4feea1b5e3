// What the server can do besides generating: read from the description of its API, because older servers can do less.
import type { Limit } from "./settings";

export interface Features {
  /** Whether requests may name a scale, chords, a range, silent ranges and a polyphony. */
  steering: boolean;
  /** How many continuations may be drawn to fill a gap; null: the server cannot fill gaps. */
  particles: Limit | null;
}

export const NO_FEATURES: Features = { steering: false, particles: null };
const STEERING_FIELDS = ["lowest", "highest", "scale", "chords", "silent", "polyphony"];

interface OpenApi {
  paths?: Record<string, unknown>;
  components?: { schemas?: Record<string, { properties?: Record<string, { minimum?: number; maximum?: number }> }> };
}

/** The features in an OpenAPI document. */
export function featuresOf(document: OpenApi): Features {
  const schemas = Object.values(document.components?.schemas ?? {}).map(({ properties }) => properties ?? {});
  const generate = document.components?.schemas?.Piece?.properties ?? {};
  const particles = schemas.find((properties) => properties.particles)?.particles;
  return {
    steering: STEERING_FIELDS.every((name) => name in generate),
    particles: document.paths?.["/infill"] ? [particles?.minimum ?? 2, particles?.maximum ?? 64] : null,
  };
}

/** The features of the server; none if it does not describe them. */
export async function fetchFeatures(): Promise<Features> {
  try {
    return featuresOf(await (await fetch("openapi.json")).json());
  } catch {
    return NO_FEATURES;
  }
}
