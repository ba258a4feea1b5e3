// What the music begins with: nothing, an example, or a MIDI file; drawn as soon as it is chosen.
import { readPrimer } from "./api";
import { sized } from "./canvas";
import { currentColours, onColourChange } from "./colours";
import { announce, byId, tell } from "./dom";
import { AXIS_HEIGHT, drawRoll, KEYBOARD_WIDTH } from "./draw";
import { duration, type Grid } from "./grid";
import { countNotes, sharedRange, soundingRange } from "./roll";
import type { Primer } from "./settings";

type Kind = "nothing" | "example" | "file";

const PREVIEW_HEIGHT = 130;

export class PrimerChoice {
  private readonly form = byId<HTMLFormElement>("controls");
  private readonly preview = byId("preview");
  private readonly wrong = byId("primer-wrong");
  private examples: readonly Primer[] = [];
  private file: Primer | null = null;
  private left = 0; // notes of the file beyond the range of pitches
  private reading = 0; // number of the newest file, as an older one may be read later
  private grid: Grid | null = null;
  private mostBytes = Infinity;

  constructor() {
    for (const radio of this.form.querySelectorAll("[name=begin]")) {
      radio.addEventListener("change", () => this.show());
    }
    byId("example").addEventListener("change", () => this.show());
    const input = byId<HTMLInputElement>("file");
    input.addEventListener("change", () => {
      if (input.files?.[0]) void this.read(input.files[0]);
      input.value = ""; // so that the same file can be chosen again
    });
    this.takeDrops();
    new ResizeObserver(() => this.draw()).observe(this.preview);
    onColourChange(() => this.draw());
  }

  setup(examples: readonly Primer[], grid: Grid, mostBytes: number): void {
    this.examples = examples;
    this.grid = grid;
    this.mostBytes = mostBytes;
    byId("example-choice").hidden = examples.length === 0;
    byId("example").replaceChildren(...examples.map(({ name }, i) => new Option(name, String(i))));
  }

  /** What is chosen now; throws where a file should be, and there is none. */
  get primer(): Primer | null {
    if (this.kind === "file" && !this.file) throw new Error("Choose a MIDI file to begin with, or begin with nothing.");
    return this.chosen;
  }

  /** Chooses this one, as if it had come from a file. */
  set(primer: Primer | null): void {
    this.file = primer;
    this.left = 0;
    this.choose(primer ? "file" : "nothing");
  }

  /** A file from the computer. */
  async read(file: File): Promise<void> {
    const number = ++this.reading;
    this.choose("file");
    if (file.size > this.mostBytes) {
      tell(this.wrong, `${file.name} is too large: at most ${Math.floor(this.mostBytes / 1000)} kB.`);
      return;
    }
    this.preview.setAttribute("aria-busy", "true");
    try {
      const { roll, left_out, tempo, meter, place } = await readPrimer(file);
      if (number !== this.reading) return;
      this.file = { name: file.name, roll, clock: { tempo, meter, place } };
      this.left = left_out;
      this.choose("file");
      announce(`${file.name} is read: ${countNotes(roll)} notes.`);
    } catch (error) {
      if (number === this.reading) tell(this.wrong, (error as Error).message);
    }
    this.preview.removeAttribute("aria-busy");
  }

  private get kind(): Kind {
    return this.form.querySelector<HTMLInputElement>("[name=begin]:checked")!.value as Kind;
  }

  private get chosen(): Primer | null {
    if (this.kind === "example") return this.examples[byId<HTMLSelectElement>("example").selectedIndex] ?? null;
    return this.kind === "file" ? this.file : null;
  }

  private choose(kind: Kind): void {
    this.form.querySelector<HTMLInputElement>(`[name=begin][value=${kind}]`)!.checked = true;
    this.show();
  }

  private show(): void {
    byId("example-pane").hidden = this.kind !== "example";
    byId("file-pane").hidden = this.kind !== "file";
    tell(this.wrong, "");
    this.draw();
  }

  private draw(): void {
    const { chosen, grid, preview } = this;
    preview.hidden = chosen === null;
    if (!chosen || !grid) return;
    const words = [duration(chosen.roll.length, grid), `${countNotes(chosen.roll)} notes`];
    if (this.kind === "file" && this.left) words.push(`${this.left} beyond C1 to B7 left out`);
    preview.querySelector("figcaption")!.textContent = `${chosen.name}: ${words.join(", ")}`;
    const canvas = preview.querySelector("canvas")!;
    canvas.setAttribute("aria-label", `Piano-roll of ${chosen.name}`);
    const width = preview.clientWidth;
    if (width < 2 * KEYBOARD_WIDTH) return;
    const context = sized(canvas, width, PREVIEW_HEIGHT, devicePixelRatio);
    const plot = width - KEYBOARD_WIDTH;
    const frame = {
      left: KEYBOARD_WIDTH,
      top: 0,
      width: plot,
      height: PREVIEW_HEIGHT - AXIS_HEIGHT,
      firstStep: 0,
      pixelsPerStep: plot / Math.max(1, chosen.roll.length),
      range: sharedRange([soundingRange(chosen.roll)]),
    };
    drawRoll(context, chosen.roll, chosen.roll.length, frame, grid, currentColours());
  }

  /** A file may be dropped anywhere; without this the browser would leave the page for it. */
  private takeDrops(): void {
    const isFile = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const mark = (on: boolean) => document.body.classList.toggle("dropping", on);
    document.addEventListener("dragover", (event) => {
      if (!isFile(event)) return;
      event.preventDefault();
      mark(true);
    });
    document.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) mark(false);
    });
    document.addEventListener("drop", (event) => {
      if (!isFile(event)) return;
      event.preventDefault();
      mark(false);
      const file = event.dataTransfer?.files[0];
      if (file) void this.read(file);
    });
  }
}
