// A range of pitches, chosen with two handles on a small keyboard.
import { currentColours, onColourSchemeChange } from "./colours";
import { resizeCanvas } from "./drawroll";
import { HIGHEST_PITCH, isBlackKey, LOWEST_PITCH, noteName } from "./roll";
import type { Interval } from "./steering";

const PITCHES = HIGHEST_PITCH - LOWEST_PITCH + 1;
const OCTAVE = 12;

/** The range after one of its ends was moved to a pitch: within the keyboard, and not beyond the other end. */
export function movedEnd([low, high]: Interval, end: 0 | 1, pitch: number): Interval {
  const limited = Math.max(LOWEST_PITCH, Math.min(HIGHEST_PITCH, Math.round(pitch)));
  return end === 0 ? [Math.min(limited, high), high] : [low, Math.max(limited, low)];
}

/** The pitch to which a key of the keyboard moves a handle; null: it is another key. */
export function steppedPitch(pitch: number, key: string): number | null {
  const steps: Record<string, number> = {
    ArrowLeft: -1,
    ArrowDown: -1,
    ArrowRight: 1,
    ArrowUp: 1,
    PageDown: -OCTAVE,
    PageUp: OCTAVE,
  };
  if (key === "Home") return LOWEST_PITCH;
  if (key === "End") return HIGHEST_PITCH;
  const step = steps[key];
  return step === undefined ? null : pitch + step;
}

export class PitchRangeInput {
  range: Interval = [LOWEST_PITCH, HIGHEST_PITCH];
  silent: readonly Interval[] = [];
  onchange: () => void = () => undefined;

  private readonly canvas: HTMLCanvasElement;
  private readonly handles: readonly HTMLElement[];
  private dragged: 0 | 1 = 0;

  constructor(private readonly element: HTMLElement) {
    this.canvas = element.querySelector("canvas")!;
    this.handles = [...element.querySelectorAll<HTMLElement>("[role=slider]")];
    this.handles.forEach((handle, end) => {
      handle.addEventListener("keydown", (event) => this.handleKey(event, end as 0 | 1));
    });
    element.addEventListener("pointerdown", (event) => this.beginDrag(event));
    element.addEventListener("pointermove", (event) => {
      if (element.hasPointerCapture(event.pointerId)) this.move(this.dragged, this.pitchAt(event));
    });
    new ResizeObserver(() => this.draw()).observe(element);
    onColourSchemeChange(() => this.draw());
  }

  /** Whether the whole keyboard is chosen. */
  get isWhole(): boolean {
    return this.range[0] === LOWEST_PITCH && this.range[1] === HIGHEST_PITCH;
  }

  set(range: Interval, silent: readonly Interval[]): void {
    this.range = range;
    this.silent = silent;
    this.draw();
  }

  private pitchAt(event: PointerEvent): number {
    const { left, width } = this.canvas.getBoundingClientRect();
    return LOWEST_PITCH + Math.floor(((event.clientX - left) / width) * PITCHES);
  }

  /** The handle that is nearer moves to the pointer. */
  private beginDrag(event: PointerEvent): void {
    const pitch = this.pitchAt(event);
    this.dragged = Math.abs(pitch - this.range[0]) <= Math.abs(pitch - this.range[1]) ? 0 : 1;
    if (this.range[0] === this.range[1]) this.dragged = pitch < this.range[0] ? 0 : 1;
    this.element.setPointerCapture(event.pointerId);
    this.handles[this.dragged]!.focus({ preventScroll: true });
    this.move(this.dragged, pitch);
    event.preventDefault();
  }

  private handleKey(event: KeyboardEvent, end: 0 | 1): void {
    const pitch = steppedPitch(this.range[end], event.key);
    if (pitch === null || event.ctrlKey || event.metaKey || event.altKey) return;
    this.move(end, pitch);
    event.preventDefault();
  }

  private move(end: 0 | 1, pitch: number): void {
    const moved = movedEnd(this.range, end, pitch);
    if (moved[0] === this.range[0] && moved[1] === this.range[1]) return;
    this.range = moved;
    this.draw();
    this.onchange();
  }

  private draw(): void {
    this.handles.forEach((handle, end) => {
      const pitch = this.range[end]!;
      handle.style.left = `${(100 * (pitch + end - LOWEST_PITCH)) / PITCHES}%`;
      handle.setAttribute("aria-valuemin", String(end ? this.range[0] : LOWEST_PITCH));
      handle.setAttribute("aria-valuemax", String(end ? HIGHEST_PITCH : this.range[1]));
      handle.setAttribute("aria-valuenow", String(pitch));
      handle.setAttribute("aria-valuetext", noteName(pitch));
    });
    const [width, height] = [this.element.clientWidth, 32];
    if (!width) return;
    const context = resizeCanvas(this.canvas, width, height, devicePixelRatio);
    const colours = currentColours();
    const left = (pitch: number) => ((pitch - LOWEST_PITCH) / PITCHES) * width;
    for (let pitch = LOWEST_PITCH; pitch <= HIGHEST_PITCH; pitch++) {
      const isSilent = this.silent.some(([low, high]) => pitch >= low && pitch <= high);
      const isChosen = pitch >= this.range[0] && pitch <= this.range[1] && !isSilent;
      context.fillStyle = isBlackKey(pitch) ? colours.blackKey : colours.whiteKey;
      context.globalAlpha = isChosen ? 1 : 0.25;
      context.fillRect(left(pitch), 0, left(pitch + 1) - left(pitch), height);
      context.globalAlpha = 1;
      context.fillStyle = colours.line;
      if (pitch % 12 === 0 || pitch % 12 === 5) context.fillRect(left(pitch), 0, 1, height);
      context.fillStyle = colours.generated;
      if (isChosen) context.fillRect(left(pitch), height - 4, left(pitch + 1) - left(pitch) + 0.5, 4);
    }
  }
}
