// The tools of a take below its roll, in sections that are closed at first: bars that repeat or are filled, and how it is played.
import { barCount, type BarRange, describeRange } from "./bars";
import { announce, byId } from "./dom";
import type { Features } from "./features";
import { DEFAULT_PLAYBACK, describePlayback, describeTransposition, PLAYBACK_LIMITS } from "./playback";
import type { RollView } from "./rollview";
import type { Take } from "./take";

const KNOBS = ["tempo", "swing", "transpose"] as const;
const DEFAULT_PARTICLES = 16;
let count = 0; // of tools, for ids

export class TakeTools {
  readonly element: HTMLElement;
  /** How the take is played was changed. */
  onplayback: () => void = () => undefined;
  /** The user wants the model to fill these bars. */
  onfill: (range: BarRange, particles: number) => void = () => undefined;

  private busy = false;
  private readonly first: HTMLInputElement;
  private readonly last: HTMLInputElement;
  private readonly fill: HTMLButtonElement;
  private readonly loop: HTMLButtonElement;
  private readonly meter: HTMLSelectElement;

  constructor(
    private readonly take: Take,
    private readonly view: RollView,
    private readonly features: Features,
  ) {
    const template = byId<HTMLTemplateElement>("take-tools");
    this.element = template.content.firstElementChild!.cloneNode(true) as HTMLElement;
    this.first = this.part("[data-bar=first]");
    this.last = this.part("[data-bar=last]");
    this.fill = this.part("[data-tool=fill]");
    this.loop = this.part("[data-tool=loop]");
    this.meter = this.part(".meter");
    this.setupIds();
    this.setupBars();
    this.setupPlayback();
    this.setupFilling();
    this.view.bars.set(take.playback.loop);
    this.update();
  }

  /** Shows the state of the take; a number that the user is `typing` is left as it is. */
  update(typing: HTMLInputElement | null = null): void {
    const { take, view, first, last } = this;
    const bars = barCount(take.bars, take.rows.length);
    const range = view.bars.range;
    for (const [input, value] of [[first, range?.first], [last, range?.last]] as const) {
      input.max = String(bars);
      if (input !== typing) input.value = value === undefined ? "" : String(value);
    }
    const { playback } = take;
    this.part(".bars-chosen").textContent = range ? `${describeRange(range)}${playback.loop ? ", looping" : ""}` : "";
    this.loop.setAttribute("aria-pressed", String(playback.loop !== null));
    this.fill.disabled = this.busy || !range || !take.complete || range.first > bars;
    this.part(".playback-changes").textContent = describePlayback({ ...playback, loop: null });
    for (const name of KNOBS) this.part<HTMLInputElement>(`[data-playback=${name}]`).value = String(playback[name]);
    this.part("[data-shows=tempo]").textContent = `${playback.tempo} %`;
    this.part("[data-shows=swing]").textContent = playback.swing ? `${playback.swing} %` : "straight";
    this.part("[data-shows=transpose]").textContent = describeTransposition(playback.transpose);
    this.part<HTMLInputElement>("[data-playback=metronome]").checked = playback.metronome;
    this.meter.value = playback.meter ?? "";
  }

  /** Whether music is being generated, so that no bars can be filled now. */
  setBusy(busy: boolean): void {
    this.busy = busy;
    this.update(document.activeElement as HTMLInputElement);
  }

  private part<T extends HTMLElement = HTMLElement>(selector: string): T {
    return this.element.querySelector<T>(selector)!;
  }

  /** Connects labels with controls by ids of their own. */
  private setupIds(): void {
    count++;
    for (const control of this.element.querySelectorAll<HTMLElement>("[data-id]")) {
      control.id = `${control.dataset.id}-${count}`;
    }
    for (const label of this.element.querySelectorAll<HTMLLabelElement>("[data-for]")) {
      label.htmlFor = `${label.dataset.for}-${count}`;
    }
    this.part(".bars").setAttribute("aria-describedby", `bars-hint-${count}`);
  }

  private setupBars(): void {
    this.view.bars.onselect = (range) => {
      if (this.take.playback.loop) this.change({ loop: range });
      if (range) this.part<HTMLDetailsElement>(".bars-section").open = true; // what can be done with them
      this.update();
      announce(range ? `${describeRange(range)} chosen` : "No bars chosen");
    };
    for (const input of [this.first, this.last]) {
      input.addEventListener("input", () => this.readBars(input));
      input.addEventListener("change", () => this.update());
    }
    this.loop.addEventListener("click", () => {
      const { take, view } = this;
      if (!view.bars.range) view.bars.set({ first: 1, last: barCount(take.bars, take.rows.length) });
      this.change({ loop: take.playback.loop ? null : view.bars.range });
    });
  }

  /** Chooses the bars that were typed; the other end moves along, so that they can be typed in any order. */
  private readBars(typing: HTMLInputElement): void {
    const bars = barCount(this.take.bars, this.take.rows.length);
    const [first, last] = [this.first, this.last].map((input) => Math.min(bars, Math.floor(Number(input.value))));
    const isFirst = typing === this.first;
    const own = isFirst ? first! : last!;
    const ends = isFirst ? [own, Math.max(own, last!)] : [Math.min(own, first! >= 1 ? first! : own), own];
    const range = own >= 1 ? { first: ends[0]!, last: ends[1]! } : null;
    this.view.bars.set(range);
    if (this.take.playback.loop) this.change({ loop: range });
    this.update(typing);
  }

  private setupPlayback(): void {
    for (const name of KNOBS) {
      const knob = this.part<HTMLInputElement>(`[data-playback=${name}]`);
      [knob.min, knob.max] = PLAYBACK_LIMITS[name].map(String) as [string, string];
      knob.addEventListener("input", () => this.change({ [name]: Number(knob.value) }));
    }
    const metronome = this.part<HTMLInputElement>("[data-playback=metronome]");
    metronome.addEventListener("change", () => this.change({ metronome: metronome.checked }));
    const generated = this.take.primer?.clock?.meter ?? this.take.grid.meter;
    this.meter.options[0]!.textContent = `as generated (${generated})`;
    this.meter.addEventListener("change", () => this.change({ meter: this.meter.value || null }));
    this.part("[data-tool=reset]").addEventListener("click", () => {
      this.change({ ...DEFAULT_PLAYBACK, loop: this.take.playback.loop });
    });
  }

  private setupFilling(): void {
    const { particles } = this.features;
    this.fill.hidden = this.part(".filling").hidden = particles === null;
    if (!particles) return;
    const input = this.part<HTMLInputElement>(".particles");
    [input.min, input.max] = particles.map(String) as [string, string];
    input.value = String(DEFAULT_PARTICLES);
    this.fill.addEventListener("click", () => {
      const number = Math.round(Number(input.value)) || DEFAULT_PARTICLES;
      if (this.view.bars.range) this.onfill(this.view.bars.range, Math.max(particles[0], Math.min(particles[1], number)));
    });
  }

  private change(changed: Partial<Take["playback"]>): void {
    this.take.playback = { ...this.take.playback, ...changed };
    this.view.redraw();
    this.update();
    this.onplayback();
  }
}
