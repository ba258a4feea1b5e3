// The page: gets the server's models and limits, then connects the form to the list of takes.
import { type About, fetchAbout } from "./api";
import { announce, byId, showMessage } from "./dom";
import { type Grid, makeGrid } from "./grid";
import { fromFragment } from "./link";
import { PrimerChoice } from "./primerchoice";
import { SettingsForm } from "./settingsform";
import { TakeStore } from "./storage";
import { fillFromStream } from "./streaming";
import { Take } from "./take";
import { plansFor } from "./takebuild";
import { connectKeys } from "./takekeys";
import { TakeList } from "./takelist";
import type { Plan } from "./takeplan";

const form = new SettingsForm();
const primerChoice = new PrimerChoice();
const alert = byId("alert");

/** Everything that needs the server's response to /about. */
class Page {
  private readonly store: TakeStore;
  private readonly takes: TakeList;
  private generation: AbortController | null = null;

  constructor(
    private readonly about: About,
    private readonly grid: Grid,
  ) {
    this.store = new TakeStore(about.model);
    this.store.onerror = (message) => showMessage(alert, message);
    this.takes = new TakeList(this.store, about.model, about.outputs);
    this.takes.onbuild = (card, kind) =>
      void plansFor(card, kind, about.longest_primer_steps, () => form.read()).then((plans) => this.generate(plans));
    connectKeys(this.takes);
    byId("model").textContent = about.model;
    document.title = `${about.model} · pianoroll_tf`;
    form.setup(about, grid);
    primerChoice.setup(about.example_primers, grid, about.limits.upload_bytes);
    form.onsubmit = () => this.submit();
    form.onstop = () => this.generation?.abort();
    window.addEventListener("hashchange", () => void this.openLink());
    document.addEventListener("visibilitychange", () => void this.refreshVersions());
  }

  async start(): Promise<void> {
    const { takes, damaged } = await this.store.load(this.grid, this.about.limits);
    this.takes.addStored(takes);
    if (damaged) showMessage(alert, `${damaged} stored ${damaged === 1 ? "take" : "takes"} could not be loaded.`);
    await this.openLink();
  }

  private submit(): void {
    const settings = form.read();
    if (!settings) return;
    try {
      void this.generate([{ settings, primer: primerChoice.primer, origin: {} }]);
    } catch (error) {
      form.showError((error as Error).message);
    }
  }

  /** Generates takes, all at once. */
  private async generate(plans: readonly Plan[]): Promise<void> {
    if (this.generation || plans.length === 0) return;
    showMessage(alert, "");
    void this.takes.piano.load().catch(() => undefined); // in advance, for the first Play, which reports errors
    const { signal } = (this.generation = new AbortController());
    const takes = plans.map(({ settings, primer, origin }) => {
      const take = new Take(this.takes.nextNumber, { ...settings }, primer, this.grid, origin);
      this.takes.add(take);
      return take;
    });
    this.takes.reveal(takes[0]!);
    form.setBusy(true);
    this.takes.setBusy(true);
    const names = takes.map((take) => take.name).join(", ");
    announce(`${names}: being generated.`);
    const fill = (take: Take) => fillFromStream(take, this.about.limits.steps[1], signal, () => this.takes.update(take));
    await Promise.all(takes.map(fill));
    this.generation = null;
    form.setBusy(false);
    this.takes.setBusy(false);
    const failed = takes.find((take) => take.state === "failed");
    announce(failed?.error || `${names}: ready.`);
    if (failed) void this.refreshVersions();
  }

  /** Generates the take of the link in the page's address, if there is one. */
  private async openLink(): Promise<void> {
    try {
      const link = await fromFragment(location.hash, this.about.limits);
      if (!link) return;
      const { settings, primer } = link;
      if (!form.hasVersion(settings.version)) {
        throw new Error(`This link needs version ${settings.version} of the model, which this server does not have.`);
      }
      form.set(settings);
      primerChoice.set(primer);
      history.replaceState(null, "", location.pathname); // so that a reload does not generate it again
      await this.generate([{ settings, primer, origin: {} }]);
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
    const about = await fetchAbout();
    await new Page(about, makeGrid(about.steps_per_second, about.steps_per_beat, about.tempo, about.meter)).start();
  } catch (error) {
    showMessage(alert, `${(error as Error).message} Reload the page to try again.`);
  }
}

void start();
