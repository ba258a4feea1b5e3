// The card of one take: its roll, what it was made from, and what can be done with it.
import { midi } from "./api";
import { announce, byId, tell } from "./dom";
import { duration, position } from "./grid";
import { toFragment } from "./link";
import type { Piano } from "./piano";
import { drawPicture } from "./picture";
import { renderWav } from "./render";
import { noteName, type PitchRange } from "./roll";
import { RollView } from "./rollview";
import { save } from "./save";
import { describe } from "./settings";
import type { Take } from "./take";

export interface CardEvents {
  toggle(card: TakeCard): void;
  seek(card: TakeCard, step: number): void;
  keep(card: TakeCard): void;
  remove(card: TakeCard): void;
}

export class TakeCard {
  readonly element: HTMLElement;
  /** Where the playhead stands. */
  step = 0;
  private readonly view: RollView;

  constructor(
    readonly take: Take,
    private readonly piano: Piano,
    private readonly events: CardEvents,
  ) {
    const template = byId<HTMLTemplateElement>("take");
    this.element = template.content.querySelector("article")!.cloneNode(true) as HTMLElement;
    const title = this.part("h3");
    title.id = `take-${take.number}`;
    title.textContent = take.name;
    this.element.setAttribute("aria-labelledby", title.id);
    this.view = new RollView(this.part(".roll"), take);
    this.view.onseek = (step) => events.seek(this, step);
    this.view.ontoggle = () => events.toggle(this);
    this.part(".play").addEventListener("click", () => events.toggle(this));
    this.part(".keep").addEventListener("click", () => events.keep(this));
    for (const button of this.element.querySelectorAll<HTMLButtonElement>("[data-action]")) {
      button.addEventListener("click", () => void this.act(button));
    }
    this.setPlaying(false, false);
    this.update();
  }

  /** Shows the take as it is now. */
  update(): void {
    const { take } = this;
    this.element.dataset.state = take.state;
    this.part(".settings").textContent = describe(take.settings, take.primer);
    this.part(".keep").setAttribute("aria-pressed", String(take.kept));
    this.part(".summary").textContent = this.summary();
    tell(this.part(".wrong"), take.error);
    for (const button of this.element.querySelectorAll<HTMLButtonElement>("[data-action], .keep")) {
      const needsMusic = button.dataset.action !== "remove";
      button.disabled = !take.complete || (needsMusic && take.generated === 0);
    }
    this.part<HTMLButtonElement>(".play").disabled = take.rows.length === 0;
    this.view.redraw();
    this.setStep(this.step, false);
    if (take.state === "growing" && take.settings.steps <= 0 && this.step === 0) this.view.showEnd();
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
    this.part(".waiting").hidden = !(playing && loading);
  }

  redraw(): void {
    this.view.redraw();
  }

  private part<T extends HTMLElement = HTMLElement>(selector: string): T {
    return this.element.querySelector<T>(selector)!;
  }

  private summary(): string {
    const { take } = this;
    const parts = [`${take.notes} notes`];
    if (take.range) parts.push(`${noteName(take.range.low)} to ${noteName(take.range.high)}`);
    if (take.primerSteps) parts.push(`the first ${duration(take.primerSteps, take.grid)} are the primer`);
    if (take.ended === "model") parts.push("ended by the model");
    if (take.ended === "limit") parts.push("stopped at the longest length");
    if (take.state === "growing") return `generating: ${parts.join(", ")}`;
    return take.state === "stopped" ? `stopped: ${parts.join(", ")}` : parts.join(", ");
  }

  /** Does what a button says; it is disabled meanwhile, and a failure stands on the card. */
  private async act(button: HTMLButtonElement): Promise<void> {
    const { take } = this;
    const name = `${take.primer ? "continuation" : "piece"}-version-${take.settings.version}-seed-${take.settings.seed}`;
    const label = button.textContent!;
    button.disabled = true;
    tell(this.part(".wrong"), take.error);
    try {
      if (button.dataset.action === "midi") save(await midi(take.settings, take.primer), `${name}.mid`);
      if (button.dataset.action === "png") save(await drawPicture(take), `${name}.png`);
      if (button.dataset.action === "wav") {
        const progress = (share: number) => (button.textContent = `WAV ${Math.round(100 * share)} %`);
        save(await renderWav(take.rows, take.stepsPerSecond, this.piano, progress), `${name}.wav`);
      }
      if (button.dataset.action === "link") await this.copyLink(button, label);
      if (button.dataset.action === "remove") this.events.remove(this);
    } catch (error) {
      tell(this.part(".wrong"), (error as Error).message);
      announce((error as Error).message);
    }
    if (button.dataset.action !== "link") button.textContent = label;
    button.disabled = false;
    if (document.activeElement === document.body) button.focus(); // a disabled button loses the focus
  }

  private async copyLink(button: HTMLButtonElement, label: string): Promise<void> {
    const fragment = await toFragment(this.take.settings, this.take.primer);
    const link = `${location.origin}${location.pathname}#${fragment}`;
    try {
      await navigator.clipboard.writeText(link);
      button.textContent = "Copied";
      announce(`The link to ${this.take.name} is copied.`);
      window.setTimeout(() => (button.textContent = label), 2000);
    } catch {
      byId<HTMLInputElement>("link-text").value = link; // not allowed, or the page does not come from a safe address
      byId<HTMLDialogElement>("link").showModal();
      byId<HTMLInputElement>("link-text").select();
    }
  }
}
