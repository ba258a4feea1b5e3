// A take: settings, primer, and the music generated so far; where it comes from.
import type { EndReason } from "./api";
import { barOf, type Bars, describeRange, gridTempo, makeBars } from "./bars";
import type { Grid } from "./grid";
import { DEFAULT_PLAYBACK, type Playback } from "./playback";
import type { Playable } from "./player";
import { noteChanges, type PitchRange, type Roll, type Row, soundingRange } from "./roll";
import type { Primer, Settings } from "./settings";
import { steeringFrom } from "./steering";

/** A gap, steps [start, end), and how many continuations are drawn to fill it, of which one is chosen. */
export interface Gap {
  start: number;
  end: number;
  particles: number;
}

/** "stopped": by the user; the music up to there is valid, only shorter. */
export type TakeState = "generating" | "done" | "stopped" | "failed";

/** Where a take comes from. */
export interface Origin {
  /** Unique among the takes of all tabs. */
  id: string;
  /** When it was made, in milliseconds since 1970. */
  created: number;
  /** The takes that it was made of, nearest first: one that was removed does not break the family. */
  ancestors: readonly string[];
  /** What was done to the nearest of them: "continued at bar 12"; empty if there is none. */
  deed: string;
  /** Shared by takes that were made together, to choose one of them. */
  batch: string;
}

export class Take implements Playable {
  /** The steps before the primer, those of the primer, then the generated steps. */
  readonly rows: Row[] = [];
  primerSteps = 0;
  state: TakeState = "generating";
  error = "";
  /** Whether the connection was lost, and the rest of the music is being requested again. */
  reconnecting = false;
  /** Why the piece ended, as reported by the server. */
  endReason: EndReason | null = null;
  kept = false;
  /** How it is played. */
  playback: Playback = DEFAULT_PLAYBACK;
  /** What the model filled, of a take that was made by filling a gap. */
  gap: Gap | null = null;
  /** How many of the versions of the gap still counted when one was chosen. */
  effectiveParticles: number | null = null;
  range: PitchRange | null = null;
  noteCount = 0;
  readonly origin: Origin;

  constructor(
    public number: number,
    readonly settings: Settings,
    readonly primer: Primer | null,
    readonly grid: Grid,
    origin: Partial<Origin> = {},
  ) {
    this.origin = { id: uniqueId(), created: Date.now(), ancestors: [], deed: "", batch: "", ...origin };
    this.setPrimer(primer?.roll ?? []);
  }

  get name(): string {
    return `Take ${this.number}`;
  }

  get complete(): boolean {
    return this.state !== "generating";
  }

  get stepsPerSecond(): number {
    const tempo = this.grid.unit === "beats" ? this.primer?.clock?.tempo : undefined;
    return tempo ? (this.grid.stepsPerUnit * tempo) / 60 : this.grid.stepsPerSecond;
  }

  get bars(): Bars {
    const { grid } = this;
    const { tempo, meter, place } = this.primer?.clock ?? { tempo: gridTempo(grid), meter: grid.meter, place: 0 };
    const lead = this.primer?.lead?.length ?? 0; // the place is that of the primer's first step
    return makeBars(grid, this.playback.meter ?? meter, tempo, place - lead);
  }

  /** Steps [start, end) that the model filled. */
  get filled(): readonly [number, number] | null {
    return this.gap && [this.gap.start, this.gap.end];
  }

  /** The step at which the chords that it keeps to begin. */
  get steeredFrom(): number {
    return this.gap?.start ?? this.primerSteps;
  }

  /** What was filled, in words; empty if nothing was. */
  get fillFacts(): string {
    if (!this.gap) return "";
    const { start, end, particles } = this.gap;
    const range = describeRange({ first: barOf(this.bars, start), last: barOf(this.bars, end - 1) });
    const counted = this.effectiveParticles === null ? "" : `, of which ${this.effectiveParticles.toFixed(1)} counted`;
    return `${range} filled, one of ${particles} versions${counted}`;
  }

