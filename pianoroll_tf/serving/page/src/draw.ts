// Draws a piano-roll on a canvas: grid, keyboard, notes, time axis. Knows no page, so that a picture is drawn by it too.
import { type Grid, position, tickDistance } from "./grid";
import { isBlackKey, noteName, notes, type PitchRange, type Roll } from "./roll";

export interface Colours {
  paper: string;
  stripe: string; // rows of black keys
  line: string;
  text: string;
  whiteKey: string;
  blackKey: string;
  primer: string;
  music: string;
}

/** Where on the canvas a roll lies, in CSS pixels, and which part of it. */
export interface Frame {
  left: number; // where the plot begins; the keyboard stands before it
  top: number;
  width: number; // of the plot
  height: number;
  firstStep: number; // at the left edge, a fraction
  pixelsPerStep: number;
  range: PitchRange;
}

export const KEYBOARD_WIDTH = 44;
export const AXIS_HEIGHT = 22;
const KEY_WIDTH = 12;
const FONT = "11px system-ui, sans-serif";

/** All of it. `roll` begins with `primerSteps` of primer. */
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
  drawRows(context, frame, colours);
  drawTicks(context, frame, grid, colours);
  const first = Math.max(0, Math.floor(frame.firstStep));
  const end = Math.min(roll.length, Math.ceil(frame.firstStep + frame.width / frame.pixelsPerStep));
  const border = Math.max(first, Math.min(end, primerSteps));
  drawNotes(context, roll, first, border, frame, colours.primer);
  drawNotes(context, roll, border, end, frame, colours.music);
  if (primerSteps) drawBorder(context, primerSteps, frame, colours);
  context.restore();
  drawKeyboard(context, frame, colours);
  drawTimes(context, frame, grid, colours);
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

function drawRows(context: CanvasRenderingContext2D, frame: Frame, colours: Colours): void {
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

/** The places of the time axis's marks: steps. */
function ticks(frame: Frame, grid: Grid): number[] {
  const distance = tickDistance(frame.pixelsPerStep * grid.stepsPerUnit) * grid.stepsPerUnit;
  const found: number[] = [];
  const end = frame.firstStep + frame.width / frame.pixelsPerStep;
  for (let step = Math.ceil(frame.firstStep / distance) * distance; step <= end; step += distance) found.push(step);
  return found;
}

function drawTicks(context: CanvasRenderingContext2D, frame: Frame, grid: Grid, colours: Colours): void {
  context.fillStyle = colours.line;
  for (const step of ticks(frame, grid)) {
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
  const gap = Math.min(1.5, frame.pixelsPerStep * 0.3); // between a note and the same pitch struck again
  context.fillStyle = colour;
  context.beginPath();
  for (const { pitch, start, end } of notes(roll, from, to)) {
    if (pitch < frame.range.low || pitch > frame.range.high) continue;
    const width = Math.max(1, (end - start) * frame.pixelsPerStep - gap);
    const top = rowTop(pitch, frame) + (height - bar) / 2;
    context.roundRect(stepX(start, frame), top, width, bar, Math.min(2, bar / 2, width / 2));
  }
  context.fill();
}

function drawBorder(context: CanvasRenderingContext2D, step: number, frame: Frame, colours: Colours): void {
  context.fillStyle = colours.text;
  const x = Math.round(stepX(step, frame));
  for (let y = frame.top; y < frame.top + frame.height; y += 7) context.fillRect(x, y, 1, 4);
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

function drawTimes(context: CanvasRenderingContext2D, frame: Frame, grid: Grid, colours: Colours): void {
  context.fillStyle = colours.text;
  context.font = FONT;
  context.textBaseline = "top";
  const right = frame.left + frame.width;
  const shown = ticks(frame, grid).filter((step) => stepX(step, frame) < right - 1);
  for (const step of shown) {
    const x = stepX(step, frame);
    // "beats" is long: where all labels had it, they would touch on a phone
    const unit = grid.unit === "seconds" ? " s" : step === shown.at(-1) ? " beats" : "";
    const minutes = grid.unit === "seconds" && step >= 60 * grid.stepsPerUnit;
    const words = minutes ? position(step, grid).replace(/\.0$/, "") : `${step / grid.stepsPerUnit}${unit}`;
    const half = context.measureText(words).width / 2;
    context.textAlign = "left";
    const left = Math.max(frame.left, Math.min(x - half, right - 2 * half));
    context.fillText(words, left, frame.top + frame.height + 6);
  }
}
