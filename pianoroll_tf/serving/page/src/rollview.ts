// The piano-roll of a take in the document: a slider whose value is the playhead; a long roll scrolls.
import { currentColours } from "./colours";
import { AXIS_HEIGHT, drawRoll, KEYBOARD_WIDTH, resizeCanvas } from "./drawroll";
import { position } from "./grid";
import type { PitchRange } from "./roll";
import type { Take } from "./take";

const MIN_PIXELS_PER_STEP = 1; // a roll that would need less scrolls
const MAX_PIXELS_PER_STEP = 14;
const UNITS_PER_PAGE = 10; // of the time axis, for Page Up and Page Down

export class RollView {
  /** The user moved the playhead. */
  onseek: (step: number) => void = () => undefined;
  /** The user pressed the space bar. */
  ontoggle: () => void = () => undefined;

  private readonly canvas: HTMLCanvasElement;
  private readonly spacer: HTMLElement;
  private readonly playhead: HTMLElement;
  private range: PitchRange = { low: 48, high: 83 };
  private step = 0;
  private pixelsPerStep = 1;
  private frameRequest = 0;

  constructor(
    private readonly element: HTMLElement,
    private readonly take: Take,
  ) {
    this.canvas = element.querySelector("canvas")!;
    this.spacer = element.querySelector(".roll-width")!;
    this.playhead = element.querySelector(".playhead")!;
    element.setAttribute("aria-label", `Position in ${take.name}`);
    element.setAttribute("aria-valuemin", "0");
    new ResizeObserver(() => this.redraw()).observe(element);
    element.addEventListener("scroll", () => this.redraw());
    element.addEventListener("keydown", (event) => this.handleKey(event));
    this.canvas.addEventListener("click", (event) => this.seekToPointer(event));
    this.canvas.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse" && event.buttons & 1) this.seekToPointer(event);
    });
    this.setStep(0, false);
  }

  setRange(range: PitchRange): void {
    this.range = range;
    this.redraw();
  }

  /** Moves the playhead; with `follow`, scrolls it into view. */
  setStep(step: number, follow: boolean): void {
    this.step = step;
    const x = KEYBOARD_WIDTH + step * this.pixelsPerStep;
    const visibleX = x - this.element.scrollLeft;
    if (follow && (visibleX < KEYBOARD_WIDTH || visibleX > KEYBOARD_WIDTH + 0.9 * this.plotWidth)) {
      this.element.scrollLeft = x - KEYBOARD_WIDTH - 0.15 * this.plotWidth;
    }
    this.playhead.style.transform = `translateX(${x}px)`;
    this.playhead.hidden = x - this.element.scrollLeft < KEYBOARD_WIDTH - 1;
    const { grid } = this.take;
    const total = this.take.rows.length;
    this.element.setAttribute("aria-valuemax", (total / grid.stepsPerUnit).toFixed(1));
    this.element.setAttribute("aria-valuenow", (Math.min(step, total) / grid.stepsPerUnit).toFixed(1));
    this.element.setAttribute("aria-valuetext", `${position(step, grid)} of ${position(total, grid)}`);
  }

  /** Scrolls to the end, where new steps appear. */
  scrollToEnd(): void {
    this.element.scrollLeft = this.element.scrollWidth;
  }

  /** Redraws the roll in the next animation frame. */
  redraw(): void {
    if (this.frameRequest) return;
    this.frameRequest = requestAnimationFrame(() => {
      this.frameRequest = 0;
      this.draw();
    });
  }

  private get plotWidth(): number {
    return Math.max(1, this.element.clientWidth - KEYBOARD_WIDTH);
  }

  private draw(): void {
    const { take, element } = this;
    const fitting = this.plotWidth / Math.max(1, take.expectedSteps);
    this.pixelsPerStep = Math.max(MIN_PIXELS_PER_STEP, Math.min(MAX_PIXELS_PER_STEP, fitting));
    const fullWidth = KEYBOARD_WIDTH + take.expectedSteps * this.pixelsPerStep;
    this.spacer.style.width = fitting < MIN_PIXELS_PER_STEP ? `${Math.ceil(fullWidth)}px` : "0";
    const height = element.clientHeight;
    if (element.clientWidth < 2 * KEYBOARD_WIDTH || height < 2 * AXIS_HEIGHT) return; // hidden
    const context = resizeCanvas(this.canvas, element.clientWidth, height, devicePixelRatio);
    const frame = {
      left: KEYBOARD_WIDTH,
      top: 0,
      width: this.plotWidth,
      height: height - AXIS_HEIGHT,
      firstStep: element.scrollLeft / this.pixelsPerStep,
      pixelsPerStep: this.pixelsPerStep,
      range: this.range,
    };
    drawRoll(context, take.rows, take.primerSteps, frame, take.grid, currentColours());
    this.setStep(this.step, false);
  }

  private seekToPointer(event: MouseEvent): void {
    const x = event.offsetX - KEYBOARD_WIDTH + this.element.scrollLeft;
    this.seek(x / this.pixelsPerStep);
  }

  private handleKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const unit = this.take.grid.stepsPerUnit;
    const moves: Record<string, number> = {
      ArrowLeft: this.step - unit,
      ArrowDown: this.step - unit,
      ArrowRight: this.step + unit,
      ArrowUp: this.step + unit,
      PageDown: this.step - UNITS_PER_PAGE * unit,
      PageUp: this.step + UNITS_PER_PAGE * unit,
      Home: 0,
      End: this.take.rows.length,
    };
    const target = moves[event.key];
    if (target !== undefined) this.seek(target);
    else if (event.key === " ") this.ontoggle();
    else return;
    event.preventDefault();
  }

  private seek(step: number): void {
    this.onseek(Math.max(0, Math.min(step, this.take.rows.length)));
  }
}
