// The page: gets the server's models and limits, then connects the form to the list of takes.
import { type About, fetchAbout } from "./api";
import { Audition } from "./audition";
import { announce, byId, showMessage } from "./dom";
import { type Grid, makeGrid } from "./grid";
import { fromFragment } from "./link";
import { Opening } from "./opening";
import { PlayIn } from "./playin";
import { PrimerChoice } from "./primerchoice";
import { type Primer, randomSeed, type Settings } from "./settings";
import { SettingsForm } from "./settingsform";
import { SoundChoice } from "./soundchoice";
import { loadStoredTakes } from "./storage";
import { fillFromStream } from "./streaming";
import { Take } from "./take";
import { TakeList } from "./takelist";
import { trainingSentence } from "./training";

const form = new SettingsForm();
const primerChoice = new PrimerChoice();
const alert = byId("alert");

/** Everything that needs the server's response to /about. */
class Page {
  private readonly takes: TakeList;
  private generation: AbortController | null = null;

  constructor(
    private readonly about: About,
    private readonly grid: Grid,
  ) {
    this.takes = new TakeList(about.model);
    byId("model").textContent = about.model;
    byId("training").textContent = trainingSentence(about, grid);
    document.title = `${about.model} · A piano that plays on`;
    form.setup(about);
    const audition = new Audition(this.takes.piano);
    audition.onplay = () => this.takes.player.stop();
    this.takes.instrument.onplay = () => audition.stop();
    primerChoice.setup(about, grid, audition);
    new SoundChoice(this.takes.instrument, () => this.takes.player.stop());
    const playIn = new PlayIn(this.takes.piano, grid, about.meter, about.tempo, about.longest_primer_steps);
    playIn.onplayed = (music) => primerChoice.setPlayed(music);
    primerChoice.onchange = () => form.setClock(primerChoice.selected?.clock ?? null);
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
    this.openWithMusic();
  }

  /** While there are no takes: a piece to listen to, and pieces to carry on from with one click. */
  private openWithMusic(): void {
    const make = () => {
      const settings = form.read();
      void this.takes.piano.load().catch(() => undefined);
      return settings && new Take(1, { ...settings, seed: randomSeed() }, null, this.grid);
    };
    const describe = (take: Take) => {
      const length = form.describeLength(take.rows.length).replace(/ · .*/, "");
      return `${length} from nothing, made just now: no one has heard it before.`;
    };
    const opening = new Opening(this.about.example_primers, make, describe, (example) => {
      primerChoice.chooseExample(example);
      this.submit(true);
    });
    opening.ongrow = (take) => this.takes.update(take);
    opening.onplay = (take) => {
      this.takes.add(take);
      this.takes.update(take);
      this.takes.reveal(take);
      this.takes.listen(take);
    };
  }

  private submit(listen = false): void {
    const settings = form.read();
    if (!settings) return;
    try {
      void this.generate(settings, primerChoice.primer, listen);
    } catch (error) {
      form.showError((error as Error).message);
    }
  }

  /** Generates a take; with `listen`, plays it as soon as it begins. */
  private async generate(settings: Settings, primer: Primer | null, listen = false): Promise<void> {
    if (this.generation) return;
    showMessage(alert, "");
    void this.takes.piano.load().catch(() => undefined); // in advance, for the first Play, which reports errors
    this.generation = new AbortController();
    const take = new Take(this.takes.nextNumber, { ...settings }, primer, this.grid);
    this.takes.add(take);
    this.takes.reveal(take);
    form.setBusy(true);
    announce(`${take.name} is being generated.`);
    await fillFromStream(take, this.about.limits.steps[1], this.generation.signal, () => {
      this.takes.update(take);
      if (listen && take.generatedSteps > 0) this.takes.listen(take);
      listen &&= take.generatedSteps === 0;
    });
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
      const { settings, primer } = link;
      if (!form.hasVersion(settings.version)) {
        throw new Error(`This link needs version ${settings.version} of the model, which this server does not have.`);
      }
      form.set(settings);
      primerChoice.set(primer);
      history.replaceState(null, "", location.pathname); // so that a reload does not generate it again
      await this.generate(settings, primer);
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
    await new Page(about, makeGrid(about.steps_per_second, about.steps_per_beat, about.tempo)).start();
  } catch (error) {
    showMessage(alert, `${(error as Error).message} Reload the page to try again.`);
  }
}

void start();
