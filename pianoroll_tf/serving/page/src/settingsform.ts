// The form of the settings: sliders in words and the exact numbers, checked against the server's limits.
import type { About } from "./api";
import { describeLength, lengthError, type LengthUnit, lengthUnit } from "./lengths";
import { byId, showMessage } from "./dom";
import { type Grid, makeGrid } from "./grid";
import { type Clock, randomSeed, settingError, type Settings, UNTIL_MODEL_ENDS } from "./settings";
import { DARING, FULLNESS, positionOf, valueAt, wordFor, type WordScale } from "./wordscale";

const NUMBERS = ["length", "temperature", "density", "top_p", "seed"] as const;
type NumberName = (typeof NUMBERS)[number];

const PITCHES = 84;

export class SettingsForm {
  onsubmit: () => void = () => undefined;
  onstop: () => void = () => undefined;

  private about: About | null = null;
  private grid: Grid | null = null;
  private unit: LengthUnit = { name: "seconds", steps: 8 };
  private scales: Partial<Record<NumberName, WordScale>> = {};
  private readonly version = byId<HTMLSelectElement>("version");
  private readonly exactLength = byId<HTMLInputElement>("exact");
  private readonly untilModelEnds = byId<HTMLInputElement>("ends");
  private readonly endless = byId<HTMLInputElement>("endless");
  private readonly error = byId("settings-error");

  constructor() {
    byId("controls").addEventListener("submit", (event) => {
      event.preventDefault();
      this.onsubmit();
    });
    byId("stop").addEventListener("click", () => this.onstop());
    byId("dice").addEventListener("click", () => this.setNumber("seed", randomSeed()));
    for (const radio of [this.exactLength, this.untilModelEnds, this.endless]) {
      radio.addEventListener("change", () => this.updateHints());
    }
    for (const name of NUMBERS) {
      const slider = this.slider(name);
      this.number(name).addEventListener("input", () => this.syncSlider(name));
      slider?.addEventListener("input", () => this.setNumber(name, this.sliderValue(name)));
    }
  }

  /** Applies the server's limits and defaults, and enables the form. */
  setup(about: About): void {
    this.about = about;
    const { steps, temperature, top_p, density } = about.defaults;
    this.scales = {
      temperature: { words: DARING, usual: temperature, perOctave: 10 },
      density: { words: FULLNESS, usual: 1, perOctave: 5 },
    };
    this.setVersions(about);
    this.setClock(null);
    for (const name of ["temperature", "density", "top_p", "seed"] as const) {
      const [low, high] = about.limits[name];
      this.number(name).min = String(low);
      this.number(name).max = String(high);
    }
    this.set({ version: about.default_version, steps, temperature, top_p, density: density ?? 1, seed: randomSeed() });
    byId<HTMLButtonElement>("generate").disabled = false;
  }

  /** Offers the available versions, if there are several; the selected version stays selected while it is available. */
  setVersions(about: About): void {
    const selected = Number(this.version.value);
    const available = about.versions.filter(({ state }) => state === "AVAILABLE").map(({ version }) => version);
    this.version.replaceChildren(...available.map((version) => new Option(String(version), String(version))));
    this.version.value = String(available.includes(selected) ? selected : about.default_version);
    byId("version-field").hidden = available.length < 2;
  }

  /** Counts the length in bars of this time signature and tempo; null: those of the training data. */
  setClock(clock: Clock | null): void {
    const { about } = this;
    if (!about) return;
    this.grid = makeGrid(about.steps_per_second, about.steps_per_beat, clock?.tempo ?? about.tempo);
    this.unit = lengthUnit(this.grid, clock?.meter ?? about.meter);
    byId("length-label").textContent = `Length in ${this.unit.name}`;
    this.updateHints();
  }

  /** Names the unit of lengths, for descriptions. */
  describeLength(steps: number): string {
    return describeLength(steps, this.unit, this.grid!);
  }

  hasVersion(version: number): boolean {
    return [...this.version.options].some((option) => Number(option.value) === version);
  }

  set(settings: Settings): void {
    this.version.value = String(settings.version);
    const { endless, untilModelEnds, exactLength } = this;
    (settings.steps === 0 ? endless : settings.steps === UNTIL_MODEL_ENDS ? untilModelEnds : exactLength).checked = true;
    if (settings.steps > 0) this.setNumber("length", Math.round((1e4 * settings.steps) / this.unit.steps) / 1e4);
    for (const name of ["temperature", "density", "top_p", "seed"] as const) this.setNumber(name, settings[name]);
    this.updateHints();
  }

