// Draws a piano-roll on any canvas, of the document or of a PNG file: grid, keyboard, notes and time axis.
import { type Grid, position, tickSpacing } from "./grid";
import { drawSeam } from "./seam";
import { isBlackKey, noteName, type PitchRange, type Roll, rollToNotes } from "./roll";

export interface Colours {
  paper: string;
  stripe: string; // rows of black keys
  line: string;
  text: string;
  whiteKey: string;
  blackKey: string;
  primer: string;
  generated: string;
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

export const KEYBOARD_WIDTH = 44;
export const AXIS_HEIGHT = 22;
const KEY_WIDTH = 12;
const FONT = "11px system-ui, sans-serif";

/** Draws everything. The first `primerSteps` steps of `roll` are the primer. */
export function drawRoll(
  context: CanvasRenderingContext2D,
  roll: Roll,
  primerSteps: number,
  frame: Frame,
  grid: Grid,
  colours: Colours,
): void {
  context.save();
  context.beginPath();
  context.rect(frame.left, frame.top, frame.width, frame.height);
  context.clip();
  drawPitchRows(context, frame, colours);
  drawTicks(context, frame, grid, colours);
  const first = Math.max(0, Math.floor(frame.firstStep));
  const end = Math.min(roll.length, Math.ceil(frame.firstStep + frame.width / frame.pixelsPerStep));
  const primerEnd = Math.max(first, Math.min(end, primerSteps));
  drawNotes(context, roll, first, primerEnd, frame, colours.primer);
  drawNotes(context, roll, primerEnd, end, frame, colours.generated);
  if (primerSteps) drawSeam(context, stepX(primerSteps, frame), frame, colours);
  context.restore();
  drawKeyboard(context, frame, colours);
  drawTimeLabels(context, frame, grid, colours);
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

function drawPitchRows(context: CanvasRenderingContext2D, frame: Frame, colours: Colours): void {
  context.fillStyle = colours.paper;
  context.fillRect(frame.left, frame.top, frame.width, frame.height);
  for (let pitch = frame.range.low; pitch <= frame.range.high; pitch++) {
    if (isBlackKey(pitch)) {
      context.fillStyle = colours.stripe;
      context.fillRect(frame.left, rowTop(pitch, frame), frame.width, rowHeight(frame));
    }
    if (pitch % 12 === 0) {
      context.fillStyle = colours.line;
      context.fillRect(frame.left, Math.round(rowTop(pitch, frame) + rowHeight(frame)) - 1, frame.width, 1);
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

function drawTicks(context: CanvasRenderingContext2D, frame: Frame, grid: Grid, colours: Colours): void {
  context.fillStyle = colours.line;
  for (const step of tickSteps(frame, grid)) {
    context.fillRect(Math.round(stepX(step, frame)), frame.top, 1, frame.height);
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

function drawKeyboard(context: CanvasRenderingContext2D, frame: Frame, colours: Colours): void {
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

function drawTimeLabels(context: CanvasRenderingContext2D, frame: Frame, grid: Grid, colours: Colours): void {
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
