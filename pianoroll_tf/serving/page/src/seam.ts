// The seam between a primer and the music that carries it on.
import type { Colours, Frame } from "./drawroll";

const LEAD_SECONDS = 2; // of the primer that are heard before the new music

/** The step from which a take is played first: shortly before its new music. */
export function firstHeardStep(primerSteps: number, stepsPerSecond: number): number {
  return Math.max(0, primerSteps - LEAD_SECONDS * stepsPerSecond);
}

/** Draws a line where the new music begins, with an arrowhead at its bottom, below the numbers of bars, that points to it. */
export function drawSeam(context: CanvasRenderingContext2D, x: number, frame: Frame, colours: Colours): void {
  const size = 8;
  context.fillStyle = colours.text;
  context.fillRect(Math.round(x) - 1, frame.top, 2, frame.height);
  context.beginPath();
  const bottom = frame.top + frame.height;
  context.moveTo(x, bottom - 2 * size);
  context.lineTo(x + size, bottom - size);
  context.lineTo(x, bottom);
  context.fill();
}
