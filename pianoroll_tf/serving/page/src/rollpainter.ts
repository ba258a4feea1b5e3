// Draws a roll again and again on the same canvas: of a roll that has only become longer, only the new columns.
import { drawKeyboard, drawTimeLabels } from "./drawaxes";
import { drawColumns, type Scene } from "./drawroll";
import { AXIS_HEIGHT } from "./frame";

/** What a canvas shows. */
export interface Shown {
  key: string; // of everything except the position and the length of the roll
  leftPixel: number; // device pixels between step 0 and the left edge of the plot
  steps: number; // of the roll that are drawn
}

/** Steps [from, to). */
export type Columns = readonly [number, number];

/**
 * The columns to draw so that a canvas shows `next`; null: none. `pixelsPerStep` and `width`, of the plot, in device pixels.
 * A roll that was scrolled is drawn anew: without a GPU, to move what a canvas shows takes longer than to draw it.
 */
export function planColumns(shown: Shown | null, next: Shown, pixelsPerStep: number, width: number): Columns | null {
  const isNew = shown?.key !== next.key || shown.leftPixel !== next.leftPixel || shown.steps > next.steps;
  if (!isNew && shown.steps === next.steps) return null;
  // The last column is drawn again: only now it is known whether its notes continue.
  const from = Math.max(isNew ? 0 : shown.steps - 1, Math.floor(next.leftPixel / pixelsPerStep));
  const to = Math.min(isNew ? Infinity : next.steps, Math.ceil((next.leftPixel + width) / pixelsPerStep));
  return from < to ? [from, to] : null;
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
    const columns = planColumns(this.shown, next, frame.pixelsPerStep * ratio, frame.width * ratio);
    const isNew = this.shown?.key !== next.key;
    const isMoved = isNew || this.shown?.leftPixel !== next.leftPixel;
    this.shown = next;
    const aligned = { ...scene, frame: { ...frame, firstStep: next.leftPixel / ratio / frame.pixelsPerStep } };
    const notes = columns ? drawColumns(context, aligned, ...columns, ratio) : 0;
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
