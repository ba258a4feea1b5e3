import { expect, it } from "vitest";
import { nearestSamplePitch } from "../src/piano";
import { Voices } from "../src/voices";
import { interleave, wavHeader } from "../src/wav";

it("starts a note at its onset and ends it at its offset", () => {
  const calls: [string, number, number][] = [];
  const piano = {
    noteOn: (_context: unknown, _out: unknown, pitch: number, when: number) => {
      calls.push(["noteOn", pitch, when]);
      return { noteOff: (at: number) => void calls.push(["noteOff", pitch, at]) };
    },
  };
  const voices = new Voices(piano as never, null as never, null as never);
  [[60], [60, 64], [64], []].forEach((row, step) => voices.playRow(row, step / 8));
  expect(calls).toEqual([
    ["noteOn", 60, 0],
    ["noteOn", 64, 0.125],
    ["noteOff", 60, 0.25],
    ["noteOff", 64, 0.375],
  ]);
});

it("repeats a note that is already sounding", () => {
  const calls: [string, number][] = [];
  const piano = {
    noteOn: (_context: unknown, _out: unknown, _pitch: number, when: number) => {
      calls.push(["noteOn", when]);
      return { noteOff: (at: number) => void calls.push(["noteOff", at]) };
    },
  };
  const voices = new Voices(piano as never, null as never, null as never);
  [[60], [60], [-60], []].forEach((row, step) => voices.playRow(row, step));
  expect(calls).toEqual([
    ["noteOn", 0],
    ["noteOff", 2],
    ["noteOn", 2],
    ["noteOff", 3],
  ]);
});

it("plays each pitch by a sample at most one semitone away", () => {
  for (let pitch = 24; pitch <= 107; pitch++) {
    const sample = nearestSamplePitch(pitch);
    expect((sample - 24) % 3).toBe(0);
    expect(Math.abs(sample - pitch)).toBeLessThanOrEqual(1);
    expect(sample).toBeGreaterThanOrEqual(24);
    expect(sample).toBeLessThanOrEqual(108);
  }
});

it("writes the header of a WAV file", () => {
  const view = new DataView(wavHeader(100, 2, 44_100));
  const text = (at: number) => String.fromCharCode(...new Uint8Array(view.buffer, at, 4));
  expect([text(0), text(8), text(12), text(36)]).toEqual(["RIFF", "WAVE", "fmt ", "data"]);
  expect([4, 16, 24, 28, 40].map((at) => view.getUint32(at, true))).toEqual([436, 16, 44_100, 176_400, 400]);
  expect([20, 22, 32, 34].map((at) => view.getUint16(at, true))).toEqual([1, 2, 4, 16]);
});

it("interleaves channels and clips values that are too loud", () => {
  const samples = [Float32Array.of(0, 1), Float32Array.of(-0.5, -3)];
  expect([...interleave(samples)]).toEqual([0, -16383, 32767, -32767]);
});
