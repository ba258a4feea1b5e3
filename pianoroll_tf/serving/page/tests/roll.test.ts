import { describe, expect, it } from "vitest";
import { countNotes, noteChanges, noteName, rollToNotes, sharedRange, soundingRange, validateRoll } from "../src/roll";

const ROLL = [[60], [60, 64], [64], [], [60]];

describe("roll", () => {
  it("names pitches as musicians do", () => {
    expect([24, 60, 61, 107].map(noteName)).toEqual(["C1", "C4", "C♯4", "B7"]);
  });

  it("finds onsets and offsets", () => {
    expect(noteChanges([60, 64], [64, 67])).toEqual({ onsets: [67], offsets: [60] });
  });

  it("joins the steps of a note", () => {
    expect(rollToNotes(ROLL)).toEqual([
      { pitch: 60, start: 0, end: 2 },
      { pitch: 64, start: 1, end: 3 },
      { pitch: 60, start: 4, end: 5 },
    ]);
    expect(countNotes(ROLL)).toBe(3);
  });

  it("ends a note at a new onset of the same pitch, and begins another", () => {
    expect(noteChanges([60, 64], [-60, 64])).toEqual({ onsets: [60], offsets: [60] });
    expect(noteChanges([-60], [60])).toEqual({ onsets: [], offsets: [] });
    expect(rollToNotes([[60], [-60, 64], [60]])).toEqual([
      { pitch: 60, start: 0, end: 1 },
      { pitch: 60, start: 1, end: 3 },
      { pitch: 64, start: 1, end: 2 },
    ].sort((a, b) => a.end - b.end || b.pitch - a.pitch));
    expect(countNotes([[60], [-60, 64], [60]])).toBe(3);
    expect(soundingRange([[-60, 64]])).toEqual({ low: 60, high: 64 });
  });

  it("clips notes at the edges of a window", () => {
    expect(rollToNotes(ROLL, 1, 2)).toEqual([
      { pitch: 60, start: 1, end: 2 },
      { pitch: 64, start: 1, end: 2 },
    ]);
    expect(rollToNotes(ROLL, 3, 4)).toEqual([]);
  });

  it("finds the range of sounding pitches, in whole octaves for the drawing", () => {
    expect(soundingRange(ROLL)).toEqual({ low: 60, high: 64 });
    expect(soundingRange([[], []])).toBeNull();
    expect(sharedRange([null])).toEqual({ low: 48, high: 83 });
    expect(sharedRange([{ low: 47, high: 60 }, { low: 60, high: 84 }])).toEqual({ low: 36, high: 95 });
    expect(sharedRange([{ low: 24, high: 107 }])).toEqual({ low: 24, high: 107 });
  });

  it.each([[[[60, 60]]], [[[-60, 60]]], [[[64, 60]]], [[[-23]]], [[[23]]], [[[108]]], [[[60.5]]], [[["60"]]], [[60]], ["x"], [null]])(
    "refuses %j",
    (value) => expect(() => validateRoll(value)).toThrow("invalid pitches"),
  );

  it("accepts a valid roll", () => expect(validateRoll(ROLL)).toBe(ROLL));
});
