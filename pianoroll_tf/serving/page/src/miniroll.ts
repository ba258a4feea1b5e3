// A small picture of a roll: its notes alone, without keyboard and time axis.
import type { Colours } from "./drawroll";
import { type PitchRange, type Roll, rollToNotes, soundingRange } from "./roll";

const LEAST_SEMITONES = 18; // so that a melody of a few pitches is not drawn as thick bars

/** The range of pitches that is drawn. */
export function miniRange(roll: Roll): PitchRange {
  const { low, high } = soundingRange(roll) ?? { low: 60, high: 60 };
  const missing = Math.max(0, LEAST_SEMITONES - (high - low));
  return { low: low - Math.floor(missing / 2) - 1, high: high + Math.ceil(missing / 2) + 1 };
}

/** Fills the canvas with `steps` steps of a roll, of which the first `primerSteps` are the primer. */
export function drawMiniRoll(
  canvas: HTMLCanvasElement,
  roll: Roll,
  primerSteps: number,
  colours: Colours,
  steps = roll.length,
): void {
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!width || !height) return; // hidden
  canvas.width = Math.round(width * devicePixelRatio);
  canvas.height = Math.round(height * devicePixelRatio);
  const context = canvas.getContext("2d")!;
  context.scale(devicePixelRatio, devicePixelRatio);
  const { low, high } = miniRange(roll);
  const [stepWidth, rowHeight] = [width / Math.max(1, steps), height / (high - low + 1)];
  for (const { pitch, start, end } of rollToNotes(roll)) {
    context.fillStyle = start < primerSteps ? colours.primer : colours.generated;
    const noteWidth = Math.max(1.5, (end - start) * stepWidth - 1);
    const noteHeight = Math.max(2, Math.min(10, rowHeight * 0.85));
    context.beginPath();
    context.roundRect(start * stepWidth, (high - pitch) * rowHeight, noteWidth, noteHeight, Math.min(noteHeight, noteWidth) / 3);
    context.fill();
  }
}
