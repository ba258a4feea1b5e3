// How a take is played: tempo, swing, transposition, bars that repeat, and metronome. The take itself stays as it is.
import { beatOffsets, type BarRange, type Bars, describeRange, parseMeter, rangeSteps } from "./bars";
import { HIGHEST_PITCH, LOWEST_PITCH, type Roll, type Row } from "./roll";

export interface Playback {
  tempo: number; // in percent of that of the take
  swing: number; // in percent: 0 is straight, 67 is a triplet
  transpose: number; // in semitones
  meter: string | null; // time signature of the bar lines; null: that of the music
  metronome: boolean;
  loop: BarRange | null;
}

export const DEFAULT_PLAYBACK: Playback = {
  tempo: 100,
  swing: 0,
  transpose: 0,
  meter: null,
  metronome: false,
  loop: null,
};
export const PLAYBACK_LIMITS = { tempo: [25, 200], swing: [0, 70], transpose: [-12, 12] } as const;

/** What is to be played: the roll, its bars, and how. */
export interface Performance {
  readonly stepsPerSecond: number;
  readonly bars: Bars;
  readonly playback: Playback;
}

/** Checks a playback from an untrusted source, such as storage; what is not valid gets its default. */
export function validatePlayback(value: unknown): Playback {
  const given = (typeof value === "object" && value !== null ? value : {}) as Partial<Playback>;
  const checked = { ...DEFAULT_PLAYBACK, metronome: given.metronome === true };
  for (const name of ["tempo", "swing", "transpose"] as const) {
    const [low, high] = PLAYBACK_LIMITS[name];
    const number = given[name];
    if (Number.isInteger(number) && number! >= low && number! <= high) checked[name] = number!;
  }
  if (typeof given.meter === "string" && parseMeter(given.meter)) checked.meter = given.meter;
  const { first, last } = given.loop ?? {};
  if (Number.isInteger(first) && Number.isInteger(last) && first! >= 1 && last! >= first!) {
    checked.loop = { first: first!, last: last! };
  }
  return checked;
}

/** What differs from how the take was generated: "80 % tempo · swing 50 % · −2 semitones"; empty if nothing does. */
export function describePlayback({ tempo, swing, transpose, metronome, loop }: Playback): string {
  const parts: string[] = [];
  if (tempo !== 100) parts.push(`${tempo} % tempo`);
  if (swing) parts.push(`swing ${swing} %`);
  if (transpose) parts.push(describeTransposition(transpose));
  if (loop) parts.push(`loop of ${describeRange(loop)}`);
  if (metronome) parts.push("metronome");
  return parts.join(" · ");
}

/** "+2 semitones", "−1 semitone", "as it is". */
export function describeTransposition(semitones: number): string {
  if (semitones === 0) return "as it is";
  return `${semitones > 0 ? "+" : "−"}${Math.abs(semitones)} semitone${Math.abs(semitones) === 1 ? "" : "s"}`;
}

/** The time of a step, in seconds from step 0, at this tempo and swing; steps may be fractional. */
export function stepTime(step: number, { stepsPerSecond, bars, playback }: Performance): number {
  const played = swung(step, bars, playback.swing) - swung(0, bars, playback.swing);
  return played / (stepsPerSecond * (playback.tempo / 100));
}

/** Delays the second eighth of each quarter, and what is between in proportion: at 100 % it would begin at 3/4. */
function swung(step: number, bars: Bars, swing: number): number {
  const quarters = (step - bars.firstLine) / bars.stepsPerQuarter;
  const phase = quarters - Math.floor(quarters);
  const middle = 0.5 + 0.25 * (swing / 100);
  const moved = phase < 0.5 ? (phase / 0.5) * middle : middle + ((phase - 0.5) / 0.5) * (1 - middle);
  return (Math.floor(quarters) + moved) * bars.stepsPerQuarter;
}

/** A row that many semitones higher. Pitches beyond those of the piano sound an octave nearer. */
export function transposed(row: Row, semitones: number): Row {
  if (!semitones) return row;
  const moved = new Map<number, number>();
  for (const value of row) {
    let pitch = Math.abs(value) + semitones;
    if (pitch > HIGHEST_PITCH) pitch -= 12;
    if (pitch < LOWEST_PITCH) pitch += 12;
    if (!moved.has(pitch) || value < 0) moved.set(pitch, value < 0 ? -pitch : pitch);
  }
  return [...moved.values()].sort((one, other) => Math.abs(one) - Math.abs(other));
}

/** The beats of the metronome from this step to before the next: their steps, and whether they begin a bar. */
export function beatsAt(step: number, bars: Bars): { step: number; strong: boolean }[] {
  const bar = Math.floor((step - bars.firstLine) / bars.stepsPerBar);
  return [bar, bar + 1]
    .flatMap((one) =>
      beatOffsets(bars).map((offset, i) => ({
        step: bars.firstLine + one * bars.stepsPerBar + offset,
        strong: i === 0,
      })),
    )
    .filter((beat) => beat.step >= step && beat.step < step + 1);
}

/** The steps [start, end) that repeat; null if none do, or if the music does not reach them. */
export function loopSteps({ bars, playback }: Performance, steps: number, complete: boolean): [number, number] | null {
  if (!playback.loop) return null;
  const [start, end] = rangeSteps(bars, playback.loop, complete ? steps : Infinity);
  return start < end && start < steps ? [start, end] : null;
}

/** The rows to render and the times at which they begin, in seconds; one time more, for their end. */
export interface Score {
  rows: Roll;
  times: number[];
}

/** A whole take, or the bars of its loop once, at its tempo, swing and transposition. */
export function makeScore(rows: Roll, performance: Performance): Score {
  const [start, end] = loopSteps(performance, rows.length, true) ?? [0, rows.length];
  const origin = stepTime(start, performance);
  return {
    rows: rows.slice(start, end).map((row) => transposed(row, performance.playback.transpose)),
    times: Array.from({ length: end - start + 1 }, (_, i) => stepTime(start + i, performance) - origin),
  };
}
