// Where a piano-roll is on a canvas, and in which colours it is drawn.
import type { PitchRange } from "./roll";

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

export const KEYBOARD_WIDTH = 44;
export const AXIS_HEIGHT = 22;

export function rowHeight(frame: Frame): number {
  return frame.height / (frame.range.high - frame.range.low + 1);
}

export function rowTop(pitch: number, frame: Frame): number {
  return frame.top + (frame.range.high - pitch) * rowHeight(frame);
}

export function stepX(step: number, frame: Frame): number {
  return frame.left + (step - frame.firstStep) * frame.pixelsPerStep;
}
