// The page: asks the server what it has, then lets the form make takes.
import { about as askAbout, type About } from "./api";
import { Controls } from "./controls";
import { announce, byId, tell } from "./dom";
import { type Grid, makeGrid } from "./grid";
import { grow } from "./grow";
import { loadKept } from "./kept";
import { fromFragment } from "./link";
import { PrimerChoice } from "./primerchoice";
import type { Primer, Settings } from "./settings";
import { Take } from "./take";
import { TakeList } from "./takelist";

const controls = new Controls();
const choice = new PrimerChoice();
const alert = byId("alert");

/** Everything that needs the server's answer. */
class Page {
  private readonly takes: TakeList;
  private running: AbortController | null = null;

  constructor(
    private readonly about: About,
    private readonly grid: Grid,
  ) {
    this.takes = new TakeList(about.model);
    byId("model").textContent = about.model;
    document.title = `${about.model} · pianoroll_tf`;
    controls.setup(about, grid);
    choice.setup(about.example_primers, grid, about.limits.upload_bytes);
    controls.onsubmit = () => this.submit();
    controls.onstop = () => this.running?.abort();
    window.addEventListener("hashchange", () => void this.followLink());
    document.addEventListener("visibilitychange", () => void this.refreshVersions());
  }

  async begin(): Promise<void> {
    const { takes, damaged } = await loadKept(this.about.model, this.grid, this.about.limits);
    for (const take of takes) this.takes.add(take);
    if (damaged) tell(alert, `${damaged} kept ${damaged === 1 ? "take" : "takes"} could not be read.`);
    await this.followLink();
  }

  private submit(): void {
    const settings = controls.read();
    if (!settings) return;
    try {
      void this.generate(settings, choice.primer);
    } catch (error) {
      controls.say((error as Error).message);
    }
  }

  private async generate(settings: Settings, primer: Primer | null): Promise<void> {
    if (this.running) return;
    tell(alert, "");
    void this.takes.piano.load().catch(() => undefined); // so that it is there at the first play, which says what is wrong
    this.running = new AbortController();
    const take = new Take(this.takes.nextNumber, { ...settings }, primer, this.grid);
    this.takes.add(take);
    this.takes.reveal(take);
    controls.setBusy(true);
    announce(`${take.name} is being generated.`);
    await grow(take, this.about.limits.steps[1], this.running.signal, () => this.takes.update(take));
    this.running = null;
    controls.setBusy(false);
    announce(take.error || `${take.name} is ready.`);
    if (take.state === "failed") void this.refreshVersions();
  }

  /** Makes the take that the address names. */
  private async followLink(): Promise<void> {
    try {
      const wanted = await fromFragment(location.hash, this.about.limits);
      if (!wanted) return;
      const { settings, primer } = wanted;
      if (!controls.hasVersion(settings.version)) {
        throw new Error(`This link was made with version ${settings.version}, which this server does not have.`);
      }
      controls.set(settings);
      choice.set(primer);
      history.replaceState(null, "", location.pathname); // a reload shall not make it again
      await this.generate(settings, primer);
    } catch (error) {
      tell(alert, (error as Error).message);
    }
  }

  /** A new version may have come since the page was opened. */
  private async refreshVersions(): Promise<void> {
    if (document.hidden) return;
    await askAbout().then((about) => controls.setVersions(about)).catch(() => undefined);
  }
}

async function start(): Promise<void> {
  try {
    const about = await askAbout();
    await new Page(about, makeGrid(about.steps_per_second, about.steps_per_beat, about.tempo)).begin();
  } catch (error) {
    tell(alert, `${(error as Error).message} Reload the page to try again.`);
  }
}

void start();
