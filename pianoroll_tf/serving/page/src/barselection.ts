// The bars of a take that are chosen on its roll: by dragging with the mouse, or with Shift and the arrow keys.
import { barCount, barOf, type BarRange, rangeSteps } from "./bars";
import { KEYBOARD_WIDTH } from "./frame";
import type { Take } from "./take";

const DRAG_PIXELS = 5; // that the mouse moves before a click becomes a choice of bars

export class BarSelection {
  /** The user chose bars, or none. */
  onselect: (range: BarRange | null) => void = () => undefined;
  /** The chosen bars. */
  range: BarRange | null = null;

  private readonly marker = document.createElement("div");
  private dragged: { bar: number; x: number; isDrag: boolean } | null = null; // where the mouse was pressed
  private ends: [number, number] = [1, 1]; // the bar where the selection began, and the one that moves

  constructor(
    private readonly element: HTMLElement,
    private readonly canvas: HTMLCanvasElement,
    private readonly take: Take,
    private readonly pixelsPerStep: () => number,
  ) {
    this.marker.className = "selection";
    this.marker.hidden = true;
    element.append(this.marker);
    canvas.addEventListener("pointerdown", (event) => this.beginDrag(event));
    canvas.addEventListener("pointermove", (event) => this.drag(event));
  }

  /** Shows these bars as chosen. */
  set(range: BarRange | null): void {
    this.range = range;
    if (range) this.ends = [range.first, range.last];
    this.place(this.element.scrollLeft);
  }

  /** Places the marker where the bars are drawn now, but not over the keyboard. */
  place(scrollLeft: number): void {
    const { take, marker, range } = this;
    marker.hidden = range === null;
    if (!range) return;
    const [start, end] = rangeSteps(take.bars, range, take.complete ? take.rows.length : Infinity);
    const left = KEYBOARD_WIDTH + Math.max(start * this.pixelsPerStep(), scrollLeft);
    const width = KEYBOARD_WIDTH + end * this.pixelsPerStep() - left;
    marker.hidden = width <= 0;
    marker.style.transform = `translateX(${left}px)`;
    marker.style.width = `${width}px`;
  }

  /** The step under the pointer, fractional. */
  pointerStep(event: MouseEvent): number {
    return (event.offsetX - KEYBOARD_WIDTH + this.element.scrollLeft) / this.pixelsPerStep();
  }

  /** Ends what began when the mouse was pressed; returns whether bars were chosen, so that it was not a click. */
  endDrag(): boolean {
    const isDrag = this.dragged?.isDrag ?? false;
    this.dragged = null;
    return isDrag;
  }

  /** Shift and an arrow key: chooses the bar of the playhead, then moves one end. Returns whether the key was used. */
  handleKey({ key, shiftKey }: KeyboardEvent, step: number): boolean {
    const { bars, rows } = this.take;
    const [anchor, head] = this.ends;
    if (key === "Escape" && this.range) this.select(null);
    else if (!shiftKey || (key !== "ArrowLeft" && key !== "ArrowRight")) return false;
    else if (!this.range) this.selectFrom(this.barAt(step), this.barAt(step));
    else {
      const moved = head + (key === "ArrowLeft" ? -1 : 1);
      this.selectFrom(anchor, Math.max(1, Math.min(barCount(bars, rows.length), moved)));
    }
    return true;
  }

  private select(range: BarRange | null): void {
    this.set(range);
    this.onselect(range);
  }

  private selectFrom(anchor: number, head: number): void {
    const range = { first: Math.min(anchor, head), last: Math.max(anchor, head) };
    if (range.first !== this.range?.first || range.last !== this.range.last) this.select(range);
    this.ends = [anchor, head];
  }

  /** With a mouse or pen; a finger scrolls. */
  private beginDrag(event: PointerEvent): void {
    this.dragged = null;
    if (event.pointerType === "touch" || event.button !== 0 || event.offsetX < KEYBOARD_WIDTH) return;
    this.dragged = { bar: this.barAt(this.pointerStep(event)), x: event.offsetX, isDrag: false };
    this.canvas.setPointerCapture(event.pointerId);
  }

  private drag(event: PointerEvent): void {
    const { dragged } = this;
    if (!dragged || !(event.buttons & 1)) return;
    dragged.isDrag ||= Math.abs(event.offsetX - dragged.x) >= DRAG_PIXELS;
    if (dragged.isDrag) this.selectFrom(dragged.bar, this.barAt(this.pointerStep(event)));
  }

  private barAt(step: number): number {
    const { bars, rows } = this.take;
    return Math.min(barOf(bars, Math.max(0, Math.floor(step))), barCount(bars, rows.length));
  }
}
