// The card of one take: its piano-roll, its settings, and its buttons.
import { fetchMidi } from "./api";
import type { BarRange } from "./bars";
import { announce, byId, download, showMessage } from "./dom";
import type { Features } from "./features";
import { duration, position } from "./grid";
import { toFragment } from "./link";
import type { Piano } from "./piano";
import { makeScore } from "./playback";
import { renderPng } from "./renderpng";
import { renderWav } from "./renderwav";
import { noteName, type PitchRange } from "./roll";
import { RollView } from "./rollview";
import { firstHeardStep } from "./seam";
import { describeSettings } from "./settings";
import type { Take } from "./take";
import { TakeTools } from "./taketools";

export interface CardActions {
  toggle(card: TakeCard): void;
  seek(card: TakeCard, step: number): void;
  keep(card: TakeCard): void;
  remove(card: TakeCard): void;
  /** How the take is played was changed. */
  playback(card: TakeCard): void;
  /** Fill these bars anew. */
  fill(card: TakeCard, range: BarRange, particles: number): void;
}

export class TakeCard {
  readonly element: HTMLElement;
  /** Position of the playhead. */
  step = 0;
  private readonly view: RollView;
  private readonly tools: TakeTools;

  constructor(
    readonly take: Take,
    private readonly piano: Piano,
    private readonly actions: CardActions,
    features: Features,
  ) {
    const template = byId<HTMLTemplateElement>("take");
    this.element = template.content.querySelector("article")!.cloneNode(true) as HTMLElement;
    const title = this.part("h3");
    title.id = `take-${take.number}`;
    title.textContent = take.name;
    this.element.setAttribute("aria-labelledby", title.id);
    this.view = new RollView(this.part(".roll"), take);
    this.view.onseek = (step) => actions.seek(this, step);
    this.view.ontoggle = () => actions.toggle(this);
    this.tools = new TakeTools(take, this.view, features);
    this.tools.onplayback = () => actions.playback(this);
    this.tools.onfill = (range, particles) => actions.fill(this, range, particles);
    this.part(".tools-place").replaceWith(this.tools.element);
    this.part(".play").addEventListener("click", () => actions.toggle(this));
    this.part(".keep").addEventListener("click", () => actions.keep(this));
    for (const button of this.element.querySelectorAll<HTMLButtonElement>("[data-action]")) {
      button.addEventListener("click", () => void this.performAction(button));
    }
    this.step = firstHeardStep(take.primerSteps, take.stepsPerSecond);
    this.setPlaying(false, false);
    this.update();
  }

  /** Updates the card from the take. */
  update(): void {
    const { take } = this;
    this.element.dataset.state = take.state;
    this.part(".settings").textContent = describeSettings(take.settings, take.primer);
    this.part(".keep").setAttribute("aria-pressed", String(take.kept));
    this.part(".summary").textContent = this.summary();
    showMessage(this.part(".error"), take.error);
    for (const button of this.element.querySelectorAll<HTMLButtonElement>("[data-action], .keep")) {
      const needsMusic = button.dataset.action !== "remove";
      button.disabled = !take.complete || (needsMusic && take.generatedSteps === 0);
    }
    this.part<HTMLButtonElement>(".play").disabled = take.rows.length === 0;
    this.view.redraw();
    this.tools.update();
    this.setStep(this.step, false);
    if (take.state === "generating" && take.settings.steps <= 0 && this.step === 0) this.view.scrollToEnd();
  }

  setRange(range: PitchRange): void {
    this.view.setRange(range);
  }

  setStep(step: number, follow: boolean): void {
    this.step = step;
    this.view.setStep(step, follow);
    const { grid, rows } = this.take;
    this.part(".time").textContent = `${position(step, grid)} / ${position(rows.length, grid)}`;
  }

  setPlaying(playing: boolean, loading: boolean): void {
    const button = this.part(".play");
    button.querySelector("use")!.setAttribute("href", playing ? "#icon-pause" : "#icon-play");
    button.setAttribute("aria-label", `${playing ? "Pause" : "Play"} ${this.take.name}`);
    this.element.classList.toggle("playing", playing);
    this.part(".loading").hidden = !(playing && loading);
  }

  redraw(): void {
    this.view.redraw();
  }

  private part<T extends HTMLElement = HTMLElement>(selector: string): T {
    return this.element.querySelector<T>(selector)!;
  }

  private summary(): string {
    const { take } = this;
    const parts = [`${take.noteCount} notes`];
    if (take.range) parts.push(`${noteName(take.range.low)} to ${noteName(take.range.high)}`);
    if (take.primerSteps) parts.push(`the first ${duration(take.primerSteps, take.grid)} are the primer`);
    if (take.gap) parts.push(take.fillFacts);
    if (take.endReason === "model") parts.push("ended by the model");
    if (take.endReason === "limit") parts.push("stopped at the maximum length");
    if (take.state === "generating") return `${take.reconnecting ? "reconnecting" : "generating"}: ${parts.join(", ")}`;
    return take.state === "stopped" ? `stopped: ${parts.join(", ")}` : parts.join(", ");
  }

  /** Performs a button's action; meanwhile the button is disabled, and an error is shown on the card. */
  private async performAction(button: HTMLButtonElement): Promise<void> {
    const { take } = this;
    const name = `${take.primer ? "continuation" : "piece"}-version-${take.settings.version}-seed-${take.settings.seed}`;
    const label = button.textContent!;
    button.disabled = true;
    showMessage(this.part(".error"), take.error);
    try {
      if (button.dataset.action === "midi") download(await fetchMidi(take), `${name}.mid`);
      if (button.dataset.action === "png") download(await renderPng(take), `${name}.png`);
      if (button.dataset.action === "wav") {
        const showProgress = (fraction: number) => (button.textContent = `WAV ${Math.round(100 * fraction)} %`);
        download(await renderWav(makeScore(take.rows, take), this.piano, showProgress), `${name}.wav`);
      }
      if (button.dataset.action === "link") await this.copyLink(button, label);
      if (button.dataset.action === "remove") this.actions.remove(this);
    } catch (error) {
      showMessage(this.part(".error"), (error as Error).message);
      announce((error as Error).message);
    }
    if (button.dataset.action !== "link") button.textContent = label;
    button.disabled = false;
    if (document.activeElement === document.body) button.focus(); // it lost the focus while it was disabled
  }

  private async copyLink(button: HTMLButtonElement, label: string): Promise<void> {
    const { settings, primer, gap, rows } = this.take;
    const fragment = await toFragment({ settings, primer, ...(gap && { filling: { gap, rows } }) });
    const link = `${location.origin}${location.pathname}#${fragment}`;
    try {
      await navigator.clipboard.writeText(link);
      button.textContent = "Copied";
      announce(`The link to ${this.take.name} was copied.`);
      window.setTimeout(() => (button.textContent = label), 2000);
    } catch {
      byId<HTMLInputElement>("link-text").value = link; // no permission, or not a secure context (HTTPS or localhost)
      byId<HTMLDialogElement>("link").showModal();
      byId<HTMLInputElement>("link-text").select();
    }
  }
}
