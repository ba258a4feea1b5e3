// Makes takes, at the request of the user: adds them to the tree and fills them; what is asked for meanwhile is not begun.
import type { About } from "./api";
import { type BarRange, rangeSteps } from "./bars";
import { announce, byId, showMessage } from "./dom";
import { fillFromInfill } from "./filling";
import type { Grid } from "./grid";
import { randomSeed } from "./settings";
import type { SettingsForm } from "./settingsform";
import { fillFromStream } from "./streaming";
import { Take } from "./take";
import type { TakeList } from "./takelist";
import type { Plan } from "./takeplan";

export class Generator {
  /** A take failed. */
  onfail: () => void = () => undefined;
  private running: AbortController | null = null;

  constructor(
    private readonly takes: TakeList,
    private readonly form: SettingsForm,
    private readonly grid: Grid,
    private readonly about: About,
  ) {}

  /** A take that is to be filled with music. */
  take({ settings, primer, origin, playback, filling }: Plan): Take {
    const take = new Take(this.takes.nextNumber, { ...settings }, primer, this.grid, origin);
    if (playback) take.playback = playback;
    if (filling) take.setFilling(filling.gap, filling.rows);
    return take;
  }

  /** Makes takes, all at once. */
  async make(plans: readonly Plan[], listen = false): Promise<void> {
    if (this.running || plans.length === 0) return;
    const takes = plans.map((plan) => {
      const take = this.take(plan);
      this.takes.add(take);
      return take;
    });
    await this.run(takes, listen);
  }

  /** Makes a take that differs from another one in these bars. */
  async fillBars(original: Take, range: BarRange, particles: number): Promise<void> {
    if (this.running) return;
    const [start, end] = rangeSteps(original.bars, range, original.rows.length);
    const take = original.withGap(this.takes.nextNumber, { start, end, particles }, randomSeed());
    this.takes.add(take);
    await this.run([take]);
  }

  stop(): void {
    this.running?.abort();
  }

  /** Fills takes of the tree; with `listen`, plays the first one as soon as it begins. */
  private async run(takes: readonly Take[], listen = false): Promise<void> {
    showMessage(byId("alert"), "");
    void this.takes.piano.load().catch(() => undefined); // in advance, for the first Play, which reports errors
    const { signal } = (this.running = new AbortController());
    const [first] = takes;
    this.takes.reveal(first!);
    this.setBusy(true);
    const names = takes.map((take) => take.name).join(", ");
    announce(`${names}: being generated.`);
    await Promise.all(
      takes.map((take) =>
        this.fill(take, signal, () => {
          this.takes.update(take);
          if (!listen || take !== first || take.generatedSteps === 0) return;
          listen = false;
          this.takes.listen(take);
        }),
      ),
    );
    this.running = null;
    this.setBusy(false);
    const failed = takes.find((take) => take.state === "failed");
    announce(failed?.error || `${names}: ready.`);
    if (failed) this.onfail();
  }

  private setBusy(busy: boolean): void {
    this.form.setBusy(busy);
    this.takes.setBusy(busy);
  }

  private fill(take: Take, signal: AbortSignal, onchange: () => void): Promise<void> {
    if (take.gap) return fillFromInfill(take, signal, onchange);
    return fillFromStream(take, this.about.limits.steps[1], signal, onchange);
  }
}
