// The takes side by side: newest first, one of them playing at most, all drawn over the same pitches.
import { onColourChange } from "./colours";
import { announce, byId, tell } from "./dom";
import { storeKept } from "./kept";
import { Piano } from "./piano";
import { Player } from "./player";
import { sharedRange } from "./roll";
import type { Take } from "./take";
import { TakeCard } from "./takecard";

export class TakeList {
  readonly piano = new Piano("/page/piano");
  readonly player = new Player(this.piano);
  private readonly cards: TakeCard[] = [];
  private active: TakeCard | null = null;
  private drawn = "";
  private frame = 0;

  constructor(private readonly model: string) {
    this.player.onchange = () => this.showPlaying();
    byId("clear").addEventListener("click", () => this.clear());
    onColourChange(() => this.cards.forEach((card) => card.redraw()));
  }

  /** A number that no take here has. */
  get nextNumber(): number {
    return Math.max(0, ...this.cards.map((card) => card.take.number)) + 1;
  }

  add(take: Take): void {
    const card = new TakeCard(take, this.piano, {
      toggle: (card) => void this.toggle(card),
      seek: (card, step) => void this.seek(card, step),
      keep: (card) => void this.keep(card),
      remove: (card) => this.remove(card),
    });
    this.cards.unshift(card);
    byId("list").prepend(card.element);
    this.drawn = "";
    this.update(take);
  }

  /** Shows what is new in a take. */
  update(take: Take): void {
    this.cards.find((card) => card.take === take)?.update();
    this.refresh();
  }

  /** Scrolls to a take where it is out of sight, as on a phone. */
  reveal(take: Take): void {
    this.cards.find((card) => card.take === take)?.element.scrollIntoView({ block: "nearest" });
  }

  private refresh(): void {
    const takes = this.cards.map((card) => card.take);
    byId("empty").hidden = takes.length > 0;
    byId("legend").hidden = !takes.some((take) => take.primerSteps > 0);
    byId("clear").hidden = !takes.some((take) => take.complete && !take.kept);
    const range = sharedRange(takes.map((take) => take.range));
    const drawn = JSON.stringify(range);
    if (drawn !== this.drawn) this.cards.forEach((card) => card.setRange(range));
    this.drawn = drawn;
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
      tell(byId("alert"), (error as Error).message);
    }
  }

  /** Buttons and playheads as the player is. */
  private showPlaying(): void {
    const { playing, isLoading } = this.player;
    for (const card of this.cards) card.setPlaying(card.take === playing, isLoading);
    cancelAnimationFrame(this.frame);
    if (playing) this.frame = requestAnimationFrame(() => this.follow());
    else this.active?.setStep(this.player.step, false);
  }

  private follow(): void {
    if (!this.player.playing || this.active?.take !== this.player.playing) return;
    this.active.setStep(this.player.step, true);
    this.frame = requestAnimationFrame(() => this.follow());
  }

  private async keep(card: TakeCard): Promise<void> {
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
    announce(`${card.take.name} is removed.`);
    byId("takes").focus({ preventScroll: true });
    this.refresh();
    if (card.take.kept) void this.store();
  }

  private clear(): void {
    for (const card of [...this.cards]) {
      if (card.take.complete && !card.take.kept) this.remove(card);
    }
  }

  private async store(): Promise<void> {
    const kept = this.cards.map((card) => card.take).filter((take) => take.kept);
    try {
      await storeKept(this.model, kept.reverse());
    } catch (error) {
      tell(byId("alert"), (error as Error).message);
    }
  }
}
