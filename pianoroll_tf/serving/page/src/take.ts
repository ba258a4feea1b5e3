// A take: what was asked for, and the music that has come so far.
import type { EndReason } from "./api";
import type { Grid } from "./grid";
import type { Playable } from "./player";
import { changes, type PitchRange, type Roll, type Row, soundingRange } from "./roll";
import type { Primer, Settings } from "./settings";

/** "stopped" by the user: what has come is whole, only shorter. */
export type TakeState = "growing" | "done" | "stopped" | "failed";

export class Take implements Playable {
  /** Primer, then what was generated. */
  readonly rows: Row[] = [];
  primerSteps = 0;
  state: TakeState = "growing";
  error = "";
  /** Why it ended, as the server says. */
  ended: EndReason | null = null;
  kept = false;
  range: PitchRange | null = null;
  notes = 0;

  constructor(
    readonly number: number,
    readonly settings: Settings,
    readonly primer: Primer | null,
    readonly grid: Grid,
  ) {
    this.begin(primer?.roll ?? []);
  }

  get name(): string {
    return `Take ${this.number}`;
  }

  get complete(): boolean {
    return this.state !== "growing";
  }

  get stepsPerSecond(): number {
    const tempo = this.grid.unit === "beats" ? this.primer?.clock?.tempo : undefined;
    return tempo ? (this.grid.stepsPerUnit * tempo) / 60 : this.grid.stepsPerSecond;
  }

  /** Generated steps so far. */
  get generated(): number {
    return this.rows.length - this.primerSteps;
  }

  /** Steps it will have with its primer; while it has no end, what has come. */
  get expected(): number {
    return this.complete ? this.rows.length : Math.max(this.rows.length, this.primerSteps + this.settings.steps);
  }

  get music(): Roll {
    return this.rows.slice(this.primerSteps);
  }

  /** Starts with this primer, as the server cut it. */
  begin(primer: Roll): void {
    this.rows.length = this.notes = 0;
    this.range = null;
    this.append(primer);
    this.primerSteps = primer.length;
  }

  append(rows: Roll): void {
    for (const row of rows) {
      this.notes += changes(this.rows[this.rows.length - 1] ?? [], row).begin.length;
      this.rows.push(row);
    }
    const range = soundingRange(rows);
    if (!range) return;
    const { low, high } = this.range ?? range;
    this.range = { low: Math.min(low, range.low), high: Math.max(high, range.high) };
  }

  /** It gets no more steps; its settings name those that it has, so that they make the same again. */
  finish(state: TakeState, error = ""): void {
    this.state = state;
    this.error = error;
    if (this.generated > 0) this.settings.steps = this.generated;
  }
}
