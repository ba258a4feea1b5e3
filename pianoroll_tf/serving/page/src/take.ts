// A take: settings, primer, and the music generated so far.
import type { EndReason } from "./api";
import { type Bars, makeBars } from "./bars";
import type { Grid } from "./grid";
import { DEFAULT_PLAYBACK, type Playback } from "./playback";
import type { Playable } from "./player";
import { noteChanges, type PitchRange, type Roll, type Row, soundingRange } from "./roll";
import type { Primer, Settings } from "./settings";

/** "stopped": by the user; the music up to there is valid, only shorter. */
export type TakeState = "generating" | "done" | "stopped" | "failed";

export class Take implements Playable {
  /** The primer's steps, then the generated steps. */
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
  range: PitchRange | null = null;
  noteCount = 0;

  constructor(
    readonly number: number,
    readonly settings: Settings,
    readonly primer: Primer | null,
    readonly grid: Grid,
  ) {
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
    const { tempo, meter, place } = this.primer?.clock ?? { ...this.grid, place: 0 };
    return makeBars(this.grid, this.playback.meter ?? meter, tempo, place);
  }

  /** Steps [start, end) that the model filled, of a take that was made by filling a gap. */
  get filled(): readonly [number, number] | null {
    return null;
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

  /** Replaces all rows by this primer: the server may have shortened it. */
  setPrimer(primer: Roll): void {
    this.rows.length = this.noteCount = 0;
    this.range = null;
    this.append(primer);
    this.primerSteps = primer.length;
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
