// The piano-roll of a take in the document: a slider whose value is the playhead; a long roll scrolls.
import { BarSelection } from "./barselection";
import { currentColours } from "./colours";
import { AXIS_HEIGHT, KEYBOARD_WIDTH, resizeCanvas } from "./drawroll";
import { position } from "./grid";
import type { PitchRange } from "./roll";
import { RollPainter } from "./rollpainter";
import type { Take } from "./take";

const MIN_PIXELS_PER_STEP = 1; // a roll that would need less scrolls
const MAX_PIXELS_PER_STEP = 14;
const MIN_OPEN_STEPS = 128; // for which there is room in music without a known length
const UNITS_PER_PAGE = 10; // of the time axis, for Page Up and Page Down

export class RollView {
  /** The user moved the playhead. */
  onseek: (step: number) => void = () => undefined;
  /** The user pressed the space bar. */
  ontoggle: () => void = () => undefined;
  readonly bars: BarSelection;

  private readonly canvas: HTMLCanvasElement;
  private readonly spacer: HTMLElement;
  private readonly playhead: HTMLElement;
  private range: PitchRange = { low: 48, high: 83 };
  private step = 0;
  private pixelsPerStep = 1;
  private frameRequest = 0;
  private painter = new RollPainter();
  private context: CanvasRenderingContext2D | null = null;
  private size = "";

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
    this.bars = new BarSelection(element, this.canvas, take, () => this.pixelsPerStep);
    this.canvas.addEventListener("click", (event) => {
      if (!this.bars.endDrag()) this.seek(this.bars.pointerStep(event));
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
    const x = step * this.pixelsPerStep;
    const visibleX = x - this.element.scrollLeft;
    if (follow && (visibleX < 0 || visibleX > 0.9 * this.plotWidth)) {
      this.element.scrollLeft = x - 0.15 * this.plotWidth;
    }
    this.placePlayhead(this.element.scrollLeft);
  }

  private placePlayhead(scrollLeft: number): void {
    const { step } = this;
    const x = step * this.pixelsPerStep;
    this.playhead.style.transform = `translateX(${KEYBOARD_WIDTH + x}px)`;
    this.playhead.hidden = x < scrollLeft - 1;
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
    const { clientWidth, clientHeight: height, scrollLeft } = element;
    const fitting = Math.max(1, clientWidth - KEYBOARD_WIDTH) / Math.max(1, this.plannedSteps);
    this.pixelsPerStep = Math.max(MIN_PIXELS_PER_STEP, Math.min(MAX_PIXELS_PER_STEP, fitting));
    const fullWidth = KEYBOARD_WIDTH + take.expectedSteps * this.pixelsPerStep;
    const spacerWidth = fitting < MIN_PIXELS_PER_STEP ? `${Math.ceil(fullWidth)}px` : "0";
    if (this.spacer.style.width !== spacerWidth) this.spacer.style.width = spacerWidth;
    if (clientWidth < 2 * KEYBOARD_WIDTH || height < 2 * AXIS_HEIGHT) return; // hidden
    const size = `${clientWidth} ${height} ${devicePixelRatio}`;
    if (size !== this.size || !this.context) {
      this.context = resizeCanvas(this.canvas, clientWidth, height, devicePixelRatio);
      this.painter = new RollPainter(); // resizing clears the canvas
      this.size = size;
    }
    const frame = {
      left: KEYBOARD_WIDTH,
      top: 0,
      width: clientWidth - KEYBOARD_WIDTH,
      height: height - AXIS_HEIGHT,
      firstStep: scrollLeft / this.pixelsPerStep,
      pixelsPerStep: this.pixelsPerStep,
      range: this.range,
    };
    const { rows: roll, primerSteps, filled, grid, bars, revision } = take;
    const scene = { roll, primerSteps, filled, frame, grid, bars, revision, colours: currentColours() };
    this.painter.paint(this.context, scene, devicePixelRatio);
    // Both are told what was read above: to read it again would compute the layout of the whole page
    this.bars.place(scrollLeft);
    this.placePlayhead(scrollLeft);
  }

  /** The number of steps for which there is room; of music without a known length a power of two, so that it rarely changes. */
  private get plannedSteps(): number {
    const { take } = this;
    const isOpen = !take.complete && take.settings.steps <= 0;
    return isOpen ? 2 ** Math.ceil(Math.log2(Math.max(MIN_OPEN_STEPS, take.rows.length))) : take.expectedSteps;
  }

  private handleKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.bars.handleKey(event, this.step)) return event.preventDefault();
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
