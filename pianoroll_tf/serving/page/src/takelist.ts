// The takes as a family tree: at most one of them plays, all are drawn with the same pitch range, and all are stored.
import type { BarRange } from "./bars";
import { onColourSchemeChange } from "./colours";
import { byId, showMessage } from "./dom";
import type { Features } from "./features";
import { PianoOrMidi } from "./instrument";
import { Piano } from "./piano";
import { Player } from "./player";
import { sharedRange } from "./roll";
import type { TakeStore } from "./storage";
import type { Take } from "./take";
import { type Build, TakeCard } from "./takecard";
import { History } from "./takehistory";
import { familyOf } from "./taketree";
import { TakeTreeView } from "./taketreeview";

const STORE_SECONDS = 2; // between two times that a take is stored while it is generated
const UNFOLDED = 6; // of the stored takes, that are shown whole when the page is opened

export class TakeList {
  readonly piano = new Piano("page/piano");
  readonly instrument = new PianoOrMidi(this.piano);
  readonly player = new Player(this.instrument);
  readonly history = new History();
  /** The user wants to build on a take. */
  onbuild: (card: TakeCard, kind: Build) => void = () => undefined;
  /** The user wants the model to fill these bars of a take. */
  onfill: (take: Take, range: BarRange, particles: number) => void = () => undefined;
  private cards: TakeCard[] = [];
  private active: TakeCard | null = null;
  private readonly tree = new TakeTreeView(byId("list"));
  private readonly lastStored = new Map<Take, number>();
  private highestNumber = 0;
  private drawnRange = "";
  private frameRequest = 0;
  private busy = false;

  /** `outputs`: the kinds of files that the server writes. */
  constructor(
    private readonly store: TakeStore,
    private readonly model: string,
    private readonly outputs: readonly string[],
    private readonly features: Features,
  ) {
    this.player.onchange = () => this.updatePlayback();
    byId("clear").addEventListener("click", () => this.removeUnkept());
    onColourSchemeChange(() => this.cards.forEach((card) => card.redraw()));
  }

  get takes(): Take[] {
    return this.cards.map((card) => card.take);
  }

  /** A number that no take has had: one that was removed may come back. */
  get nextNumber(): number {
    return this.highestNumber + 1;
  }

  /** The card that a key outside of all cards is meant for: the one that was played last, or else the newest. */
  get current(): TakeCard | null {
    const newest = [...this.cards].sort((a, b) => b.take.origin.created - a.take.origin.created);
    return this.active ?? newest[0] ?? null;
  }

  /** The card that holds an element. */
  cardOf(element: Element): TakeCard | undefined {
    return this.cards.find((card) => card.element.contains(element));
  }

  add(take: Take): void {
    this.cards.push(this.createCard(take));
    this.refresh();
  }

  /** Adds the takes that were stored; two tabs may have given the same number to two of them. */
  addStored(takes: readonly Take[]): void {
    const numbers = new Set<number>();
    const changed: Take[] = [];
    let highest = Math.max(0, ...takes.map((take) => take.number));
    takes.forEach((take, i) => {
      if (numbers.has(take.number)) {
        take.number = ++highest;
        changed.push(take);
      }
      numbers.add(take.number);
      const card = this.createCard(take);
      card.fold(i < takes.length - UNFOLDED);
      this.cards.push(card);
    });
    if (changed.length) void this.store.put(changed);
    this.refresh();
  }

  /** Updates the card of a take, and everything that depends on all takes; stores it. */
  update(take: Take): void {
    this.cards.find((card) => card.take === take)?.update();
    this.refresh(false);
    const recently = performance.now() - (this.lastStored.get(take) ?? -Infinity) < STORE_SECONDS * 1000;
    const unfilled = take.gap !== null && take.effectiveParticles === null; // its bars are silent
    if (take.generatedSteps === 0 || unfilled || (!take.complete && recently)) return;
    this.lastStored.set(take, performance.now());
    if (this.cards.some((card) => card.take === take)) void this.store.put([take]);
  }

