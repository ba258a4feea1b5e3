// A take as a PNG picture, on white paper whatever the page looks like; long music in several lines.
import { sized } from "./canvas";
import { AXIS_HEIGHT, type Colours, drawRoll, KEYBOARD_WIDTH } from "./draw";
import { duration } from "./grid";
import { sharedRange } from "./roll";
import { describe } from "./settings";
import type { Take } from "./take";

const PAPER: Colours = {
  paper: "#ffffff",
  stripe: "#f4f5f6",
  line: "#dadde0",
  text: "#4a4f55",
  whiteKey: "#ffffff",
  blackKey: "#3a3f45",
  primer: "#b4540a",
  music: "#0b5cad",
};
const WIDTH = 1280;
const MARGIN = 24;
const TITLE_HEIGHT = 60;
const LINE_HEIGHT = 300;
const LINE_STEPS = 512;
const MOST_LINES = 24; // beyond, the lines hold more steps: browsers limit the size of a canvas
const MOST_PIXELS_A_STEP = 14;

/** The content of the file. */
export async function drawPicture(take: Take): Promise<Blob> {
  const steps = Math.max(1, take.rows.length);
  const lineSteps = Math.max(LINE_STEPS, Math.ceil(steps / MOST_LINES));
  const lines = Math.ceil(steps / lineSteps);
  const canvas = document.createElement("canvas");
  const height = TITLE_HEIGHT + lines * (LINE_HEIGHT + AXIS_HEIGHT + MARGIN);
  const context = sized(canvas, WIDTH, height, lines > 4 ? 1 : 2);
  context.fillStyle = PAPER.paper;
  context.fillRect(0, 0, WIDTH, height);
  title(context, take);
  const width = WIDTH - 2 * MARGIN - KEYBOARD_WIDTH;
  const range = sharedRange([take.range]);
  for (let line = 0; line < lines; line++) {
    const frame = {
      left: MARGIN + KEYBOARD_WIDTH,
      top: TITLE_HEIGHT + line * (LINE_HEIGHT + AXIS_HEIGHT + MARGIN),
      width,
      height: LINE_HEIGHT,
      firstStep: line * lineSteps,
      pixelsPerStep: Math.min(MOST_PIXELS_A_STEP, width / Math.min(steps, lineSteps)),
      range,
    };
    drawRoll(context, take.rows, take.primerSteps, frame, take.grid, PAPER);
  }
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("This browser could not make the picture.");
  return blob;
}

function title(context: CanvasRenderingContext2D, take: Take): void {
  context.textBaseline = "alphabetic";
  context.textAlign = "left";
  context.fillStyle = PAPER.text;
  context.font = "13px system-ui, sans-serif";
  const words = `${duration(take.rows.length, take.grid)} · ${describe(take.settings, take.primer)}`;
  context.fillText(words, MARGIN, 38, WIDTH - 2 * MARGIN - 190);
  context.textAlign = "right";
  let right = WIDTH - MARGIN;
  const kinds = [["generated", PAPER.music], ...(take.primerSteps ? [["primer", PAPER.primer]] : [])];
  for (const [label, colour] of kinds as [string, string][]) {
    context.fillStyle = PAPER.text;
    context.fillText(label, right, 38);
    right -= context.measureText(label).width + 18;
    context.fillStyle = colour;
    context.fillRect(right, 29, 12, 9);
    right -= 16;
  }
}
