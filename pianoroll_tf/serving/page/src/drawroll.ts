// Draws a piano-roll on any canvas, of the document or of a PNG file: grid, keyboard, notes and time axis.
import { type Bars, barOf, barStart } from "./bars";
import { type Grid, position, tickSpacing } from "./grid";
import { isBlackKey, noteName, type PitchRange, type Roll, rollToNotes } from "./roll";

export interface Colours {
  paper: string;
  stripe: string; // rows of black keys
  line: string;
  barLine: string;
  text: string;
  whiteKey: string;
  blackKey: string;
  primer: string;
  generated: string;
  filled: string;
}

/** Which part of a roll is drawn, and where on the canvas, in CSS pixels. */
export interface Frame {
  left: number; // left edge of the plot; the keyboard is drawn to the left of it
  top: number;
  width: number; // of the plot, without the keyboard
  height: number; // of the plot, without the time axis
  firstStep: number; // at the left edge; may be fractional
  pixelsPerStep: number;
  range: PitchRange;
}

/** A roll and how it is drawn. The first `primerSteps` steps are the primer; `filled`: steps [start, end) that the model filled. */
export interface Scene {
  roll: Roll;
  primerSteps: number;
  filled?: readonly [number, number] | null;
  frame: Frame;
  grid: Grid;
  bars?: Bars | null;
  colours: Colours;
  /** Another number if the roll is another one; the same if it has only become longer. */
  revision?: number;
}

export const KEYBOARD_WIDTH = 44;
export const AXIS_HEIGHT = 22;
const KEY_WIDTH = 12;
const FONT = "11px system-ui, sans-serif";
const MIN_BAR_PIXELS = 34; // between bar lines; a roll that is drawn smaller has a line every 2, 4, 8, … bars

/** Draws everything. The first `primerSteps` steps of `roll` are the primer. */
export function drawRoll(
  context: CanvasRenderingContext2D,
  roll: Roll,
  primerSteps: number,
  frame: Frame,
  grid: Grid,
  colours: Colours,
): void {
  drawScene(context, { roll, primerSteps, frame, grid, colours });
}

/** Draws everything, for a canvas that is drawn once. */
export function drawScene(context: CanvasRenderingContext2D, scene: Scene): void {
  const { frame, grid, colours } = scene;
  const first = Math.max(0, Math.floor(frame.firstStep));
  drawColumns(context, scene, first, Math.ceil(frame.firstStep + frame.width / frame.pixelsPerStep), 1);
  drawKeyboard(context, frame, colours);
  drawTimeLabels(context, frame, grid, colours);
}

/** Draws the steps [from, to), and nothing beside them. `ratio`: device pixels per CSS pixel, to whose edges it keeps. */
export function drawColumns(
  context: CanvasRenderingContext2D,
  scene: Scene,
  from: number,
  to: number,
  ratio: number,
): void {
  const { roll, primerSteps, filled, frame, grid, colours } = scene;
  const left = Math.max(frame.left, Math.floor(stepX(from, frame) * ratio) / ratio);
  const right = Math.min(frame.left + frame.width, Math.ceil(stepX(to, frame) * ratio) / ratio);
  if (right <= left) return;
  context.save();
  context.beginPath();
  context.rect(left, frame.top, right - left, frame.height);
  context.clip();
  drawPitchRows(context, left, right - left, frame, colours);
  drawTicks(context, frame, grid, colours, left, right);
  if (scene.bars) drawBars(context, scene.bars, frame, colours, left, right);
  // Notes that continue beyond the columns are cut by the clipping, not drawn with round ends there.
  const [first, end] = [Math.max(0, from - 1), Math.min(roll.length, to + 1)];
  const [fillStart, fillEnd] = filled ?? [roll.length, roll.length];
  const part = (start: number, stop: number, colour: string) => {
    if (Math.max(first, start) < Math.min(end, stop)) {
      drawNotes(context, roll, Math.max(first, start), Math.min(end, stop), frame, colour);
    }
  };
  part(0, Math.min(primerSteps, fillStart), colours.primer);
  part(primerSteps, fillStart, colours.generated);
  part(fillStart, fillEnd, colours.filled);
  part(fillEnd, primerSteps, colours.primer);
  part(Math.max(fillEnd, primerSteps), roll.length, colours.generated);
  if (primerSteps) drawSeam(context, primerSteps, frame, colours);
  if (filled) drawFilled(context, filled, frame, colours);
  context.restore();
}

function rowHeight(frame: Frame): number {
  return frame.height / (frame.range.high - frame.range.low + 1);
}

function rowTop(pitch: number, frame: Frame): number {
  return frame.top + (frame.range.high - pitch) * rowHeight(frame);
}

function stepX(step: number, frame: Frame): number {
  return frame.left + (step - frame.firstStep) * frame.pixelsPerStep;
}

