// The piano-roll of a take on the page: a slider whose value is the playhead, drawn on a canvas, scrolling when it is long.
import { sized } from "./canvas";
import { currentColours } from "./colours";
import { AXIS_HEIGHT, drawRoll, KEYBOARD_WIDTH } from "./draw";
import { position } from "./grid";
import type { PitchRange } from "./roll";
import type { Take } from "./take";

const LEAST_PIXELS_A_STEP = 1; // below that it scrolls
const MOST_PIXELS_A_STEP = 14;
const BIG_STEP = 10; // units of the time axis, for Page Up and Page Down

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
  private drawing = 0;

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
    element.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("click", (event) => this.point(event));
    this.canvas.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse" && event.buttons & 1) this.point(event);
    });
    this.setStep(0, false);
  }

  setRange(range: PitchRange): void {
    this.range = range;
    this.redraw();
  }

  /** Moves the playhead; with `follow`, scrolls so that it is seen. */
  setStep(step: number, follow: boolean): void {
    this.step = step;
    const x = KEYBOARD_WIDTH + step * this.pixelsPerStep;
    const seen = x - this.element.scrollLeft;
    if (follow && (seen < KEYBOARD_WIDTH || seen > KEYBOARD_WIDTH + 0.9 * this.plotWidth)) {
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

  /** Shows the end, where music without end grows. */
  showEnd(): void {
    this.element.scrollLeft = this.element.scrollWidth;
  }

  /** Draws with the next frame. */
  redraw(): void {
    if (this.drawing) return;
    this.drawing = requestAnimationFrame(() => {
      this.drawing = 0;
      this.draw();
    });
  }

  private get plotWidth(): number {
    return Math.max(1, this.element.clientWidth - KEYBOARD_WIDTH);
  }

  private draw(): void {
    const { take, element } = this;
    const fit = this.plotWidth / Math.max(1, take.expected);
    this.pixelsPerStep = Math.max(LEAST_PIXELS_A_STEP, Math.min(MOST_PIXELS_A_STEP, fit));
    const needed = KEYBOARD_WIDTH + take.expected * this.pixelsPerStep;
    this.spacer.style.width = fit < LEAST_PIXELS_A_STEP ? `${Math.ceil(needed)}px` : "0";
    const height = element.clientHeight;
    if (element.clientWidth < 2 * KEYBOARD_WIDTH || height < 2 * AXIS_HEIGHT) return; // not shown
    const context = sized(this.canvas, element.clientWidth, height, devicePixelRatio);
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

  private point(event: MouseEvent): void {
    const x = event.offsetX - KEYBOARD_WIDTH + this.element.scrollLeft;
    this.seek(x / this.pixelsPerStep);
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const unit = this.take.grid.stepsPerUnit;
    const moves: Record<string, number> = {
      ArrowLeft: this.step - unit,
      ArrowDown: this.step - unit,
      ArrowRight: this.step + unit,
      ArrowUp: this.step + unit,
      PageDown: this.step - BIG_STEP * unit,
      PageUp: this.step + BIG_STEP * unit,
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
