// The card of one take: its piano-roll, its settings, and its buttons.
import type { BarRange } from "./bars";
import { announce, byId, showMessage } from "./dom";
import type { Features } from "./features";
import { duration, position } from "./grid";
import { noteName, type PitchRange } from "./roll";
import { RollView } from "./rollview";
import { firstHeardStep } from "./seam";
import { describeSettings } from "./settings";
import type { Take } from "./take";
import { cutStep, placeName } from "./takebars";
import { type SaveEnvironment, performSave } from "./takesave";
import { TakeTools } from "./taketools";

export type Build = "continue" | "vary" | "four" | "bars";

export interface CardActions {
  toggle(card: TakeCard): void;
  seek(card: TakeCard, step: number): void;
  keep(card: TakeCard): void;
  choose(card: TakeCard): void;
  build(card: TakeCard, kind: Build): void;
  remove(card: TakeCard): void;
  /** How the take is played was changed. */
  playback(card: TakeCard): void;
  /** Fill these bars anew. */
  fill(card: TakeCard, range: BarRange, particles: number): void;
}

export class TakeCard {
  readonly element: HTMLElement;
  readonly title: HTMLButtonElement;
  /** Position of the playhead. */
  step = 0;
  private readonly view: RollView;
  private readonly tools: TakeTools;
  private busy = false;
  private moved = false; // whether the user moved the playhead, or heard the take

  constructor(
    readonly take: Take,
    private readonly environment: SaveEnvironment,
    private readonly actions: CardActions,
    features: Features,
  ) {
    const template = byId<HTMLTemplateElement>("take");
    this.element = template.content.querySelector("article")!.cloneNode(true) as HTMLElement;
    this.title = this.part<HTMLButtonElement>(".title");
    this.setNames();
    this.view = new RollView(this.part(".roll"), take);
    this.view.onseek = (step) => {
      this.moved = true;
      actions.seek(this, step);
    };
    this.view.ontoggle = () => actions.toggle(this);
    this.tools = new TakeTools(take, this.view, features);
    this.tools.onplayback = () => actions.playback(this);
    this.tools.onfill = (range, particles) => actions.fill(this, range, particles);
    this.part(".tools-place").replaceWith(this.tools.element);
    this.title.addEventListener("click", () => this.fold(this.title.ariaExpanded === "true"));
    this.part(".play").addEventListener("click", () => actions.toggle(this));
    this.part(".keep").addEventListener("click", () => actions.keep(this));
    this.part(".choose").addEventListener("click", () => actions.choose(this));
    for (const button of this.buttons("[data-build]")) {
      button.addEventListener("click", () => actions.build(this, button.dataset.build as Build));
    }
    for (const button of this.buttons("[data-action]")) {
      button.addEventListener("click", () => void this.performAction(button));
    }
    this.part('[data-action="musicxml"]').hidden = !environment.outputs.includes("musicxml");
    this.step = firstHeardStep(take.primerSteps, take.stepsPerSecond);
    this.setPlaying(false, false);
    this.update();
  }

  /** The step at which music is built on this take: near the playhead, or its end if that was not moved. */
  get cut(): number {
    return this.moved && this.step > 0 ? cutStep(this.take, this.step) : this.take.rows.length;
  }

  /** Updates the card from the take. */
  update(): void {
    const { take } = this;
    this.element.dataset.state = take.state;
    this.part(".settings").textContent = describeSettings(take.settings, take.primer, !take.origin.deed);
    this.part(".keep").setAttribute("aria-pressed", String(take.kept));
    this.part(".summary").textContent = this.summary();
    showMessage(this.part(".error"), take.error);
    for (const button of this.buttons("[data-action], .keep, .choose")) {
      const needsMusic = button.dataset.action !== "remove";
      button.disabled = !take.complete || (needsMusic && take.generatedSteps === 0);
    }
    this.part<HTMLButtonElement>(".play").disabled = take.rows.length === 0;
    this.setBusy(this.busy);
    this.view.redraw();
    this.tools.update();
    this.setStep(this.step, false);
    if (take.state === "generating" && take.settings.steps <= 0 && this.step === 0) this.view.scrollToEnd();
  }

  /** Whether music is being generated, so that nothing can be built on this take now. */
  setBusy(busy: boolean): void {
    this.busy = busy;
    this.tools.setBusy(busy);
    for (const button of this.buttons("[data-build]")) {
      button.disabled = busy || !this.take.complete || this.take.rows.length === 0;
    }
  }

  /** Shows what it was made of, whether it is one of several to choose from, and whether it has relatives. */
  setOrigin(parent: Take | null, hasRivals: boolean, hasRelatives: boolean): void {
    const { deed } = this.take.origin;
    showMessage(this.part(".deed"), parent ? `${parent.name}: ${deed}` : deed);
    this.part(".choose").hidden = !hasRivals;
    this.part('[data-action="family"]').hidden = !hasRelatives;
  }

  setRange(range: PitchRange): void {
    this.view.setRange(range);
  }

  setStep(step: number, follow: boolean): void {
    this.step = step;
    this.view.setStep(step, follow);
    const { take } = this;
    this.part(".time").textContent = `${position(step, take.grid)} / ${position(take.rows.length, take.grid)}`;
    const place = `From ${placeName(take, this.cut)}`;
    if (this.part(".place").textContent !== place) this.part(".place").textContent = place;
  }

  setPlaying(playing: boolean, loading: boolean): void {
    this.moved ||= playing;
    const button = this.part(".play");
    button.querySelector("use")!.setAttribute("href", playing ? "#icon-pause" : "#icon-play");
    button.setAttribute("aria-label", `${playing ? "Pause" : "Play"} ${this.take.name}`);
    this.element.classList.toggle("playing", playing);
    this.part(".loading").hidden = !(playing && loading);
  }

  /** Hides everything but the header, or shows it again. */
  fold(folded: boolean): void {
    this.title.ariaExpanded = String(!folded);
    this.part(".body").hidden = folded;
  }

  redraw(): void {
    this.view.redraw();
  }

  private setNames(): void {
    const { number, name } = this.take;
    this.title.id = `take-${number}`;
    this.title.querySelector("span")!.textContent = name;
    this.element.setAttribute("aria-labelledby", this.title.id);
    this.part(".place").id = `place-${number}`;
    for (const button of this.buttons("[data-build]")) button.setAttribute("aria-describedby", `place-${number}`);
    this.part(".build").ariaLabel = `Build on ${name}`;
    this.part(".actions").ariaLabel = `Save ${name}`;
  }

  private part<T extends HTMLElement = HTMLElement>(selector: string): T {
    return this.element.querySelector<T>(selector)!;
  }

  private buttons(selector: string): NodeListOf<HTMLButtonElement> {
    return this.element.querySelectorAll<HTMLButtonElement>(selector);
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
    if (button.dataset.action === "remove") return this.actions.remove(this);
    showMessage(this.part(".error"), this.take.error);
    try {
      await performSave(button, this.take, this.environment);
    } catch (error) {
      showMessage(this.part(".error"), (error as Error).message);
      announce((error as Error).message);
    }
  }
}