function drawPitchRows(
  context: CanvasRenderingContext2D,
  left: number,
  width: number,
  frame: Frame,
  colours: Colours,
): void {
  context.fillStyle = colours.paper;
  context.fillRect(left, frame.top, width, frame.height);
  for (let pitch = frame.range.low; pitch <= frame.range.high; pitch++) {
    if (isBlackKey(pitch)) {
      context.fillStyle = colours.stripe;
      context.fillRect(left, rowTop(pitch, frame), width, rowHeight(frame));
    }
    if (pitch % 12 === 0) {
      context.fillStyle = colours.line;
      context.fillRect(left, Math.round(rowTop(pitch, frame) + rowHeight(frame)) - 1, width, 1);
    }
  }
}

/** The positions of the time axis's ticks, in steps. */
function tickSteps(frame: Frame, grid: Grid): number[] {
  const spacing = tickSpacing(frame.pixelsPerStep * grid.stepsPerUnit) * grid.stepsPerUnit;
  const steps: number[] = [];
  const end = frame.firstStep + frame.width / frame.pixelsPerStep;
  for (let step = Math.ceil(frame.firstStep / spacing) * spacing; step <= end; step += spacing) steps.push(step);
  return steps;
}

function drawTicks(
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

/** Bar lines with the numbers of the bars, between these edges. */
function drawBars(
  context: CanvasRenderingContext2D,
  bars: Bars,
  frame: Frame,
  colours: Colours,
  left: number,
  right: number,
): void {
  let spacing = 1;
  while (spacing * bars.stepsPerBar * frame.pixelsPerStep < MIN_BAR_PIXELS) spacing *= 2;
  context.font = FONT;
  context.textAlign = "left";
  context.textBaseline = "top";
  const margin = 30; // a number begins at its line and may reach into the columns after it
  const step = (x: number) => frame.firstStep + (x - frame.left) / frame.pixelsPerStep;
  const first = Math.floor((barOf(bars, Math.max(0, step(left - margin))) - 1) / spacing) * spacing + 1;
  for (let bar = first; stepX(barStart(bars, bar), frame) <= right; bar += spacing) {
    const x = Math.round(stepX(barStart(bars, bar), frame));
    context.fillStyle = colours.barLine;
    if (barStart(bars, bar) > 0) context.fillRect(x, frame.top, 1, frame.height);
    context.fillStyle = colours.text;
    context.fillText(String(bar), x + 4, frame.top + 3);
  }
}

function drawNotes(
  context: CanvasRenderingContext2D,
  roll: Roll,
  from: number,
  to: number,
  frame: Frame,
  colour: string,
): void {
  const height = rowHeight(frame);
  const bar = Math.max(1.5, height * 0.88);
  const gap = Math.min(1.5, frame.pixelsPerStep * 0.3); // between repeated notes of the same pitch
  context.fillStyle = colour;
  context.beginPath();
  for (const { pitch, start, end } of rollToNotes(roll, from, to)) {
    if (pitch < frame.range.low || pitch > frame.range.high) continue;
    const width = Math.max(1, (end - start) * frame.pixelsPerStep - gap);
    const top = rowTop(pitch, frame) + (height - bar) / 2;
    context.roundRect(stepX(start, frame), top, width, bar, Math.min(2, bar / 2, width / 2));
  }
  context.fill();
}

/** Marks the steps that the model filled: lines at both ends and a bar on top, so that colour alone does not tell it. */
function drawFilled(
  context: CanvasRenderingContext2D,
  [start, end]: readonly [number, number],
  frame: Frame,
  colours: Colours,
): void {
  context.fillStyle = colours.filled;
  const [left, right] = [Math.round(stepX(start, frame)), Math.round(stepX(end, frame))];
  context.fillRect(left, frame.top, right - left, 3);
  context.fillRect(left, frame.top, 1, frame.height);
  context.fillRect(right - 1, frame.top, 1, frame.height);
}

/** A dashed line between the primer and the generated music. */
function drawSeam(context: CanvasRenderingContext2D, step: number, frame: Frame, colours: Colours): void {
  context.fillStyle = colours.text;
  const x = Math.round(stepX(step, frame));
  for (let y = frame.top; y < frame.top + frame.height; y += 7) context.fillRect(x, y, 1, 4);
}

export function drawKeyboard(context: CanvasRenderingContext2D, frame: Frame, colours: Colours): void {
  const left = frame.left - KEY_WIDTH;
  const height = rowHeight(frame);
  context.fillStyle = colours.whiteKey;
  context.fillRect(left, frame.top, KEY_WIDTH, frame.height);
  context.fillStyle = colours.line;
  context.fillRect(left - 1, frame.top, 1, frame.height);
  context.fillRect(frame.left - 1, frame.top, 1, frame.height);
  context.font = FONT;
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
  context.font = FONT;
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

/** Resizes a canvas (CSS pixels) so that it is sharp on the screen; returns a context that draws in CSS pixels. */
export function resizeCanvas(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
  pixelRatio: number,
): CanvasRenderingContext2D {
  canvas.width = Math.round(width * pixelRatio);
  canvas.height = Math.round(height * pixelRatio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d")!;
  context.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
  return context;
}