  /** Whether music is being generated, so that nothing can be built now. */
  setBusy(busy: boolean): void {
    this.busy = busy;
    this.cards.forEach((card) => card.setBusy(busy));
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

  /** Plays or pauses the take of a card. */
  async toggle(card: TakeCard): Promise<void> {
    if (this.player.playing === card.take) return this.player.stop();
    const atEnd = card.take.complete && card.step >= card.take.rows.length;
    await this.play(card, atEnd ? 0 : card.step);
  }

  remove(card: TakeCard): void {
    if (card.take.complete) this.removeAll([card], `${card.take.name} was removed.`);
  }

  private createCard(take: Take): TakeCard {
    const { piano, model, outputs } = this;
    this.highestNumber = Math.max(this.highestNumber, take.number);
    const family = () => familyOf(take, this.takes);
    const card = new TakeCard(take, { piano, model, outputs, family }, {
      toggle: (card) => void this.toggle(card),
      seek: (card, step) => void this.seek(card, step),
      keep: (card) => this.toggleKept(card),
      choose: (card) => this.choose(card),
      build: (card, kind) => this.onbuild(card, kind),
      remove: (card) => this.remove(card),
      playback: ({ take }) => void (take.complete && this.store.put([take])),
      fill: ({ take }, range, particles) => this.onfill(take, range, particles),
    }, this.features);
    card.setBusy(this.busy);
    return card;
  }

  private refresh(moved = true): void {
    const { takes } = this;
    if (moved) this.tree.show(this.cards);
    byId("empty").hidden = takes.length > 0;
    const [hasPrimer, hasFilled] = [takes.some((take) => take.primerSteps > 0), takes.some((take) => take.gap)];
    byId("legend").hidden = !hasPrimer && !hasFilled;
    byId("legend-filled").hidden = !hasFilled;
    byId("clear").hidden = !takes.some((take) => take.complete && !take.kept);
    const range = sharedRange(takes.map((take) => take.range));
    if (moved || JSON.stringify(range) !== this.drawnRange) this.cards.forEach((card) => card.setRange(range));
    this.drawnRange = JSON.stringify(range);
  }

  private async seek(card: TakeCard, step: number): Promise<void> {
    const playing = this.player.playing === card.take;
    if (playing) await this.play(card, step);
    else card.setStep(step, true);
    this.active = card;
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

  private toggleKept(card: TakeCard): void {
    const { take } = card;
    const set = (kept: boolean) => {
      take.kept = kept;
      this.update(take);
    };
    const kept = !take.kept;
    const text = kept ? `${take.name} is kept.` : `${take.name} is no longer kept.`;
    this.history.do({ text, apply: () => set(kept), revert: () => set(!kept) });
  }

  /** Removes the takes that were made together with this one. */
  private choose(card: TakeCard): void {
    const { batch } = card.take.origin;
    const others = this.cards.filter((other) => other !== card && other.take.origin.batch === batch);
    this.removeAll(others, `${card.take.name} was chosen, and ${others.length} others removed.`);
    card.title.focus({ preventScroll: true });
  }

  private removeUnkept(): void {
    const cards = this.cards.filter(({ take }) => take.complete && !take.kept);
    this.removeAll(cards, cards.length === 1 ? `${cards[0]!.take.name} was removed.` : `${cards.length} takes were removed.`);
  }

  private removeAll(cards: readonly TakeCard[], text: string): void {
    this.history.do({
      text,
      apply: () => {
        if (cards.some((card) => card.take === this.player.playing)) this.player.stop();
        if (this.active && cards.includes(this.active)) this.active = null;
        this.cards = this.cards.filter((card) => !cards.includes(card));
        this.refresh();
        void this.store.remove(cards.map((card) => card.take));
        if (document.activeElement === document.body) byId("takes").focus({ preventScroll: true });
      },
      revert: () => {
        this.cards.push(...cards);
        this.refresh();
        cards.forEach((card) => card.update());
        void this.store.put(cards.map((card) => card.take).filter((take) => take.generatedSteps > 0));
        cards[0]?.title.focus({ preventScroll: true });
      },
    });
  }
}