  /** The settings; null if one is invalid: then its error is shown, and it is focused. */
  read(): Settings | null {
    const steps = this.untilModelEnds.checked ? UNTIL_MODEL_ENDS : 0; // replaced below if it is a number
    const settings = { version: Number(this.version.value), steps } as Settings;
    let firstInvalid: HTMLInputElement | null = null;
    let message = "";
    for (const name of NUMBERS) {
      const input = this.number(name);
      if (name === "length" && !this.exactLength.checked) continue;
      const value = input.value.trim() === "" ? NaN : Number(input.value);
      const { limits } = this.about!;
      const error = name === "length" ? lengthError(value, this.unit, limits.steps) : settingError(name, value, limits);
      input.setAttribute("aria-invalid", String(error !== ""));
      if (name === "length") settings.steps = Math.round(value * this.unit.steps);
      else settings[name] = value;
      if (error && !firstInvalid) [firstInvalid, message] = [input, error];
    }
    this.showError(message);
    if (firstInvalid) byId<HTMLDetailsElement>("sampling").open = true;
    firstInvalid?.focus();
    return firstInvalid ? null : settings;
  }

  showError(message: string): void {
    showMessage(this.error, message);
  }

  /** Shows Stop instead of Generate while music is being generated. */
  setBusy(busy: boolean): void {
    const [generate, stop] = [byId("generate"), byId("stop")];
    const focused = document.activeElement === (busy ? generate : stop);
    generate.hidden = busy;
    stop.hidden = !busy;
    if (focused) (busy ? stop : generate).focus();
    if (!busy && byId<HTMLInputElement>("new-seed").checked) this.setNumber("seed", randomSeed());
  }

  private number(name: NumberName): HTMLInputElement {
    return byId<HTMLInputElement>(name);
  }

  private slider(name: NumberName): HTMLInputElement | null {
    return document.getElementById(`${name}-slider`) as HTMLInputElement | null;
  }

  private sliderValue(name: NumberName): number {
    const [position, scale] = [Number(this.slider(name)!.value), this.scales[name]];
    if (!scale || name === "length") return position;
    const [low, high] = this.about!.limits[name];
    return Math.max(low, Math.min(high, valueAt(position, scale)));
  }

  private setNumber(name: NumberName, value: number): void {
    this.number(name).value = String(value);
    this.syncSlider(name);
  }

  /** Moves the slider to the number, or to the slider's nearest end. */
  private syncSlider(name: NumberName): void {
    const [slider, scale] = [this.slider(name), this.scales[name]];
    const value = Number(this.number(name).value);
    if (slider) slider.value = String(scale ? (value > 0 ? positionOf(value, scale) : slider.min) : value);
    this.number(name).removeAttribute("aria-invalid");
    this.updateHints();
  }

  private updateHints(): void {
    if (!this.about || !this.grid) return;
    this.number("length").disabled = this.slider("length")!.disabled = !this.exactLength.checked;
    const openEnd = this.endless.checked ? "until I press Stop" : "until the model ends it";
    const length = this.describeLength(Math.round(Number(this.number("length").value) * this.unit.steps));
    this.say("length", this.exactLength.checked ? length : openEnd);
    for (const [name, scale] of Object.entries(this.scales) as [NumberName, WordScale][]) {
      const value = Number(this.number(name).value);
      this.say(name, value > 0 ? wordFor(value, scale) : "");
    }
    const factor = this.number("density").value;
    byId("polyphony").textContent = `data × ${factor} = ${(this.about.density * PITCHES * Number(factor)).toFixed(1)} notes at once`;
    const { temperature, top_p, seed } = Object.fromEntries(NUMBERS.map((name) => [name, this.number(name).value]));
    byId("details-line").textContent = `temperature ${temperature} · density × ${factor} · top-p ${top_p} · seed ${seed}`;
  }

  /** Says in words where a slider is. */
  private say(name: NumberName, words: string): void {
    byId(`${name}-hint`).textContent = words;
    this.slider(name)!.setAttribute("aria-valuetext", words);
  }
}
