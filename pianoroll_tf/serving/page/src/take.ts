// A take: settings, primer, and the music generated so far; where it comes from.
import type { EndReason } from "./api";
import type { Grid } from "./grid";
import type { Playable } from "./player";
import { noteChanges, type PitchRange, type Roll, type Row, soundingRange } from "./roll";
import type { Primer, Settings } from "./settings";

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
  /** Why the piece ended, as reported by the server. */
  endReason: EndReason | null = null;
  kept = false;
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
    const { lead = [], roll = [] } = this.primer ?? {};
    this.rows.length = this.noteCount = 0;
    this.range = null;
    this.append(lead);
    this.append(primer.length === roll.length ? roll : primer); // the server does not know what sounded before it
    this.primerSteps = lead.length + primer.length;
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
    this.error = error;
    if (this.generatedSteps > 0) this.settings.steps = this.generatedSteps;
  }
}

/** A random name; `crypto.randomUUID` exists only on HTTPS and localhost. */
export function uniqueId(): string {
  return [...crypto.getRandomValues(new Uint32Array(3))].map((part) => part.toString(36)).join("-");
}
