// Saves a take as a file, or copies a link to it.
import { fetchMidi } from "./api";
import { announce, byId, download } from "./dom";
import { toFragment } from "./link";
import type { Piano } from "./piano";
import { renderPng } from "./renderpng";
import { renderWav } from "./renderwav";
import type { Take } from "./take";

/** Performs the action of a button, which is disabled meanwhile. */
export async function performSave(button: HTMLButtonElement, take: Take, piano: Piano): Promise<void> {
  const name = `${take.primer ? "continuation" : "piece"}-version-${take.settings.version}-seed-${take.settings.seed}`;
  const label = button.textContent!;
  button.disabled = true;
  try {
    if (button.dataset.action === "midi") download(await fetchMidi(take.settings, take.primer), `${name}.mid`);
    if (button.dataset.action === "png") download(await renderPng(take), `${name}.png`);
    if (button.dataset.action === "wav") {
      const showProgress = (fraction: number) => (button.textContent = `WAV ${Math.round(100 * fraction)} %`);
      download(await renderWav(take.rows, take.stepsPerSecond, piano, showProgress), `${name}.wav`);
    }
    if (button.dataset.action === "link") await copyLink(take, button, label);
  } finally {
    if (button.dataset.action !== "link") button.textContent = label;
    button.disabled = false;
    if (document.activeElement === document.body) button.focus(); // it lost the focus while it was disabled
  }
}

async function copyLink(take: Take, button: HTMLButtonElement, label: string): Promise<void> {
  const fragment = await toFragment(take.settings, take.primer);
  const link = `${location.origin}${location.pathname}#${fragment}`;
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
