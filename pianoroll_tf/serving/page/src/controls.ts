// The form: settings as sliders with a number beside each, checked against the server's limits.
import type { About } from "./api";
import { byId, tell } from "./dom";
import { duration, type Grid } from "./grid";
import { complaint, randomSeed, type Settings, UNTIL_IT_ENDS } from "./settings";

type Dial = "steps" | "temperature" | "density" | "top_p" | "seed";

const DIALS: readonly Dial[] = ["steps", "temperature", "density", "top_p", "seed"];
const PITCHES = 84;

export class Controls {
  onsubmit: () => void = () => undefined;
  onstop: () => void = () => undefined;

  private about: About | null = null;
  private grid: Grid | null = null;
  private readonly version = byId<HTMLSelectElement>("version");
  private readonly exact = byId<HTMLInputElement>("exact");
  private readonly ends = byId<HTMLInputElement>("ends");
  private readonly endless = byId<HTMLInputElement>("endless");
  private readonly wrong = byId("settings-wrong");

  constructor() {
    byId("controls").addEventListener("submit", (event) => {
      event.preventDefault();
      this.onsubmit();
    });
    byId("stop").addEventListener("click", () => this.onstop());
    byId("dice").addEventListener("click", () => this.setNumber("seed", randomSeed()));
    for (const radio of [this.exact, this.ends, this.endless]) radio.addEventListener("change", () => this.showWords());
    for (const dial of DIALS) {
      const slider = this.slider(dial);
      this.number(dial).addEventListener("input", () => this.follow(dial));
      slider?.addEventListener("input", () => this.setNumber(dial, Number(slider.value)));
    }
    byId<HTMLDetailsElement>("fine").open = matchMedia("(min-width: 60rem)").matches;
  }

  /** Takes limits and defaults from the server. */
  setup(about: About, grid: Grid): void {
    this.about = about;
    this.grid = grid;
    this.setVersions(about);
    for (const dial of DIALS) {
      const [low, high] = about.limits[dial];
      this.number(dial).min = String(low);
      this.number(dial).max = String(high);
    }
    const { steps, temperature, top_p, density } = about.defaults;
    this.set({ version: about.default_version, steps, temperature, top_p, density: density ?? 1, seed: randomSeed() });
    byId<HTMLButtonElement>("generate").disabled = false;
  }

  /** The versions that can be asked; the choice stays if it still can. */
  setVersions(about: About): void {
    const before = Number(this.version.value);
    const available = about.versions.filter(({ state }) => state === "AVAILABLE").map(({ version }) => version);
    const names = available.map((version) => new Option(String(version), String(version)));
    this.version.replaceChildren(...names);
    this.version.value = String(available.includes(before) ? before : about.default_version);
  }

  hasVersion(version: number): boolean {
    return [...this.version.options].some((option) => Number(option.value) === version);
  }

  set(settings: Settings): void {
    this.version.value = String(settings.version);
    const length = settings.steps === 0 ? this.endless : settings.steps === UNTIL_IT_ENDS ? this.ends : this.exact;
    length.checked = true;
    for (const dial of DIALS) {
      if (dial !== "steps" || settings.steps > 0) this.setNumber(dial, settings[dial]);
    }
    this.showWords();
  }

  /** The settings; null where one is wrong, which then is said and has the focus. */
  read(): Settings | null {
    const settings = { version: Number(this.version.value), steps: this.ends.checked ? UNTIL_IT_ENDS : 0 } as Settings;
    let first: HTMLInputElement | null = null;
    let sentence = "";
    for (const dial of DIALS) {
      const input = this.number(dial);
      const skipped = dial === "steps" && !this.exact.checked;
      const value = input.value.trim() === "" ? NaN : Number(input.value);
      const wrong = skipped ? "" : complaint(dial, value, this.about!.limits);
      input.setAttribute("aria-invalid", String(wrong !== ""));
      if (!skipped) settings[dial] = value;
      if (wrong && !first) [first, sentence] = [input, wrong];
    }
    tell(this.wrong, sentence);
    if (first) byId<HTMLDetailsElement>("fine").open ||= byId("fine").contains(first);
    first?.focus();
    return first ? null : settings;
  }

  say(sentence: string): void {
    tell(this.wrong, sentence);
  }

  /** Generate, or Stop while it is being done. */
  setBusy(busy: boolean): void {
    const [generate, stop] = [byId("generate"), byId("stop")];
    const focused = document.activeElement === (busy ? generate : stop);
    generate.hidden = busy;
    stop.hidden = !busy;
    if (focused) (busy ? stop : generate).focus();
    if (!busy && byId<HTMLInputElement>("new-seed").checked) this.setNumber("seed", randomSeed());
  }

  private number(dial: Dial): HTMLInputElement {
    return byId<HTMLInputElement>(dial);
  }

  private slider(dial: Dial): HTMLInputElement | null {
    return document.getElementById(`${dial}-slider`) as HTMLInputElement | null;
  }

  private setNumber(dial: Dial, value: number): void {
    this.number(dial).value = String(value);
    this.follow(dial);
  }

  /** The slider shows what the number says, as far as it reaches. */
  private follow(dial: Dial): void {
    const slider = this.slider(dial);
    if (slider) slider.value = this.number(dial).value;
    this.number(dial).removeAttribute("aria-invalid");
    this.showWords();
  }

  private showWords(): void {
    if (!this.about || !this.grid) return;
    this.number("steps").disabled = this.slider("steps")!.disabled = !this.exact.checked;
    const steps = Number(this.number("steps").value);
    const words = this.endless.checked ? "until stopped" : "until the model ends it";
    byId("steps-words").textContent = this.exact.checked ? duration(steps, this.grid) : words;
    const factor = this.number("density").value;
    const together = this.about.density * PITCHES * Number(factor);
    byId("density-words").textContent = `data × ${factor} = ${together.toFixed(1)} notes at once`;
  }
}
