// Saves a take as a file, or copies a link to it.
import { renderFile } from "./api";
import { announce, byId, download } from "./dom";
import { toLink } from "./link";
import type { Piano } from "./piano";
import { makeScore } from "./playback";
import { renderPng } from "./renderpng";
import { renderWav } from "./renderwav";
import type { Take } from "./take";
import { familyName, familyZip, fileName, renderRequest } from "./takefiles";

/** What saving needs besides the take. */
export interface SaveEnvironment {
  piano: Piano;
  model: string;
  /** The kinds of files that the server writes. */
  outputs: readonly string[];
  /** The take with its relatives, from top to bottom. */
  family(): Take[];
}

const rendering = new WeakMap<HTMLButtonElement, AbortController>();

/** Performs the action of a button, which is disabled meanwhile, or cancels it. */
export async function performSave(button: HTMLButtonElement, take: Take, environment: SaveEnvironment): Promise<void> {
  if (button.dataset.action === "wav") return saveWav(button, take, environment.piano);
  const { model, outputs, family } = environment;
  const label = button.textContent!;
  const name = fileName(take);
  button.disabled = true;
  try {
    switch (button.dataset.action) {
      case "midi":
        return download(await renderFile(renderRequest(take, model, "midi")), `${name}.mid`);
      case "musicxml":
        return download(await renderFile(renderRequest(take, model, "musicxml")), `${name}.musicxml`);
      case "png":
        return download(await renderPng(take), `${name}.png`);
      case "family": {
        const takes = family().filter((one) => one.complete && one.rows.length > 0);
        const showProgress = (done: number) => (button.textContent = `ZIP ${done + 1} of ${takes.length}`);
        download(await familyZip(takes, model, outputs, showProgress), `family-of-${familyName(takes[0]!)}.zip`);
        break;
      }
      case "link":
        await copyLink(take, button, label);
    }
  } finally {
    if (button.dataset.action !== "link") button.textContent = label;
    button.disabled = false;
    if (document.activeElement === document.body) button.focus(); // it lost the focus while it was disabled
  }
}

/** Renders a WAV file; pressed again meanwhile, the button cancels that. */
async function saveWav(button: HTMLButtonElement, take: Take, piano: Piano): Promise<void> {
  const running = rendering.get(button);
  if (running) return running.abort();
  const controller = new AbortController();
  rendering.set(button, controller);
  const report = (fraction: number) => {
    const percent = Math.round(100 * fraction);
    if (controller.signal.aborted) return;
    button.textContent = `Stop ${percent} %`;
    button.ariaLabel = `Stop rendering the WAV file, ${percent} % done`;
    button.style.setProperty("--done", `${percent}%`);
  };
  try {
    report(0);
    const progress = { report, signal: controller.signal };
    download(await renderWav(makeScore(take.rows, take), piano, progress), `${fileName(take)}.wav`);
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    announce("The WAV file was cancelled.");
  } finally {
    rendering.delete(button);
    button.textContent = "WAV";
    button.ariaLabel = null;
    button.style.removeProperty("--done");
  }
}

async function copyLink(take: Take, button: HTMLButtonElement, label: string): Promise<void> {
  const { settings, primer, gap, rows } = take;
  const link = await toLink(`${location.origin}${location.pathname}`, { settings, primer, ...(gap && { filling: { gap, rows } }) });
  try {
    await navigator.clipboard.writeText(link);
    button.textContent = "Copied";
    announce(`The link to ${take.name} was copied.`);
    window.setTimeout(() => (button.textContent = label), 2000);
  } catch {
    byId<HTMLInputElement>("link-text").value = link; // no permission, or not a secure context (HTTPS or localhost)
    byId<HTMLDialogElement>("link").showModal();
    byId<HTMLInputElement>("link-text").select();
  }
}
