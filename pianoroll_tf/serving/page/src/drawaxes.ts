// Draws what is around the notes of a piano-roll: the time axis, bar lines with their numbers, and the keyboard.
import { type Bars, barOf, barStart } from "./bars";
import { type Colours, type Frame, rowHeight, rowTop, stepX } from "./frame";
import { type Grid, position, tickSpacing } from "./grid";
import { isBlackKey, noteName } from "./roll";

const KEY_WIDTH = 12;
const MIN_BAR_PIXELS = 34; // between bar lines; a roll that is drawn smaller has a line every 2, 4, 8, … bars
const DIGIT_WIDTH = 7;
const NUMBER_WIDTH = 30; // of the number of a bar, which begins at its line and may reach into the columns after it

/** The positions of the time axis's ticks, in steps. */
function tickSteps(frame: Frame, grid: Grid): number[] {
  const spacing = tickSpacing(frame.pixelsPerStep * grid.stepsPerUnit) * grid.stepsPerUnit;
  const steps: number[] = [];
  const end = frame.firstStep + frame.width / frame.pixelsPerStep;
  for (let step = Math.ceil(frame.firstStep / spacing) * spacing; step <= end; step += spacing) steps.push(step);
  return steps;
}

export function drawTicks(
  context: CanvasRenderingContext2D,
  frame: Frame,
  grid: Grid,
  colours: Colours,
  left: number,
  right: number,
): void {
  context.fillStyle = colours.line;
  for (const step of tickSteps(frame, grid)) {
    const x = Math.round(stepX(step, frame));
    if (x >= left - 1 && x <= right) context.fillRect(x, frame.top, 1, frame.height);
  }
}

/** The bars that have a line and a number between these edges, with the positions of their lines. */
export function* shownBars(bars: Bars, frame: Frame, left: number, right: number): Generator<[number, number]> {
  let spacing = 1;
  while (spacing * bars.stepsPerBar * frame.pixelsPerStep < MIN_BAR_PIXELS) spacing *= 2;
  const step = frame.firstStep + (left - NUMBER_WIDTH - frame.left) / frame.pixelsPerStep;
  const first = Math.floor((barOf(bars, Math.max(0, step)) - 1) / spacing) * spacing + 1;
  for (let bar = first; ; bar += spacing) {
    const x = Math.round(stepX(barStart(bars, bar), frame));
    if (x > right) return;
    yield [bar, x];
  }
}

export function drawBarLines(
  context: CanvasRenderingContext2D,
  frame: Frame,
  colours: Colours,
  shown: [number, number][],
): void {
  context.fillStyle = colours.barLine;
  for (const [bar, x] of shown) if (bar > 1) context.fillRect(x, frame.top, 1, frame.height);
}

/** The numbers of bars, on paper of their own, so that notes behind them do not make them hard to read. */
export function drawBarNumbers(
  context: CanvasRenderingContext2D,
  frame: Frame,
  colours: Colours,
  shown: [number, number][],
): void {
  context.textAlign = "left";
  context.textBaseline = "top";
  for (const [bar, x] of shown) {
    const label = String(bar);
    context.fillStyle = colours.paper;
    context.fillRect(x + 2, frame.top + 3, DIGIT_WIDTH * label.length + 4, 13);
    context.fillStyle = colours.text;
    context.fillText(label, x + 4, frame.top + 4);
  }
}

export function drawKeyboard(context: CanvasRenderingContext2D, frame: Frame, colours: Colours): void {
  const left = frame.left - KEY_WIDTH;
  const height = rowHeight(frame);
  context.fillStyle = colours.whiteKey;
  context.fillRect(left, frame.top, KEY_WIDTH, frame.height);
  context.fillStyle = colours.line;
  context.fillRect(left - 1, frame.top, 1, frame.height);
  context.fillRect(frame.left - 1, frame.top, 1, frame.height);
  context.textAlign = "right";
  context.textBaseline = "alphabetic";
  for (let pitch = frame.range.low; pitch <= frame.range.high; pitch++) {
    const top = rowTop(pitch, frame);
    context.fillStyle = colours.blackKey;
    if (isBlackKey(pitch)) context.fillRect(left, top, KEY_WIDTH * 0.6, height);
    else if (pitch % 12 === 0 || pitch % 12 === 5) context.fillRect(left, Math.round(top + height) - 1, KEY_WIDTH - 1, 0.5);
    context.fillStyle = colours.text;
    if (pitch % 12 === 0) context.fillText(noteName(pitch), left - 5, Math.min(top + height, frame.top + frame.height - 1));
  }
}

export function drawTimeLabels(
  context: CanvasRenderingContext2D,
  frame: Frame,
  grid: Grid,
  colours: Colours,
): void {
  context.fillStyle = colours.text;
  context.textBaseline = "top";
  const right = frame.left + frame.width;
  const shown = tickSteps(frame, grid).filter((step) => stepX(step, frame) < right - 1);
  for (const step of shown) {
    const x = stepX(step, frame);
    // Only the last label says "beats": with it in every label, they would overlap on a phone.
    const unit = grid.unit === "seconds" ? " s" : step === shown.at(-1) ? " beats" : "";
    const minutes = grid.unit === "seconds" && step >= 60 * grid.stepsPerUnit;
    const label = minutes ? position(step, grid).replace(/\.0$/, "") : `${step / grid.stepsPerUnit}${unit}`;
    const half = context.measureText(label).width / 2;
    context.textAlign = "left";
    const left = Math.max(frame.left, Math.min(x - half, right - 2 * half));
    context.fillText(label, left, frame.top + frame.height + 6);
  }
}
