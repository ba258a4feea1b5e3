// The list of takes, newest first: at most one of them plays, and all are drawn with the same pitch range.
import { onColourSchemeChange } from "./colours";
import type { BarRange } from "./bars";
import { announce, byId, showMessage } from "./dom";
import type { Features } from "./features";
import { PianoOrMidi } from "./instrument";
import { Piano } from "./piano";
import { Player } from "./player";
import { sharedRange } from "./roll";
import { storeTakes } from "./storage";
import type { Take } from "./take";
import { type CardActions, TakeCard } from "./takecard";

export class TakeList {
  readonly piano = new Piano("page/piano");
  readonly instrument = new PianoOrMidi(this.piano);
  readonly player = new Player(this.instrument);
  /** The user wants the model to fill these bars of a take. */
  onfill: (take: Take, range: BarRange, particles: number) => void = () => undefined;
  private readonly cards: TakeCard[] = [];
  private active: TakeCard | null = null;
  private drawnRange = "";
  private frameRequest = 0;

  constructor(
    private readonly model: string,
    private readonly features: Features,
  ) {
    this.player.onchange = () => this.updatePlayback();
    byId("clear").addEventListener("click", () => this.removeUnkept());
    onColourSchemeChange(() => this.cards.forEach((card) => card.redraw()));
  }

  /** A number that no take in the list has. */
  get nextNumber(): number {
    return Math.max(0, ...this.cards.map((card) => card.take.number)) + 1;
  }

  add(take: Take): void {
    const actions: CardActions = {
      toggle: (card) => void this.toggle(card),
      seek: (card, step) => void this.seek(card, step),
      keep: (card) => void this.toggleKept(card),
      remove: (card) => this.remove(card),
      playback: ({ take }) => void (take.kept && this.store()),
      fill: ({ take }, range, particles) => this.onfill(take, range, particles),
    };
    const card = new TakeCard(take, this.piano, actions, this.features);
    this.cards.unshift(card);
    byId("list").prepend(card.element);
    this.drawnRange = "";
    this.update(take);
  }

  /** Updates the card of a take, and everything that depends on all takes. */
  update(take: Take): void {
    this.cards.find((card) => card.take === take)?.update();
    this.refresh();
  }

  /** Scrolls to a take if it is out of view, as on a phone. */
  reveal(take: Take): void {
    this.cards.find((card) => card.take === take)?.element.scrollIntoView({ block: "nearest" });
  }

  /** Plays a take and focuses its button. */
  listen(take: Take): void {
    const card = this.cards.find((card) => card.take === take);
    if (!card || this.player.playing === take) return;
    void this.toggle(card);
    card.element.querySelector<HTMLElement>(".play")!.focus({ preventScroll: true });
  }

  private refresh(): void {
    const takes = this.cards.map((card) => card.take);
    byId("empty").hidden = takes.length > 0;
    const [hasPrimer, hasFilled] = [takes.some((take) => take.primerSteps > 0), takes.some((take) => take.gap)];
    byId("legend").hidden = !hasPrimer && !hasFilled;
    byId("legend-filled").hidden = !hasFilled;
    byId("clear").hidden = !takes.some((take) => take.complete && !take.kept);
    const range = sharedRange(takes.map((take) => take.range));
    if (JSON.stringify(range) !== this.drawnRange) this.cards.forEach((card) => card.setRange(range));
    this.drawnRange = JSON.stringify(range);
  }

  private async toggle(card: TakeCard): Promise<void> {
    if (this.player.playing === card.take) return this.player.stop();
    const atEnd = card.take.complete && card.step >= card.take.rows.length;
    await this.play(card, atEnd ? 0 : card.step);
  }

  private async seek(card: TakeCard, step: number): Promise<void> {
    const playing = this.player.playing === card.take;
    if (playing) await this.play(card, step);
    else card.setStep(step, true);
  }

  private async play(card: TakeCard, step: number): Promise<void> {
    this.player.stop();
    this.active = card;
    card.setStep(step, true);
    try {
      await this.player.play(card.take, step);
    } catch (error) {
      showMessage(byId("alert"), (error as Error).message);
    }
  }

  /** Updates buttons and playheads to the state of the player. */
  private updatePlayback(): void {
    const { playing, isLoading } = this.player;
    for (const card of this.cards) card.setPlaying(card.take === playing, isLoading);
    cancelAnimationFrame(this.frameRequest);
    if (playing) this.frameRequest = requestAnimationFrame(() => this.movePlayhead());
    else this.active?.setStep(this.player.step, false);
  }

  private movePlayhead(): void {
    if (!this.player.playing || this.active?.take !== this.player.playing) return;
    this.active.setStep(this.player.step, true);
    this.frameRequest = requestAnimationFrame(() => this.movePlayhead());
  }

  private async toggleKept(card: TakeCard): Promise<void> {
    card.take.kept = !card.take.kept;
    this.update(card.take);
    announce(card.take.kept ? `${card.take.name} is kept.` : `${card.take.name} is no longer kept.`);
    await this.store();
  }

  private remove(card: TakeCard): void {
    if (this.player.playing === card.take) this.player.stop();
    if (this.active === card) this.active = null;
    this.cards.splice(this.cards.indexOf(card), 1);
    card.element.remove();
    announce(`${card.take.name} was removed.`);
    byId("takes").focus({ preventScroll: true });
    this.refresh();
    if (card.take.kept) void this.store();
  }

  private removeUnkept(): void {
    for (const card of [...this.cards]) {
      if (card.take.complete && !card.take.kept) this.remove(card);
    }
  }

  private async store(): Promise<void> {
    const kept = this.cards.map((card) => card.take).filter((take) => take.kept);
    try {
      await storeTakes(this.model, kept.reverse());
    } catch (error) {
      showMessage(byId("alert"), (error as Error).message);
    }
  }
}
