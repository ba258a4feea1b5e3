// Draws a piano-roll on any canvas, of the document or of a PNG file.
import type { Bars } from "./bars";
import { drawBarLines, drawBarNumbers, drawKeyboard, drawTicks, drawTimeLabels, shownBars } from "./drawaxes";
import { type Colours, type Frame, rowHeight, rowTop, stepX } from "./frame";
import type { Grid } from "./grid";
import { forEachNote, isBlackKey, type Roll } from "./roll";
import { drawSeam } from "./seam";

export { AXIS_HEIGHT, type Colours, type Frame, KEYBOARD_WIDTH } from "./frame";

/** A roll and how it is drawn. The first `primerSteps` steps are the primer; the model filled the steps `filled`, [start, end). */
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

const FONT = "11px system-ui, sans-serif";
const MIN_ROUNDED_PIXELS = 5; // height of a note
const MIN_ROUNDED_STEP = 2; // width of a step in pixels

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

/**
 * Draws the steps [from, to), and nothing beside them; returns the number of notes drawn.
 * `ratio`: device pixels per CSS pixel, to whose edges it keeps.
 */
export function drawColumns(
  context: CanvasRenderingContext2D,
  scene: Scene,
  from: number,
  to: number,
  ratio: number,
): number {
  const { roll, primerSteps, filled, frame, grid, colours } = scene;
  const left = Math.max(frame.left, Math.floor(stepX(from, frame) * ratio) / ratio);
  const right = Math.min(frame.left + frame.width, Math.ceil(stepX(to, frame) * ratio) / ratio);
  if (right <= left) return 0;
  let notes = 0;
  context.save();
  context.beginPath();
  context.rect(left, frame.top, right - left, frame.height);
  context.clip();
  drawPitchRows(context, left, right - left, frame, colours);
  drawTicks(context, frame, grid, colours, left, right);
  const shown = scene.bars ? [...shownBars(scene.bars, frame, left, right)] : [];
  drawBarLines(context, frame, colours, shown);
  // Notes that continue beyond the columns are cut by the clipping, not drawn with round ends there.
  const [first, end] = [Math.max(0, from - 1), Math.min(roll.length, to + 1)];
  const [fillStart, fillEnd] = filled ?? [roll.length, roll.length];
  const part = (start: number, stop: number, colour: string) => {
    if (Math.max(first, start) < Math.min(end, stop)) {
      notes += drawNotes(context, roll, Math.max(first, start), Math.min(end, stop), frame, colour, ratio);
    }
  };
  part(0, Math.min(primerSteps, fillStart), colours.primer);
  part(primerSteps, fillStart, colours.generated);
  part(fillStart, fillEnd, colours.filled);
  part(fillEnd, primerSteps, colours.primer);
  part(Math.max(fillEnd, primerSteps), roll.length, colours.generated);
  if (primerSteps) drawSeam(context, stepX(primerSteps, frame), frame, colours);
  if (filled) drawFilled(context, filled, frame, colours);
  drawBarNumbers(context, frame, colours, shown);
  context.restore();
  return notes;
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

/** Draws the notes from step `from` to before step `to`, on whole device pixels; returns their number. */
function drawNotes(
  context: CanvasRenderingContext2D,
  roll: Roll,
  from: number,
  to: number,
  frame: Frame,
  colour: string,
  ratio: number,
): number {
  const height = rowHeight(frame);
  const bar = Math.max(1.5, height * 0.88);
  const gap = Math.min(1.5, frame.pixelsPerStep * 0.3); // between repeated notes of the same pitch
  const isRounded = bar >= MIN_ROUNDED_PIXELS && frame.pixelsPerStep >= MIN_ROUNDED_STEP; // smaller corners cannot be seen, and take most of the time
  let count = 0;
  context.fillStyle = colour;
  context.beginPath();
  forEachNote(roll, from, to, (pitch, start, end) => {
    if (pitch < frame.range.low || pitch > frame.range.high) return;
    count++;
    const left = Math.round(stepX(start, frame) * ratio) / ratio;
    const width = Math.max(1, Math.round((end - start) * frame.pixelsPerStep * ratio - gap * ratio) / ratio);
    const top = rowTop(pitch, frame) + (height - bar) / 2;
    if (isRounded) context.roundRect(left, top, width, bar, Math.min(2, width / 2));
    else context.fillRect(left, Math.round(top * ratio) / ratio, width, Math.round(bar * ratio) / ratio);
  });
  if (isRounded) context.fill();
  return count;
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
  context.font = FONT; // once, not in each frame: the browser computes the styles of the page for it
  return context;
}
