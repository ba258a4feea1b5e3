// Builds on a take: from its playhead, or by the dialog that asks which bars to keep.
import { currentColours } from "./colours";
import { byId, showMessage } from "./dom";
import { drawRoll, KEYBOARD_WIDTH, resizeCanvas } from "./drawroll";
import { sharedRange } from "./roll";
import type { Primer, Settings } from "./settings";
import type { Steering } from "./steering";
import type { Take } from "./take";
import { barAt, barCount, barEnd, barsName, barStart } from "./takebars";
import type { Build, TakeCard } from "./takecard";
import { continuePlan, fourPlans, keepPlan, type Plan, varyPlan } from "./takeplan";

const HEIGHT = 140; // of the picture in the dialog

/**
 * What to generate; empty if the user thinks better of it.
 * `readSettings`: those of the form, by which music goes on; null if one is invalid. `readSteering`: what it keeps to.
 */
export async function plansFor(
  card: TakeCard,
  kind: Build,
  maxPrimer: number,
  readSettings: () => Settings | null,
  readSteering: (primer: Primer | null) => Steering | undefined,
): Promise<Plan[]> {
  const { take, cut } = card;
  if (kind === "vary") return [varyPlan(take, cut, maxPrimer)];
  if (kind === "four") return fourPlans(take, cut, maxPrimer);
  const settings = readSettings();
  if (!settings) return [];
  const steered = (plan: Plan): Plan => {
    const steering = readSteering(plan.primer);
    return steering ? { ...plan, settings: { ...plan.settings, steering } } : plan;
  };
  if (kind === "continue") return [steered(continuePlan(take, cut, settings, maxPrimer))];
  const bars = await askForBars(take, cut);
  return bars ? [steered(keepPlan(take, bars[0], bars[1], settings, maxPrimer))] : [];
}

/** Asks which bars to keep, by default those up to `cut`; null if the user cancels. */
function askForBars(take: Take, cut: number): Promise<[number, number] | null> {
  const dialog = byId<HTMLDialogElement>("bars");
  const inputs = [byId<HTMLInputElement>("bars-first"), byId<HTMLInputElement>("bars-last")] as const;
  const count = barCount(take);
  const seconds = take.grid.unit === "seconds";
  const values = (): [number, number] => [Number(inputs[0].value) + (seconds ? 1 : 0), Number(inputs[1].value)];
  const [low, high] = seconds ? [0, count - 1] : [1, count];
  inputs[0].min = String(low);
  inputs[0].max = String(high);
  inputs[1].min = "1";
  inputs[1].max = String(count);
  inputs[0].value = String(low);
  inputs[1].value = String(Math.min(barAt(take, Math.max(0, cut - 1)), count));
  byId("bars-title").textContent = `Keep ${seconds ? "part" : "bars"} of ${take.name}`;
  const error = () => {
    const [first, last] = values();
    const whole = Number.isInteger(first) && Number.isInteger(last) && inputs.every((input) => input.value !== "");
    if (whole && first >= 1 && first <= last && last <= count) return "";
    return seconds ? `Choose whole seconds from 0 to ${count}, ascending.` : `Choose bars from 1 to ${count}, ascending.`;
  };
  const update = () => {
    const [first, last] = values();
    const message = error();
    inputs.forEach((input) => input.setAttribute("aria-invalid", String(message !== "")));
    showMessage(byId("bars-error"), message);
    byId("bars-hint").textContent = message ? "" : `of ${count} ${seconds ? "s" : "bars"}: ${barsName(take, first, last)}`;
    if (!message) drawKept(dialog.querySelector("canvas")!, take, barStart(take, first), barEnd(take, last));
  };
  dialog.returnValue = "";
  dialog.showModal();
  update();
  inputs[0].select();
  return new Promise((resolve) => {
    inputs.forEach((input) => (input.oninput = update));
    byId("bars-cancel").onclick = () => dialog.close();
    dialog.querySelector("form")!.onsubmit = (event) => {
      if (error()) event.preventDefault();
    };
    dialog.onclose = () => resolve(dialog.returnValue === "make" ? values() : null);
  });
}

/** Draws the take: what is kept in the colour of a primer, what goes pale. */
function drawKept(canvas: HTMLCanvasElement, take: Take, from: number, to: number): void {
  const width = canvas.parentElement!.clientWidth;
  const context = resizeCanvas(canvas, width, HEIGHT, devicePixelRatio);
  const plot = width - KEYBOARD_WIDTH;
  const pixelsPerStep = plot / Math.max(1, take.rows.length);
  const frame = {
    left: KEYBOARD_WIDTH,
    top: 0,
    width: plot,
    height: HEIGHT,
    firstStep: 0,
    pixelsPerStep,
    range: sharedRange([take.range]),
  };
  const colours = currentColours();
  drawRoll(context, take.rows, take.rows.length, frame, take.grid, colours);
  context.globalAlpha = 0.75;
  context.fillStyle = colours.paper;
  context.fillRect(frame.left, 0, from * pixelsPerStep, HEIGHT);
  context.fillRect(frame.left + to * pixelsPerStep, 0, plot, HEIGHT);
  context.globalAlpha = 1;
  context.fillStyle = colours.text;
  for (const step of [from, to]) context.fillRect(frame.left + Math.round(step * pixelsPerStep) - 1, 0, 2, HEIGHT);
}
