// Renders a take as a PNG file, always on white; long music is drawn in several lines.
import { AXIS_HEIGHT, type Colours, drawScene, KEYBOARD_WIDTH, resizeCanvas } from "./drawroll";
import { duration } from "./grid";
import { sharedRange } from "./roll";
import { describeSettings } from "./settings";
import type { Take } from "./take";

const LIGHT_COLOURS: Colours = {
  paper: "#ffffff",
  stripe: "#f4f5f6",
  line: "#e6e8ea",
  barLine: "#a9aeb4",
  text: "#4a4f55",
  whiteKey: "#ffffff",
  blackKey: "#3a3f45",
  primer: "#b4540a",
  generated: "#0b5cad",
  filled: "#0a7350",
};
const WIDTH = 1280;
const MARGIN = 24;
const TITLE_HEIGHT = 60;
const LINE_HEIGHT = 300;
const STEPS_PER_LINE = 512;
const MAX_LINES = 24; // longer music has more steps per line, because browsers limit the size of a canvas
const MAX_PIXELS_PER_STEP = 14;

/** The content of the PNG file. */
export async function renderPng(take: Take): Promise<Blob> {
  const steps = Math.max(1, take.rows.length);
  const lineSteps = Math.max(STEPS_PER_LINE, Math.ceil(steps / MAX_LINES));
  const lines = Math.ceil(steps / lineSteps);
  const canvas = document.createElement("canvas");
  const height = TITLE_HEIGHT + lines * (LINE_HEIGHT + AXIS_HEIGHT + MARGIN);
  const context = resizeCanvas(canvas, WIDTH, height, lines > 4 ? 1 : 2);
  context.fillStyle = LIGHT_COLOURS.paper;
  context.fillRect(0, 0, WIDTH, height);
  drawTitle(context, take);
  const width = WIDTH - 2 * MARGIN - KEYBOARD_WIDTH;
  const range = sharedRange([take.range]);
  for (let line = 0; line < lines; line++) {
    const frame = {
      left: MARGIN + KEYBOARD_WIDTH,
      top: TITLE_HEIGHT + line * (LINE_HEIGHT + AXIS_HEIGHT + MARGIN),
      width,
      height: LINE_HEIGHT,
      firstStep: line * lineSteps,
      pixelsPerStep: Math.min(MAX_PIXELS_PER_STEP, width / Math.min(steps, lineSteps)),
      range,
    };
    const { rows: roll, primerSteps, filled, grid, bars } = take;
    drawScene(context, { roll, primerSteps, filled, frame, grid, bars, colours: LIGHT_COLOURS });
  }
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("The browser could not create the PNG file.");
  return blob;
}

/** Settings on the left, legend on the right. */
function drawTitle(context: CanvasRenderingContext2D, take: Take): void {
  context.save(); // the font of the axes
  context.textBaseline = "alphabetic";
  context.textAlign = "left";
  context.fillStyle = LIGHT_COLOURS.text;
  context.font = "13px system-ui, sans-serif";
  const title = `${duration(take.rows.length, take.grid)} · ${describeSettings(take.settings, take.primer)}`;
  context.fillText(title, MARGIN, 38, WIDTH - 2 * MARGIN - 190);
  context.textAlign = "right";
  let right = WIDTH - MARGIN;
  for (const label of take.primerSteps ? (["generated", "primer"] as const) : (["generated"] as const)) {
    context.fillStyle = LIGHT_COLOURS.text;
    context.fillText(label, right, 38);
    right -= context.measureText(label).width + 18;
    context.fillStyle = LIGHT_COLOURS[label];
    context.fillRect(right, 29, 12, 9);
    right -= 16;
  }
  context.restore();
}
