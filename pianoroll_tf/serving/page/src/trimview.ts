// The picture of a piece with two handles, sliders that choose the part that is carried on.
import { currentColours } from "./colours";
import { byId } from "./dom";
import type { Grid } from "./grid";
import { drawMiniRoll } from "./miniroll";
import type { Roll } from "./roll";
import {
  describeLine,
  lineBeside,
  type Lines,
  moveBoth,
  moveEnd,
  moveStart,
  type Music,
  type Selection,
} from "./selection";

const LINES_PER_PAGE = 8; // for Page Up and Page Down

/** A piece, the lines where its handles may be, and the part between them; without lines there are no handles. */
export interface Trim {
  music: Music;
  lines: Lines;
  selection: Selection;
}

type Move = typeof moveStart;

export class TrimView {
  /** The user chose another part. */
  onselect: (selection: Selection) => void = () => undefined;

  private readonly element = byId("trim");
  private readonly canvas = this.element.querySelector("canvas")!;
  private readonly start = byId("trim-start");
  private readonly end = byId("trim-end");
  private trim: Trim | null = null;
  private drawn: { roll: Roll | null; key: string } = { roll: null, key: "" };

  constructor(
    private readonly grid: Grid,
    private readonly maxSteps: number,
  ) {
    this.listen(this.start, moveStart, ({ from }) => from);
    this.listen(this.end, moveEnd, ({ to }) => to);
    this.drag(this.element, moveBoth, ({ from }) => from);
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  show(trim: Trim | null): void {
    this.trim = trim;
    this.draw();
  }

  draw(): void {
    const { trim, element } = this;
    if (!trim) return;
    const { music, lines, selection } = trim;
    const hasHandles = lines.length > 2;
    element.classList.toggle("fixed", !hasHandles);
    this.canvas.setAttribute("aria-label", `Piano-roll of ${music.name}`);
    this.drawNotes(music);
    const percent = (step: number) => `${(100 * step) / Math.max(1, music.roll.length)}%`;
    element.style.setProperty("--from", percent(selection.from));
    element.style.setProperty("--to", percent(selection.to));
    for (const [handle, step] of [[this.start, selection.from], [this.end, selection.to]] as const) {
      handle.hidden = !hasHandles;
      handle.ariaValueMin = "0";
      handle.ariaValueMax = String(lines.length - 1);
      handle.ariaValueNow = String(lines.indexOf(step));
      handle.ariaValueText = describeLine(step, lines, music, this.grid);
    }
  }

  /** Draws the notes, unless they are drawn: those of an hour would be too many to draw at each move of a handle. */
  private drawNotes({ roll }: Music): void {
    const colours = currentColours();
    const key = JSON.stringify([this.canvas.clientWidth, colours.primer]);
    if (this.drawn.roll === roll && this.drawn.key === key) return;
    drawMiniRoll(this.canvas, roll, Infinity, colours);
    this.drawn = { roll, key };
  }

  private listen(handle: HTMLElement, move: Move, edge: (selection: Selection) => number): void {
    this.drag(handle, move, edge);
    handle.addEventListener("keydown", (event) => {
      if (!this.trim || event.ctrlKey || event.metaKey || event.altKey) return;
      const { lines, selection } = this.trim;
      const beside = (count: number) => lineBeside(lines, edge(selection), count);
      const targets: Record<string, number> = {
        ArrowLeft: beside(-1),
        ArrowDown: beside(-1),
        ArrowRight: beside(1),
        ArrowUp: beside(1),
        PageDown: beside(-LINES_PER_PAGE),
        PageUp: beside(LINES_PER_PAGE),
        Home: 0,
        End: lines.at(-1)!,
      };
      const target = targets[event.key];
      if (target === undefined) return;
      event.preventDefault();
      this.select(move(selection, target, lines, this.maxSteps));
    });
  }

  /** Lets the pointer drag a handle, or the part as a whole, to which it jumps. */
  private drag(element: HTMLElement, move: Move, edge: (selection: Selection) => number): void {
    let grip = 0; // from the pointer to the edge that moves, in steps
    const isPart = element === this.element;
    element.addEventListener("pointerdown", (event) => {
      if (!this.trim || event.button !== 0 || this.element.classList.contains("fixed")) return;
      event.stopPropagation();
      element.setPointerCapture(event.pointerId);
      const [step, { from, to }] = [this.stepAt(event), this.trim.selection];
      grip = isPart && (step < from || step > to) ? (from - to) / 2 : edge(this.trim.selection) - step;
      if (isPart) this.moveTo(step + grip, move);
    });
    element.addEventListener("pointermove", (event) => {
      if (element.hasPointerCapture(event.pointerId)) this.moveTo(this.stepAt(event) + grip, move);
    });
  }

  private moveTo(step: number, move: Move): void {
    if (this.trim) this.select(move(this.trim.selection, step, this.trim.lines, this.maxSteps));
  }

  private stepAt(event: PointerEvent): number {
    const { left, width } = this.canvas.getBoundingClientRect();
    return ((event.clientX - left) / width) * this.trim!.music.roll.length;
  }

  private select(selection: Selection): void {
    if (!this.trim) return;
    this.trim.selection = selection;
    this.draw();
    this.onselect(selection);
  }
}