  /** A take that is to be like this one except for a gap, whose steps are silent at first. */
  withGap(number: number, gap: Gap, seed: number): Take {
    const { steering, ...others } = this.settings;
    const settings = { ...others, seed, ...(steering && { steering: steeringFrom(steering, gap.start - this.steeredFrom) }) };
    const range = describeRange({ first: barOf(this.bars, gap.start), last: barOf(this.bars, gap.end - 1) });
    const take = new Take(number, settings, this.primer, this.grid, this.childOrigin(`${range} filled`));
    take.primerSteps = this.primerSteps;
    take.playback = this.playback;
    take.setFilling(gap, this.rows);
    return take;
  }

  /** Makes it a take whose gap is to be filled, in music of which the part in the gap does not matter. */
  setFilling(gap: Gap, rows: Roll): void {
    this.gap = gap;
    this.replaceRows(withoutGap(rows, gap));
  }

  /** The number of steps generated so far. */
  get generatedSteps(): number {
    return this.rows.length - this.primerSteps;
  }

  /** The number of steps, with the primer, of the complete take; of endless music, the steps so far. */
  get expectedSteps(): number {
    return this.complete ? this.rows.length : Math.max(this.rows.length, this.primerSteps + this.settings.steps);
  }

  get generatedRoll(): Roll {
    return this.rows.slice(this.primerSteps);
  }

  /** Where a take comes from that is made of this one. */
  childOrigin(deed: string): Partial<Origin> {
    return { ancestors: [this.origin.id, ...this.origin.ancestors], deed };
  }

  /** Replaces all rows by this primer, after the music before it: the server may have shortened it. */
  setPrimer(primer: Roll): void {
    this.revision++;
    const { lead = [], roll = [] } = this.primer ?? {};
    this.rows.length = this.noteCount = 0;
    this.range = null;
    this.append(lead);
    this.append(primer.length === roll.length ? roll : primer); // the server does not know what sounded before it
    this.primerSteps = lead.length + primer.length;
  }

  /** Changes whenever rows are replaced, not when they are appended. */
  revision = 0;

  /** Replaces all rows; as many as before belong to the primer. */
  replaceRows(rows: Roll): void {
    this.revision++;
    this.rows.length = this.noteCount = 0;
    this.range = null;
    this.append(rows);
  }

  append(rows: Roll): void {
    for (const row of rows) {
      this.noteCount += noteChanges(this.rows[this.rows.length - 1] ?? [], row).onsets.length;
      this.rows.push(row);
    }
    const range = soundingRange(rows);
    if (!range) return;
    const { low, high } = this.range ?? range;
    this.range = { low: Math.min(low, range.low), high: Math.max(high, range.high) };
  }

  /** Marks the take as complete, and sets `settings.steps` to its length, so that the settings reproduce it. */
  finish(state: TakeState, error = ""): void {
    this.state = state;
    this.reconnecting = false;
    this.error = error;
    if (this.generatedSteps > 0) this.settings.steps = this.generatedSteps;
  }
}

/** A roll with silence in a gap. */
export function withoutGap(roll: Roll, { start, end }: Gap): Roll {
  return roll.map((row, step) => (step >= start && step < end ? [] : row));
}

/** Checks a gap from an untrusted source, in music of so many steps; throws if it is not valid. */
export function validateGap({ start, end, particles }: Gap, steps: number): Gap {
  const valid = [start, end, particles].every(Number.isSafeInteger) && start >= 0 && start < end && end <= steps;
  if (!valid || particles < 1) throw new Error("The filled bars are damaged.");
  return { start, end, particles };
}

/** A random name; `crypto.randomUUID` exists only on HTTPS and localhost. */
export function uniqueId(): string {
  return [...crypto.getRandomValues(new Uint32Array(3))].map((part) => part.toString(36)).join("-");
}
