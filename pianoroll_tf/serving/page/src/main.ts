// The page: gets the server's models and limits, then connects the form to the list of takes.
import { type About, fetchAbout } from "./api";
import { Audition } from "./audition";
import { byId, showMessage } from "./dom";
import { type Features, fetchFeatures } from "./features";
import { Generator } from "./generator";
import { type Grid, makeGrid } from "./grid";
import { fromFragment } from "./link";
import { openWithMusic } from "./openwithmusic";
import { PlayIn } from "./playin";
import { PrimerChoice } from "./primerchoice";
import { SettingsForm } from "./settingsform";
import { SoundChoice } from "./soundchoice";
import { SteeringForm } from "./steeringform";
import { TakeStore } from "./storage";
import { plansFor } from "./takebuild";
import type { Build, TakeCard } from "./takecard";
import { connectKeys } from "./takekeys";
import { TakeList } from "./takelist";
import { trainingSentence } from "./training";

const form = new SettingsForm();
const primerChoice = new PrimerChoice();
const steeringForm = new SteeringForm();
const alert = byId("alert");

/** Everything that needs the server's response to /about. */
class Page {
  private readonly store: TakeStore;
  private readonly takes: TakeList;
  private readonly generator: Generator;

  constructor(
    private readonly about: About,
    private readonly grid: Grid,
    features: Features,
  ) {
    this.store = new TakeStore(about.model);
    this.store.onerror = (message) => showMessage(alert, message);
    this.takes = new TakeList(this.store, about.model, about.outputs, features);
    this.generator = new Generator(this.takes, form, grid, about);
    this.generator.onfail = () => void this.refreshVersions();
    this.takes.onfill = (take, range, particles) => void this.generator.fillBars(take, range, particles);
    this.takes.onbuild = (card, kind) => void this.build(card, kind);
    connectKeys(this.takes);
    byId("model").textContent = about.model;
    byId("training").textContent = trainingSentence(about, grid);
    document.title = `${about.model} · A piano that plays on`;
    this.setupForm(features);
    window.addEventListener("hashchange", () => void this.openLink());
    document.addEventListener("visibilitychange", () => void this.refreshVersions());
  }

  async start(): Promise<void> {
    const { takes, damaged } = await this.store.load(this.grid, this.about.limits);
    this.takes.addStored(takes);
    if (damaged) showMessage(alert, `${damaged} stored ${damaged === 1 ? "take" : "takes"} could not be loaded.`);
    await this.openLink();
    openWithMusic(this.about, form, this.takes, this.generator, (example) => {
      primerChoice.chooseExample(example);
      this.submit(true);
    });
  }

  private setupForm(features: Features): void {
    const { about, grid } = this;
    const { piano, player, instrument } = this.takes;
    form.setup(about);
    form.onsubmit = () => this.submit();
    form.onstop = () => this.generator.stop();
    const audition = new Audition(piano);
    audition.onplay = () => player.stop();
    instrument.onplay = () => audition.stop();
    primerChoice.setup(about, grid, audition);
    primerChoice.onchange = () => form.setClock(primerChoice.selected?.clock ?? null);
    steeringForm.setup(grid, features.steering && about.can_be_steered !== false);
    new SoundChoice(instrument, () => player.stop());
    const playIn = new PlayIn(piano, grid, about.meter, about.tempo, about.longest_primer_steps);
    playIn.onplayed = (music) => primerChoice.setPlayed(music);
  }

  private submit(listen = false): void {
    const settings = form.read();
    if (!settings) return;
    try {
      const { primer } = primerChoice;
      const steering = steeringForm.read(primer);
      const plan = { settings: steering ? { ...settings, steering } : settings, primer, origin: {} };
      void this.generator.make([plan], listen);
    } catch (error) {
      form.showError((error as Error).message);
    }
  }

  /** Builds on a take; music that is generated has the settings of the form. */
  private async build(card: TakeCard, kind: Build): Promise<void> {
    try {
      const { longest_primer_steps: maxPrimer } = this.about;
      const plans = await plansFor(card, kind, maxPrimer, () => form.read(), (primer) => steeringForm.read(primer));
      await this.generator.make(plans);
    } catch (error) {
      form.showError((error as Error).message);
    }
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
      await this.generator.make([{ settings, primer, origin: {}, ...(filling && { filling }) }]);
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
