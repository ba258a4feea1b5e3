// What the model must keep to (scale or chords, range, silent ranges, polyphony), as fields of a request and in words.
import { chordNames, parseChords, parseNote, ROOTS, scalePitchClasses, SCALES } from "./chords";
import { HIGHEST_PITCH, LOWEST_PITCH, noteName } from "./roll";

export type Interval = readonly [number, number];

/**
 * What is left out is free. `upbeat`: generated steps before the first bar line, which belong to the first chord;
 * below 0 if the music begins so many steps after it.
 */
export interface Steering {
  scale?: { root: number; name: string };
  chords?: { text: string; upbeat: number; stepsPerBar: number };
  range?: Interval; // MIDI pitches, both included
  silent?: readonly Interval[];
  polyphony?: number;
}

export const MAX_POLYPHONY = 84;
const MAX_CHORDS = 4096; // that the server takes
const OPEN_BARS = 512; // for which chords are repeated if the length of the music is not known

/** The fields of a request for music of so many steps; 0 or less: of unknown length. */
export function steeringFields(steering: Steering | undefined, steps: number): Record<string, unknown> {
  const { scale, chords, range, silent, polyphony } = steering ?? {};
  return {
    ...(scale && { scale: scalePitchClasses(scale.root, scale.name) }),
    ...(chords && { chords: chordTrack(chords, steps) }),
    ...(range && { lowest: range[0], highest: range[1] }),
    ...(silent?.length && { silent }),
    ...(polyphony && { polyphony }),
  };
}

/** The chords again and again, one per bar, at generated steps. */
function chordTrack({ text, upbeat, stepsPerBar }: NonNullable<Steering["chords"]>, steps: number) {
  const chords = parseChords(text);
  const bars = steps > 0 ? Math.ceil((steps - upbeat) / stepsPerBar) : OPEN_BARS;
  return Array.from({ length: Math.max(1, Math.min(bars, MAX_CHORDS)) }, (_, bar) => ({
    step: bar ? Math.round(upbeat + bar * stepsPerBar) : 0,
    pitch_classes: chords[bar % chords.length]!,
  }));
}

/** The steering of music that begins at this generated step: its chords go on from there, within a bar too. */
export function steeringFrom(steering: Steering, step: number): Steering {
  if (!steering.chords) return steering;
  const { text, upbeat, stepsPerBar } = steering.chords;
  if (step > 0 && step < upbeat) return { ...steering, chords: { text, upbeat: upbeat - step, stepsPerBar } };
  const words = chordNames(text);
  const bar = Math.floor((step - upbeat + 0.5) / stepsPerBar); // bar lines between steps belong to the nearest step
  const into = Math.round(step - upbeat - bar * stepsPerBar);
  const first = ((bar % words.length) + words.length) % words.length;
  const rotated = [...words.slice(first), ...words.slice(0, first)].join(" ");
  return { ...steering, chords: { text: rotated, upbeat: into > 0 ? -into : 0, stepsPerBar } };
}

/** "D minor · C2 to C6 · at most 4 notes at once · chords C Am F G · without C1–B2"; empty if everything is free. */
export function describeSteering(steering: Steering | undefined): string {
  const { scale, chords, range, silent, polyphony } = steering ?? {};
  const parts: string[] = [];
  if (scale) parts.push(`in ${ROOTS[scale.root]} ${scale.name}`);
  if (chords) parts.push(`chords ${chords.text}`);
  if (range) parts.push(`${noteName(range[0])} to ${noteName(range[1])}`);
  if (silent?.length) parts.push(`without ${describeIntervals(silent)}`);
  if (polyphony) parts.push(`at most ${polyphony} ${polyphony === 1 ? "note" : "notes"} at once`);
  return parts.join(" · ");
}

export function describeIntervals(intervals: readonly Interval[]): string {
  return intervals.map(([low, high]) => (low === high ? noteName(low) : `${noteName(low)}–${noteName(high)}`)).join(", ");
}

/** Parses "C1–B2, F♯4"; throws an Error that names what is not a note or range. */
export function parseIntervals(text: string): Interval[] {
  return text
    .split(/[,;]/)
    .map((part) => part.trim())
    .filter(Boolean)
    .map((part) => {
      const ends = part.split(/\s*(?:[–—]|(?<=\d)-|\bto\b)\s*/).map(parseNote);
      const [low, high] = ends.length === 1 ? [ends[0], ends[0]] : ends;
      const isRange = ends.length <= 2 && low != null && high != null && low <= high;
      if (isRange && low >= LOWEST_PITCH && high <= HIGHEST_PITCH) return [low, high] as const;
      throw new Error(`“${part}” is not a range of notes from C1 to B7. Write ranges such as C1–B2 or F♯4.`);
    });
}

/** Checks a steering from an untrusted source; throws if it is not valid. */
export function validateSteering(value: unknown): Steering {
  const { scale, chords, range, silent, polyphony } = value as Steering;
  const isInterval = (one: unknown) =>
    Array.isArray(one) &&
    one.length === 2 &&
    one.every(Number.isInteger) &&
    one[0] >= LOWEST_PITCH &&
    one[0] <= one[1] &&
    one[1] <= HIGHEST_PITCH;
  const valid =
    (!scale || (ROOTS[scale.root] !== undefined && Object.hasOwn(SCALES, scale.name))) &&
    (!chords || (chords.stepsPerBar >= 1 && chords.upbeat > -chords.stepsPerBar && chords.upbeat <= chords.stepsPerBar)) &&
    (!chords || chords.text.length <= 2000) &&
    (!range || isInterval(range)) &&
    (!silent || (silent.length <= MAX_POLYPHONY && silent.every(isInterval))) &&
    (!polyphony || (Number.isInteger(polyphony) && polyphony >= 1 && polyphony <= MAX_POLYPHONY));
  if (!valid) throw new Error("The scale, chords or range are damaged.");
  if (chords) parseChords(chords.text);
  return {
    ...(scale && { scale: { root: scale.root, name: scale.name } }),
    ...(chords && { chords: { text: chords.text, upbeat: chords.upbeat, stepsPerBar: chords.stepsPerBar } }),
    ...(range && { range }),
    ...(silent?.length && { silent }),
    ...(polyphony && { polyphony }),
  };
}
