// The form of the settings: a slider and a number for each, checked against the server's limits.
import type { About } from "./api";
import { byId, showMessage } from "./dom";
import { duration, type Grid } from "./grid";
import { randomSeed, settingError, type Settings, UNTIL_MODEL_ENDS } from "./settings";

const NUMBERS = ["steps", "temperature", "density", "top_p", "seed"] as const;
type NumberName = (typeof NUMBERS)[number];

const PITCHES = 84;

export class SettingsForm {
  onsubmit: () => void = () => undefined;
  onstop: () => void = () => undefined;

  private about: About | null = null;
  private grid: Grid | null = null;
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
      slider?.addEventListener("input", () => this.setNumber(name, Number(slider.value)));
    }
    byId<HTMLDetailsElement>("sampling").open = matchMedia("(min-width: 60rem)").matches;
  }

  /** Applies the server's limits and defaults, and enables the form. */
  setup(about: About, grid: Grid): void {
    this.about = about;
    this.grid = grid;
    this.setVersions(about);
    for (const name of NUMBERS) {
      const [low, high] = about.limits[name];
      this.number(name).min = String(low);
      this.number(name).max = String(high);
    }
    const { steps, temperature, top_p, density } = about.defaults;
    this.set({ version: about.default_version, steps, temperature, top_p, density: density ?? 1, seed: randomSeed() });
    byId<HTMLButtonElement>("generate").disabled = false;
  }

  /** Offers the available versions; the selected version stays selected while it is available. */
  setVersions(about: About): void {
    const selected = Number(this.version.value);
    const available = about.versions.filter(({ state }) => state === "AVAILABLE").map(({ version }) => version);
    this.version.replaceChildren(...available.map((version) => new Option(String(version), String(version))));
    this.version.value = String(available.includes(selected) ? selected : about.default_version);
  }

  hasVersion(version: number): boolean {
    return [...this.version.options].some((option) => Number(option.value) === version);
  }

  set(settings: Settings): void {
    this.version.value = String(settings.version);
    const { endless, untilModelEnds, exactLength } = this;
    (settings.steps === 0 ? endless : settings.steps === UNTIL_MODEL_ENDS ? untilModelEnds : exactLength).checked = true;
    for (const name of NUMBERS) {
      if (name !== "steps" || settings.steps > 0) this.setNumber(name, settings[name]);
    }
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
      const skipped = name === "steps" && !this.exactLength.checked;
      const value = input.value.trim() === "" ? NaN : Number(input.value);
      const error = skipped ? "" : settingError(name, value, this.about!.limits);
      input.setAttribute("aria-invalid", String(error !== ""));
      if (!skipped) settings[name] = value;
      if (error && !firstInvalid) [firstInvalid, message] = [input, error];
    }
    this.showError(message);
    if (firstInvalid) byId<HTMLDetailsElement>("sampling").open ||= byId("sampling").contains(firstInvalid);
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

  private setNumber(name: NumberName, value: number): void {
    this.number(name).value = String(value);
    this.syncSlider(name);
  }

  /** Moves the slider to the number, or to the slider's nearest end. */
  private syncSlider(name: NumberName): void {
    const slider = this.slider(name);
    if (slider) slider.value = this.number(name).value;
    this.number(name).removeAttribute("aria-invalid");
    this.updateHints();
  }

  private updateHints(): void {
    if (!this.about || !this.grid) return;
    this.number("steps").disabled = this.slider("steps")!.disabled = !this.exactLength.checked;
    const steps = Number(this.number("steps").value);
    const openEnd = this.endless.checked ? "until stopped" : "until the model ends it";
    byId("steps-hint").textContent = this.exactLength.checked ? duration(steps, this.grid) : openEnd;
    const factor = this.number("density").value;
    const polyphony = this.about.density * PITCHES * Number(factor);
    byId("density-hint").textContent = `data × ${factor} = ${polyphony.toFixed(1)} notes at once`;
  }
}
