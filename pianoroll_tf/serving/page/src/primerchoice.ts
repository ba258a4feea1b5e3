// The choice of what is carried on: nothing, a classic, or a part of a MIDI file, which is chosen on its preview.
import { type About, uploadMusic } from "./api";
import type { Audition } from "./audition";
import { onColourSchemeChange } from "./colours";
import { announce, byId, radioButton, showMessage } from "./dom";
import { acceptDroppedFiles } from "./filedrop";
import type { Grid } from "./grid";
import { clockTime } from "./lengths";
import { countNotes, type Roll } from "./roll";
import { cut, defaultSelection, describeSelection, type Music, musicStepsPerSecond, selectionLines } from "./selection";
import type { Primer } from "./settings";
import { type Trim, TrimView } from "./trimview";

type Kind = "nothing" | "example" | "file" | "played";

export class PrimerChoice {
  /** Another primer is selected. */
  onchange: () => void = () => undefined;

  /** Plays the part that is carried on. */
  audition: Audition | null = null;

  private readonly form = byId<HTMLFormElement>("controls");
  private readonly preview = byId("preview");
  private readonly error = byId("primer-error");
  private examples: readonly Primer[] = [];
  private own: Partial<Record<Kind, Trim>> = {}; // the user's own music
  private leftOut = 0; // notes of the file outside of the model's pitch range
  private lastUpload = 0; // number of the latest upload: the response to an earlier one may arrive after it
  private view: TrimView | null = null;
  private grid: Grid | null = null;
  private maxBytes = Infinity;
  private maxSteps = Infinity;

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
    byId("start-file").addEventListener("click", () => {
      this.select("file");
      input.click();
    });
    byId("start-played").addEventListener("click", () => {
      this.select("played");
      byId("record").focus(); // which scrolls to it
    });
    acceptDroppedFiles((file) => void this.upload(file));
    onColourSchemeChange(() => this.view?.draw());
  }

  setup(about: About, grid: Grid, audition: Audition): void {
    this.audition = audition;
    audition.onchange = (playing) => {
      byId("hear").querySelector("use")!.setAttribute("href", playing ? "#icon-pause" : "#icon-play");
      byId("hear").setAttribute("aria-label", playing ? "Stop" : "Hear this part");
    };
    byId("hear").addEventListener("click", () => void this.hear());
    const { example_primers: examples, limits, longest_primer_steps } = about;
    this.examples = examples;
    this.grid = grid;
    this.maxBytes = limits.upload_bytes;
    this.maxSteps = longest_primer_steps;
    this.view = new TrimView(grid, longest_primer_steps);
    this.view.onselect = () => this.describe();
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
    if (this.kind === "played" && !this.own.played) throw new Error("Press Record and play, or select “Nothing”.");
    if (this.kind === "file" && !this.own.file) throw new Error("Choose a MIDI file to start from, or select “Nothing”.");
    return this.selected;
  }

  /** Selects this primer as if it were an uploaded file. */
  set(primer: Primer | null): void {
    this.leftOut = 0;
    delete this.own.file;
    if (primer) this.own.file = this.all({ ...primer, meters: [] });
    this.select(primer ? "file" : "nothing");
  }

  private async hear(): Promise<void> {
    const { audition, selected, grid } = this;
    if (!audition || !selected || !grid) return;
    if (audition.playing) return audition.stop();
    try {
      await audition.play(selected.roll, musicStepsPerSecond(selected, grid));
    } catch (error) {
      showMessage(this.error, (error as Error).message);
    }
  }

  private async upload(file: File): Promise<void> {
    const number = ++this.lastUpload;
    this.select("file");
    if (file.size > this.maxBytes) {
      return this.refuse(file, `it is larger than ${Math.floor(this.maxBytes / 1000)} kB`);
    }
    this.preview.setAttribute("aria-busy", "true");
    try {
      const { roll, left_out, tempo, meter, place, meters } = await uploadMusic(file);
      if (number !== this.lastUpload) return;
      this.own.file = this.end({ name: file.name, roll, clock: { tempo, meter, place }, meters });
      this.leftOut = left_out;
      this.select("file");
      this.preview.scrollIntoView({ block: "nearest" }); // on a phone it may be out of view
      announce(`${file.name} was loaded: ${notes(roll)}. ${this.part(this.own.file)} is carried on.`);
    } catch (error) {
      if (number === this.lastUpload) this.refuse(file, (error as Error).message);
    }
    this.preview.removeAttribute("aria-busy");
  }

  /** Says why a file cannot be used, and whether the one before it still is. */
  private refuse(file: File, message: string): void {
    const reason = /Received: a file that is (.*)$/.exec(message)?.[1];
    const { file: before } = this.own;
    this.preview.removeAttribute("aria-busy"); // of an upload that this one replaces
    const still = before ? ` ${before.music.name} is still in use.` : "";
    showMessage(this.error, `${file.name} cannot be used: ${reason ? `it is ${reason}` : message.replace(/\.$/, "")}.${still}`);
  }

  private get kind(): Kind {
    return this.form.querySelector<HTMLInputElement>("[name=primer-kind]:checked")!.value as Kind;
  }

  /** The selected primer; null: none. */
  get selected(): Primer | null {
    const { kind } = this;
    if (kind === "example") return this.example;
    const own = this.own[kind];
    return own ? cut(own.music, own.selection) : null;
  }

  private get example(): Primer | null {
    return this.examples[Number(byId("examples").querySelector<HTMLInputElement>(":checked")?.value)] ?? null;
  }

  /** Selects what the user has played. */
  setPlayed(music: Music): void {
    this.own.played = this.end(music);
    this.select("played");
    announce(`You played ${notes(music.roll)}. ${this.part(this.own.played)} is carried on.`);
  }

  /** A piece whose end is carried on, until the user chooses another part. */
  private end(music: Music): Trim {
    const lines = selectionLines(music, this.grid!);
    return { music, lines, selection: defaultSelection(lines, this.grid!, this.maxSteps) };
  }

  /** A piece that is carried on as a whole. */
  private all(music: Music): Trim {
    const to = music.roll.length;
    return { music, lines: [0, to], selection: { from: 0, to } };
  }

  private select(kind: Kind): void {
    this.form.querySelector<HTMLInputElement>(`[name=primer-kind][value=${kind}]`)!.checked = true;
    this.show();
  }

  private show(): void {
    byId("example-pane").hidden = this.kind !== "example";
    byId("file-pane").hidden = this.kind !== "file";
    byId("played-pane").hidden = this.kind !== "played";
    showMessage(this.error, "");
    const example = this.kind === "example" ? this.example : null;
    const shown = example ? this.all({ ...example, meters: [] }) : (this.own[this.kind] ?? null);
    this.preview.hidden = shown === null;
    this.view?.show(shown);
    this.describe(shown);
  }

  /** Says which part is carried on. */
  private describe(shown: Trim | null = this.own[this.kind] ?? null): void {
    this.audition?.stop();
    this.onchange();
    if (!shown) return;
    const { music, selection } = shown;
    const facts = [notes(cut(music, selection).roll)];
    if (this.kind === "file" && this.leftOut) facts.push(`${this.leftOut} outside C1 to B7 left out`);
    byId("preview-part").textContent = this.part(shown);
    byId("preview-facts").textContent = `${music.name}, ${facts.join(", ")}`;
  }

  /** "The last 8 bars of 3:26". */
  private part({ music, lines, selection }: Trim): string {
    const length = clockTime(music.roll.length / musicStepsPerSecond(music, this.grid!));
    const text = lines.length > 2 ? describeSelection(selection, lines, music, this.grid!) : `all of it, ${length}`;
    return text[0]!.toUpperCase() + text.slice(1);
  }
}

/** "1 note", "12 notes". */
function notes(roll: Roll): string {
  const count = countNotes(roll);
  return `${count} ${count === 1 ? "note" : "notes"}`;
}
