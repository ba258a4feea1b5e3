// The files of takes: their names and titles, those that the server writes, and a family as a ZIP file.
import { ApiError, type RenderRequest, renderFile } from "./api";
import { renderPng } from "./renderpng";
import { loopSteps, transposed } from "./playback";
import { describeSettings } from "./settings";
import type { Take } from "./take";
import { clockOf } from "./takebars";
import { zip, type ZipEntry } from "./zip";

/** The name of the file of a take, without its ending. */
export function fileName(take: Take): string {
  const { version, seed } = take.settings;
  return `${take.primer ? "continuation" : "piece"}-version-${version}-seed-${seed}`;
}

/** What the server needs to write what is heard: transposed, at its tempo, of a loop those bars once; without its swing. */
export function renderRequest(take: Take, model: string, output: "midi" | "musicxml"): RenderRequest {
  const { version, seed } = take.settings;
  const { rows, bars, playback } = take;
  const { tempo, meter } = clockOf(take);
  const [start, end] = loopSteps(take, rows.length, true) ?? [0, rows.length];
  const into = start - bars.firstLine;
  return {
    version,
    roll: rows.slice(start, end).map((row, i) => transposed(i ? row : row.map(Math.abs), playback.transpose)),
    tempo: Math.max(10, Math.min(1000, tempo * (playback.tempo / 100))),
    meter: playback.meter ?? meter,
    place: Math.round(into - Math.floor(into / bars.stepsPerBar) * bars.stepsPerBar) % Math.round(bars.stepsPerBar),
    title: `${model}, seed ${seed}`,
    output,
  };
}

/** The name of a take in its family: "take-3-continued-at-bar-12". */
export function familyName(take: Take): string {
  const words = `take ${take.number} ${take.origin.deed}`.toLowerCase().match(/[a-z0-9]+/g)!;
  return words.join("-");
}

/** The family as text, indented, with the settings of each take, and what could not be written. */
export function familyTree(takes: readonly Take[], missing: ReadonlyMap<Take, string>): string {
  const lines = takes.map((take) => {
    const level = take.origin.ancestors.filter((id) => takes.some((other) => other.origin.id === id)).length;
    const facts = [take.origin.deed, describeSettings(take.settings, take.primer, !take.origin.deed)];
    const line = `${"  ".repeat(level)}${take.name}: ${facts.filter((fact) => fact !== "").join("; ")}`;
    return missing.has(take) ? `${line}\n${"  ".repeat(level + 1)}(no MusicXML: ${missing.get(take)})` : line;
  });
  return `${lines.join("\n")}\n`;
}

/** MIDI, MusicXML and PNG files of all takes, and a text that says how they are related. */
export async function familyZip(
  takes: readonly Take[],
  model: string,
  outputs: readonly string[],
  onProgress: (done: number) => void,
): Promise<Blob> {
  const entries: ZipEntry[] = [];
  const missing = new Map<Take, string>();
  const add = async (name: string, blob: Blob) => {
    entries.push({ name, content: new Uint8Array(await blob.arrayBuffer()) });
  };
  for (const [i, take] of takes.entries()) {
    onProgress(i);
    const name = familyName(take);
    await add(`${name}.mid`, await renderFile(renderRequest(take, model, "midi")));
    await add(`${name}.png`, await renderPng(take));
    if (!outputs.includes("musicxml")) continue;
    try {
      await add(`${name}.musicxml`, await renderFile(renderRequest(take, model, "musicxml")));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      missing.set(take, error.message); // too long, for example
    }
  }
  await add("family.txt", new Blob([familyTree(takes, missing)]));
  return zip(entries);
}
