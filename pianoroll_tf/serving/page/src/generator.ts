// Makes takes, at the request of the user: adds them to the list and fills them; what is asked for meanwhile is not begun.
import type { About } from "./api";
import { type BarRange, rangeSteps } from "./bars";
import { announce, byId, showMessage } from "./dom";
import { fillFromInfill } from "./filling";
import type { Grid } from "./grid";
import { type Primer, randomSeed, type Settings } from "./settings";
import type { SettingsForm } from "./settingsform";
import { fillFromStream } from "./streaming";
import { Take } from "./take";
import type { TakeList } from "./takelist";

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
  take(settings: Settings, primer: Primer | null): Take {
    return new Take(this.takes.nextNumber, { ...settings }, primer, this.grid);
  }

  /** A take that is to differ from another one in these bars. */
  refill(original: Take, range: BarRange, particles: number): Take {
    const [start, end] = rangeSteps(original.bars, range, original.rows.length);
    return original.withGap(this.takes.nextNumber, { start, end, particles }, randomSeed());
  }

  /** Adds a take and waits until it is complete; with `listen`, plays it as soon as it begins. */
  async run(take: Take, listen = false): Promise<void> {
    if (this.running) return;
    showMessage(byId("alert"), "");
    void this.takes.piano.load().catch(() => undefined); // in advance, for the first Play, which reports errors
    const { signal } = (this.running = new AbortController());
    this.takes.add(take);
    this.takes.reveal(take);
    this.form.setBusy(true);
    announce(`${take.name} is being generated.`);
    await this.fill(take, signal, () => {
      this.takes.update(take);
      if (listen && take.generatedSteps > 0) this.takes.listen(take);
      listen &&= take.generatedSteps === 0;
    });
    this.running = null;
    this.form.setBusy(false);
    announce(take.error || `${take.name} is ready.`);
    if (take.state === "failed") this.onfail();
  }

  stop(): void {
    this.running?.abort();
  }

  private fill(take: Take, signal: AbortSignal, onchange: () => void): Promise<void> {
    if (take.gap) return fillFromInfill(take, signal, onchange);
    return fillFromStream(take, this.about.limits.steps[1], signal, onchange);
  }
}
