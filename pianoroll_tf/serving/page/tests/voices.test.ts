import { expect, it } from "vitest";
import { Voices } from "../src/voices";

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
