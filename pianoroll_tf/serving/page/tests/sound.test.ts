import { expect, it } from "vitest";
import { Keys } from "../src/keys";
import { samplePitch } from "../src/piano";
import { interleave, wavHeader } from "../src/wav";

it("strikes what begins and releases what ends", () => {
  const heard: [string, number, number][] = [];
  const piano = {
    strike: (_context: unknown, _out: unknown, pitch: number, when: number) => {
      heard.push(["strike", pitch, when]);
      return { release: (at: number) => void heard.push(["release", pitch, at]) };
    },
  };
  const keys = new Keys(piano as never, null as never, null as never);
  [[60], [60, 64], [64], []].forEach((row, step) => keys.step(row, step / 8));
  expect(heard).toEqual([
    ["strike", 60, 0],
    ["strike", 64, 0.125],
    ["release", 60, 0.25],
    ["release", 64, 0.375],
  ]);
});

it("strikes a key again that is down", () => {
  const heard: [string, number][] = [];
  const piano = {
    strike: (_context: unknown, _out: unknown, _pitch: number, when: number) => {
      heard.push(["strike", when]);
      return { release: (at: number) => void heard.push(["release", at]) };
    },
  };
  const keys = new Keys(piano as never, null as never, null as never);
  [[60], [60], [-60], []].forEach((row, step) => keys.step(row, step));
  expect(heard).toEqual([
    ["strike", 0],
    ["release", 2],
    ["strike", 2],
    ["release", 3],
  ]);
});

it("plays each pitch by a sample at most one semitone away", () => {
  for (let pitch = 24; pitch <= 107; pitch++) {
    const sample = samplePitch(pitch);
    expect((sample - 24) % 3).toBe(0);
    expect(Math.abs(sample - pitch)).toBeLessThanOrEqual(1);
    expect(sample).toBeGreaterThanOrEqual(24);
    expect(sample).toBeLessThanOrEqual(108);
  }
});

it("writes the head of a WAV file", () => {
  const view = new DataView(wavHeader(100, 2, 44_100));
  const text = (at: number) => String.fromCharCode(...new Uint8Array(view.buffer, at, 4));
  expect([text(0), text(8), text(12), text(36)]).toEqual(["RIFF", "WAVE", "fmt ", "data"]);
  expect([4, 16, 24, 28, 40].map((at) => view.getUint32(at, true))).toEqual([436, 16, 44_100, 176_400, 400]);
  expect([20, 22, 32, 34].map((at) => view.getUint16(at, true))).toEqual([1, 2, 4, 16]);
});

it("alternates between channels and cuts what is too loud", () => {
  const samples = [Float32Array.of(0, 1), Float32Array.of(-0.5, -3)];
  expect([...interleave(samples)]).toEqual([0, -16383, 32767, -32767]);
});
