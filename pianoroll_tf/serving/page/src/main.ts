// The page: gets the server's models and limits, then connects the form to the list of takes.
import { type About, fetchAbout } from "./api";
import { type BarRange, rangeSteps } from "./bars";
import { announce, byId, showMessage } from "./dom";
import { type Features, fetchFeatures } from "./features";
import { fillFromInfill } from "./filling";
import { type Grid, makeGrid } from "./grid";
import { type Filling, fromFragment, type LinkContent } from "./link";
import { PrimerChoice } from "./primerchoice";
import { type Primer, randomSeed, type Settings } from "./settings";
import { SettingsForm } from "./settingsform";
import { SteeringForm } from "./steeringform";
import { loadStoredTakes } from "./storage";
import { fillFromStream } from "./streaming";
import { Take } from "./take";
import { TakeList } from "./takelist";

const form = new SettingsForm();
const primerChoice = new PrimerChoice();
const steeringForm = new SteeringForm();
const alert = byId("alert");

/** Everything that needs the server's response to /about. */
class Page {
  private readonly takes: TakeList;
  private generation: AbortController | null = null;

  constructor(
    private readonly about: About,
    private readonly grid: Grid,
    features: Features,
  ) {
    this.takes = new TakeList(about.model, features);
    this.takes.onfill = (take, range, particles) => void this.fill(take, range, particles);
    byId("model").textContent = about.model;
    document.title = `${about.model} · pianoroll_tf`;
    form.setup(about, grid);
    primerChoice.setup(about.example_primers, grid, about.limits.upload_bytes);
    steeringForm.setup(grid, features.steering && about.can_be_steered !== false);
    form.onsubmit = () => this.submit();
    form.onstop = () => this.generation?.abort();
    window.addEventListener("hashchange", () => void this.openLink());
    document.addEventListener("visibilitychange", () => void this.refreshVersions());
  }

  async start(): Promise<void> {
    const { takes, damaged } = await loadStoredTakes(this.about.model, this.grid, this.about.limits);
    for (const take of takes) this.takes.add(take);
    if (damaged) showMessage(alert, `${damaged} kept ${damaged === 1 ? "take" : "takes"} could not be loaded.`);
    await this.openLink();
  }

  private submit(): void {
    const settings = form.read();
    if (!settings) return;
    try {
      const { primer } = primerChoice;
      const steering = steeringForm.read(primer);
      void this.generate(steering ? { ...settings, steering } : settings, primer);
    } catch (error) {
      form.showError((error as Error).message);
    }
  }

  private async generate(settings: Settings, primer: Primer | null): Promise<void> {
    const take = new Take(this.takes.nextNumber, { ...settings }, primer, this.grid);
    await this.run(take, (signal, onchange) => fillFromStream(take, this.about.limits.steps[1], signal, onchange));
  }

  /** Makes a take that differs in these bars. */
  private async fill(original: Take, range: BarRange, particles: number): Promise<void> {
    const [start, end] = rangeSteps(original.bars, range, original.rows.length);
    const take = original.withGap(this.takes.nextNumber, { start, end, particles }, randomSeed());
    await this.run(take, (signal, onchange) => fillFromInfill(take, signal, onchange));
  }

  /** Makes the take of a link again that was made by filling a gap. */
  private async fillLinked({ settings, primer }: LinkContent, { gap, rows }: Filling): Promise<void> {
    const take = new Take(this.takes.nextNumber, { ...settings }, primer, this.grid);
    take.replaceRows(rows);
    take.gap = gap;
    await this.run(take, (signal, onchange) => fillFromInfill(take, signal, onchange));
  }

  /** Adds a take and waits until it is complete; one at a time. */
  private async run(take: Take, generate: (signal: AbortSignal, onchange: () => void) => Promise<void>): Promise<void> {
    if (this.generation) return;
    showMessage(alert, "");
    void this.takes.piano.load().catch(() => undefined); // in advance, for the first Play, which reports errors
    this.generation = new AbortController();
    this.takes.add(take);
    this.takes.reveal(take);
    form.setBusy(true);
    announce(`${take.name} is being generated.`);
    await generate(this.generation.signal, () => this.takes.update(take));
    this.generation = null;
    form.setBusy(false);
    announce(take.error || `${take.name} is ready.`);
    if (take.state === "failed") void this.refreshVersions();
  }

  /** Generates the take of the link in the page's address, if there is one. */
  private async openLink(): Promise<void> {
    try {
      const link = await fromFragment(location.hash, this.about.limits);
      if (!link) return;
      const { settings, primer, filling } = link;
      if (!form.hasVersion(settings.version)) {
        throw new Error(`This link needs version ${settings.version} of the model, which this server does not have.`);
      }
      form.set(settings);
      steeringForm.set(settings.steering);
      primerChoice.set(primer);
      history.replaceState(null, "", location.pathname); // so that a reload does not generate it again
      if (filling) await this.fillLinked(link, filling);
      else await this.generate(settings, primer);
    } catch (error) {
      showMessage(alert, (error as Error).message);
    }
  }

  /** Updates the list of versions, which may have changed since the page was opened. */
  private async refreshVersions(): Promise<void> {
    if (document.hidden) return;
    await fetchAbout().then((about) => form.setVersions(about)).catch(() => undefined);
  }
}

async function start(): Promise<void> {
  try {
    const [about, features] = await Promise.all([fetchAbout(), fetchFeatures()]);
    const grid = makeGrid(about.steps_per_second, about.steps_per_beat, about.tempo, about.meter);
    await new Page(about, grid, features).start();
  } catch (error) {
    showMessage(alert, `${(error as Error).message} Reload the page to try again.`);
  }
}

void start();
