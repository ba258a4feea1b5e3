// Draws a roll again and again on the same canvas: what is there is kept or moved, and only new columns are drawn.
import { drawKeyboard, drawTimeLabels } from "./drawaxes";
import { drawColumns, type Scene } from "./drawroll";
import { AXIS_HEIGHT, type Frame } from "./frame";

/** What a canvas shows. */
export interface Shown {
  key: string; // of everything except the position and the length of the roll
  leftPixel: number; // device pixels between step 0 and the left edge of the plot
  steps: number; // of the roll that are drawn
}

/** Steps [from, to). */
export type Columns = readonly [number, number];

/** How a canvas comes to show `next`: moved by `shift` device pixels, then these columns are drawn. */
export interface Plan {
  shift: number;
  columns: Columns[];
}

/** `pixelsPerStep` and `width`, of the plot, in device pixels. */
export function planColumns(shown: Shown | null, next: Shown, pixelsPerStep: number, width: number): Plan {
  const visible = (from: number, to: number): Columns => [
    Math.max(from, Math.floor(next.leftPixel / pixelsPerStep)),
    Math.min(to, Math.ceil((next.leftPixel + width) / pixelsPerStep)),
  ];
  const shift = shown ? shown.leftPixel - next.leftPixel : 0;
  if (!shown || shown.key !== next.key || shown.steps > next.steps || Math.abs(shift) >= width) {
    return { shift: 0, columns: [visible(0, Infinity)] };
  }
  const columns: Columns[] = [];
  const left = next.leftPixel / pixelsPerStep;
  if (shift > 0) columns.push(visible(left, left + shift / pixelsPerStep));
  if (shift < 0) columns.push(visible(left + (width + shift) / pixelsPerStep, Infinity));
  // The last column is drawn again: only now it is known whether its notes continue.
  if (next.steps > shown.steps) columns.push(visible(shown.steps - 1, next.steps));
  return {
    shift,
    columns: columns.map(([from, to]) => [Math.floor(from), Math.ceil(to)] as const).filter(([from, to]) => from < to),
  };
}

export class RollPainter {
  private shown: Shown | null = null;

  /** Makes the canvas show this scene; returns how many notes were drawn. `ratio`: device pixels per CSS pixel. */
  paint(context: CanvasRenderingContext2D, scene: Scene, ratio: number): number {
    const { frame, roll } = scene;
    const next: Shown = {
      key: sceneKey(scene, ratio),
      leftPixel: Math.round(frame.firstStep * frame.pixelsPerStep * ratio),
      steps: roll.length,
    };
    const { shift, columns } = planColumns(this.shown, next, frame.pixelsPerStep * ratio, frame.width * ratio);
    const isNew = this.shown?.key !== next.key;
    const isMoved = isNew || this.shown?.leftPixel !== next.leftPixel;
    this.shown = next;
    if (shift) move(context, frame, shift, ratio);
    const aligned = { ...scene, frame: { ...frame, firstStep: next.leftPixel / ratio / frame.pixelsPerStep } };
    let notes = 0;
    for (const [from, to] of columns) notes += drawColumns(context, aligned, from, to, ratio);
    if (isNew) {
      context.clearRect(0, frame.top, frame.left, frame.height);
      drawKeyboard(context, frame, scene.colours);
    }
    if (isMoved) context.clearRect(0, frame.top + frame.height, frame.left + frame.width, AXIS_HEIGHT);
    if (isMoved) drawTimeLabels(context, aligned.frame, scene.grid, scene.colours);
    return notes;
  }
}

function sceneKey({ frame, primerSteps, filled, bars, colours, revision }: Scene, ratio: number): string {
  const { firstStep: _, ...place } = frame;
  return JSON.stringify([place, primerSteps, filled, bars, colours.paper, revision, ratio]);
}

/** Moves the plot by device pixels. */
function move(context: CanvasRenderingContext2D, frame: Frame, shift: number, ratio: number): void {
  const [left, width, height] = [frame.left, frame.width, frame.height].map((value) => Math.round(value * ratio));
  const kept = width! - Math.abs(shift);
  const from = left! + Math.max(0, -shift);
  const to = left! + Math.max(0, shift);
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(context.canvas, from, 0, kept, height!, to, 0, kept, height!);
  context.restore();
}
