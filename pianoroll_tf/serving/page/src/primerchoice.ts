// The choice of the primer: nothing, an example, or a MIDI file; shows a preview of it.
import { uploadPrimer } from "./api";
import { currentColours, onColourSchemeChange } from "./colours";
import { announce, byId, showMessage } from "./dom";
import { AXIS_HEIGHT, drawRoll, KEYBOARD_WIDTH, resizeCanvas } from "./drawroll";
import { duration, type Grid } from "./grid";
import { countNotes, sharedRange, soundingRange } from "./roll";
import type { Primer } from "./settings";

type Kind = "nothing" | "example" | "file";

const PREVIEW_HEIGHT = 130;

export class PrimerChoice {
  /** Another primer is selected. */
  onchange: () => void = () => undefined;

  private readonly form = byId<HTMLFormElement>("controls");
  private readonly preview = byId("preview");
  private readonly error = byId("primer-error");
  private examples: readonly Primer[] = [];
  private file: Primer | null = null;
  private leftOut = 0; // notes of the file outside of the model's pitch range
  private lastUpload = 0; // number of the latest upload: the response to an earlier one may arrive after it
  private grid: Grid | null = null;
  private maxBytes = Infinity;

  constructor() {
    for (const radio of this.form.querySelectorAll("[name=primer-kind]")) {
      radio.addEventListener("change", () => this.show());
    }
    byId("examples").addEventListener("change", () => this.show());
    const input = byId<HTMLInputElement>("file");
    input.addEventListener("change", () => {
      if (input.files?.[0]) void this.upload(input.files[0]);
      input.value = ""; // so that choosing the same file again is a change
    });
    this.acceptDroppedFiles();
    new ResizeObserver(() => this.draw()).observe(this.preview);
    onColourSchemeChange(() => this.draw());
  }

  setup(examples: readonly Primer[], grid: Grid, maxBytes: number): void {
    this.examples = examples;
    this.grid = grid;
    this.maxBytes = maxBytes;
    byId("example-choice").hidden = examples.length === 0;
    byId("examples").replaceChildren(...examples.map(({ name }, i) => radioButton("example", name, i)));
  }

  /** Selects an example. */
  chooseExample(index: number): void {
    byId("examples").querySelectorAll("input")[index]!.checked = true;
    this.select("example");
  }

  /** The chosen primer, null for none; throws if "MIDI file" is chosen without a file. */
  get primer(): Primer | null {
    if (this.kind === "file" && !this.file) throw new Error("Choose a MIDI file to start from, or start from nothing.");
    return this.selected;
  }

  /** Selects this primer as if it were an uploaded file. */
  set(primer: Primer | null): void {
    this.file = primer;
    this.leftOut = 0;
    this.select(primer ? "file" : "nothing");
  }

  private async upload(file: File): Promise<void> {
    const number = ++this.lastUpload;
    this.select("file");
    if (file.size > this.maxBytes) {
      showMessage(this.error, `${file.name} is too large. The limit is ${Math.floor(this.maxBytes / 1000)} kB.`);
      return;
    }
    this.preview.setAttribute("aria-busy", "true");
    try {
      const { roll, left_out, tempo, meter, place } = await uploadPrimer(file);
      if (number !== this.lastUpload) return;
      this.file = { name: file.name, roll, clock: { tempo, meter, place } };
      this.leftOut = left_out;
      this.select("file");
      announce(`${file.name} was loaded: ${countNotes(roll)} notes.`);
    } catch (error) {
      if (number === this.lastUpload) showMessage(this.error, (error as Error).message);
    }
    this.preview.removeAttribute("aria-busy");
  }

  private get kind(): Kind {
    return this.form.querySelector<HTMLInputElement>("[name=primer-kind]:checked")!.value as Kind;
  }

  /** The selected primer; null: none. */
  get selected(): Primer | null {
    if (this.kind === "example") return this.examples[Number(byId("examples").querySelector<HTMLInputElement>(":checked")?.value)] ?? null;
    return this.kind === "file" ? this.file : null;
  }

  private select(kind: Kind): void {
    this.form.querySelector<HTMLInputElement>(`[name=primer-kind][value=${kind}]`)!.checked = true;
    this.show();
  }

  private show(): void {
    this.onchange();
    byId("example-pane").hidden = this.kind !== "example";
    byId("file-pane").hidden = this.kind !== "file";
    showMessage(this.error, "");
    this.draw();
  }

  private draw(): void {
    const { selected, grid, preview } = this;
    preview.hidden = selected === null;
    if (!selected || !grid) return;
    const facts = [duration(selected.roll.length, grid), `${countNotes(selected.roll)} notes`];
    if (this.kind === "file" && this.leftOut) facts.push(`${this.leftOut} outside C1 to B7 left out`);
    preview.querySelector("figcaption")!.textContent = `${selected.name}: ${facts.join(", ")}`;
    const canvas = preview.querySelector("canvas")!;
    canvas.setAttribute("aria-label", `Piano-roll of ${selected.name}`);
    const width = preview.clientWidth;
    if (width < 2 * KEYBOARD_WIDTH) return;
    const context = resizeCanvas(canvas, width, PREVIEW_HEIGHT, devicePixelRatio);
    const plotWidth = width - KEYBOARD_WIDTH;
    const frame = {
      left: KEYBOARD_WIDTH,
      top: 0,
      width: plotWidth,
      height: PREVIEW_HEIGHT - AXIS_HEIGHT,
      firstStep: 0,
      pixelsPerStep: plotWidth / Math.max(1, selected.roll.length),
      range: sharedRange([soundingRange(selected.roll)]),
    };
    drawRoll(context, selected.roll, selected.roll.length, frame, grid, currentColours());
  }

  /** Accepts a file dropped anywhere on the page; otherwise the browser would navigate to the file. */
  private acceptDroppedFiles(): void {
    const isFile = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const highlight = (on: boolean) => document.body.classList.toggle("dropping", on);
    document.addEventListener("dragover", (event) => {
      if (!isFile(event)) return;
      event.preventDefault();
      highlight(true);
    });
    document.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) highlight(false);
    });
    document.addEventListener("drop", (event) => {
      if (!isFile(event)) return;
      event.preventDefault();
      highlight(false);
      const file = event.dataTransfer?.files[0];
      if (file) void this.upload(file);
    });
  }
}

/** A radio button with a label; the first of a group is checked. */
function radioButton(group: string, text: string, index: number): HTMLElement {
  const [label, input, words] = [document.createElement("label"), document.createElement("input"), document.createElement("span")];
  Object.assign(input, { type: "radio", name: group, value: String(index), defaultChecked: index === 0 });
  words.textContent = text;
  label.append(input, words);
  return label;
}
