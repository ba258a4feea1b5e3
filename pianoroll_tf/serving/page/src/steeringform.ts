// The part of the form that steers the music: scale or chords, range, silent notes and the number of notes at once.
import { gridTempo, makeBars } from "./bars";
import { parseChords, ROOTS, SCALES } from "./chords";
import { byId, showMessage } from "./dom";
import type { Grid } from "./grid";
import { PitchRangeInput } from "./pitchrange";
import { HIGHEST_PITCH, LOWEST_PITCH, noteName } from "./roll";
import type { Primer } from "./settings";
import { describeSteering, parseIntervals, type Steering } from "./steering";

const FREE_POLYPHONY = 17; // of the slider: as many notes as the model likes

export class SteeringForm {
  private grid: Grid | null = null;
  private readonly details = byId<HTMLDetailsElement>("steering");
  private readonly root = byId<HTMLSelectElement>("scale-root");
  private readonly scale = byId<HTMLSelectElement>("scale-name");
  private readonly chords = byId<HTMLInputElement>("chords");
  private readonly silent = byId<HTMLInputElement>("silent");
  private readonly polyphony = byId<HTMLInputElement>("most-notes");
  private readonly range = new PitchRangeInput(byId("range"));

  constructor() {
    this.root.replaceChildren(...ROOTS.map((name, root) => new Option(name, String(root))));
    this.scale.replaceChildren(...Object.keys(SCALES).map((name) => new Option(name, name)));
    this.polyphony.max = this.polyphony.value = String(FREE_POLYPHONY);
    for (const radio of this.details.querySelectorAll("[name=harmony]")) {
      radio.addEventListener("change", () => this.show());
    }
    for (const select of [this.root, this.scale]) select.addEventListener("change", () => this.show());
    this.polyphony.addEventListener("input", () => this.show());
    this.range.onchange = () => this.show();
    for (const input of [this.chords, this.silent]) {
      input.addEventListener("input", () => this.clearErrors());
      input.addEventListener("change", () => this.check());
    }
    byId("steering-reset").addEventListener("click", () => {
      this.set(undefined);
      this.details.querySelector("summary")!.focus();
    });
  }

  /** Shows the form if the server can steer. */
  setup(grid: Grid, isOffered: boolean): void {
    this.grid = grid;
    this.details.hidden = !isOffered;
    this.show();
  }

  set({ scale, chords, range, silent, polyphony }: Steering = {}): void {
    const kind = scale ? "scale" : chords ? "chords" : "free";
    this.details.querySelector<HTMLInputElement>(`[name=harmony][value=${kind}]`)!.checked = true;
    if (scale) [this.root.value, this.scale.value] = [String(scale.root), scale.name];
    this.chords.value = chords?.text ?? "";
    this.silent.value = silent?.map(([low, high]) => `${noteName(low)}–${noteName(high)}`).join(", ") ?? "";
    this.polyphony.value = String(polyphony ?? FREE_POLYPHONY);
    this.range.set(range ?? [LOWEST_PITCH, HIGHEST_PITCH], silent ?? []);
    this.clearErrors();
    this.show();
  }

  /** The steering of music after this primer, undefined if all is free; throws if a text is wrong, which is focused. */
  read(primer: Primer | null): Steering | undefined {
    if (this.details.hidden) return undefined;
    const { steering, invalid } = this.check();
    if (invalid) {
      this.details.open = true;
      invalid.focus();
      const message = byId("steering-error").textContent!;
      showMessage(byId("steering-error"), ""); // the form shows it above its button
      throw new Error(message);
    }
    if (steering.chords) {
      const grid = this.grid!;
      const { tempo, meter, place } = primer?.clock ?? { tempo: gridTempo(grid), meter: grid.meter, place: 0 };
      const bars = makeBars(grid, meter, tempo, place + (primer?.roll.length ?? 0));
      const upbeat = Math.round(bars.firstLine && bars.stepsPerBar + bars.firstLine);
      steering.chords = { ...steering.chords, upbeat, stepsPerBar: bars.stepsPerBar };
    }
    return Object.keys(steering).length ? steering : undefined;
  }

  private get harmony(): string {
    return this.details.querySelector<HTMLInputElement>("[name=harmony]:checked")!.value;
  }

  /** The steering, and the first input whose text is wrong; says so. */
  private check(): { steering: Steering; invalid: HTMLInputElement | null } {
    const steering: Steering = {};
    let invalid: HTMLInputElement | null = null;
    let message = "";
    const attempt = (input: HTMLInputElement, parse: () => void) => {
      try {
        parse();
        input.removeAttribute("aria-invalid");
      } catch (error) {
        input.setAttribute("aria-invalid", "true");
        invalid ??= input;
        message ||= (error as Error).message;
      }
    };
    const text = this.chords.value.trim();
    if (this.harmony === "scale") steering.scale = { root: Number(this.root.value), name: this.scale.value };
    if (this.harmony === "chords") {
      attempt(this.chords, () => {
        parseChords(text);
        steering.chords = { text, upbeat: 0, stepsPerBar: 1 };
      });
    }
    if (!this.range.isWhole) steering.range = this.range.range;
    attempt(this.silent, () => {
      const silent = parseIntervals(this.silent.value);
      if (silent.length) steering.silent = silent;
    });
    if (Number(this.polyphony.value) < FREE_POLYPHONY) steering.polyphony = Number(this.polyphony.value);
    showMessage(byId("steering-error"), message);
    this.range.set(this.range.range, steering.silent ?? []);
    byId("steering-changes").textContent = describeSteering(steering);
    return { steering, invalid };
  }

  private clearErrors(): void {
    showMessage(byId("steering-error"), "");
    for (const input of [this.chords, this.silent]) input.removeAttribute("aria-invalid");
  }

  /** Shows the panes and values that belong to what is chosen. */
  private show(): void {
    byId("scale-pane").hidden = this.harmony !== "scale";
    byId("chords-pane").hidden = this.harmony !== "chords";
    const most = Number(this.polyphony.value);
    byId("most-notes-hint").textContent = most < FREE_POLYPHONY ? `at most ${most}` : "as many as it likes";
    this.polyphony.setAttribute("aria-valuetext", byId("most-notes-hint").textContent!);
    const [low, high] = this.range.range;
    byId("range-hint").textContent = this.range.isWhole ? "the whole keyboard" : `${noteName(low)} to ${noteName(high)}`;
    if (this.harmony !== "chords" || this.chords.value) this.check();
  }
}
