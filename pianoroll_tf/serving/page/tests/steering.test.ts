import { describe, expect, it } from "vitest";
import { chordPitchClasses, parseChords, parseNote, scalePitchClasses } from "../src/chords";
import { describeSteering, parseIntervals, type Steering, steeringFields, steeringFrom, validateSteering } from "../src/steering";

describe("scales and chords", () => {
  it("are pitch classes", () => {
    expect(scalePitchClasses(2, "minor")).toEqual([0, 2, 4, 5, 7, 9, 10]); // one flat
    expect(scalePitchClasses(9, "blues")).toEqual([0, 2, 3, 4, 7, 9]);
  });

  it.each([
    ["C", [0, 4, 7]],
    ["Am", [0, 4, 9]],
    ["F#m7", [1, 4, 6, 9]],
    ["B♭maj7", [2, 5, 9, 10]],
    ["Cb", [3, 6, 11]],
    ["G/B", [2, 7, 11]],
    ["C/B♭", [0, 4, 7, 10]],
    ["Bm7♭5", [2, 5, 9, 11]],
    ["Hm", null],
    ["Cfoo", null],
    ["constructor", null],
    ["CtoString", null],
    ["C/H", null],
  ])("%s", (text, classes) => expect(chordPitchClasses(text)).toEqual(classes));

  it("are one per bar", () => {
    expect(parseChords(" C | Am, % G ")).toEqual([[0, 4, 7], [0, 4, 9], [0, 4, 9], [2, 7, 11]]);
  });

  it.each([
    ["C Am Hm G", "“Hm”, in bar 3, is not a chord. Write chords such as C, Am, F♯m7, B♭maj7 or G/B."],
    ["% C", "“%”, in bar 1, is not a chord."],
    [" | ", "The chords are missing."],
  ])("of %s are refused", (text, message) => expect(() => parseChords(text)).toThrow(message));
});

it("parses notes", () => {
  expect(["C4", "f#3", "B♭2", "Cb4", "B#3", "C-1", "H2", "C"].map(parseNote)).toEqual([60, 54, 46, 59, 60, 0, null, null]);
});

it("parses ranges of notes", () => {
  expect(parseIntervals("C1–B2, F♯4; G4 to A4, c5-d5")).toEqual([[24, 47], [66, 66], [67, 69], [72, 74]]);
  expect(parseIntervals(" ")).toEqual([]);
  for (const text of ["X", "C1–", "B2–C1", "C1–C2–C3", "C0", "C8"]) {
    expect(() => parseIntervals(`C4, ${text}`)).toThrow(`“${text}” is not a range of notes from C1 to B7.`);
  }
});

describe("a request", () => {
  const steering: Steering = {
    scale: { root: 2, name: "minor" },
    chords: { text: "C Am", upbeat: 5, stepsPerBar: 16 },
    range: [36, 84],
    silent: [[24, 47]],
    polyphony: 4,
  };

  it("has the fields of the server; a chord per bar, of which the first begins with the music", () => {
    expect(steeringFields(steering, 40)).toEqual({
      scale: [0, 2, 4, 5, 7, 9, 10],
      chords: [
        { step: 0, pitch_classes: [0, 4, 7] },
        { step: 21, pitch_classes: [0, 4, 9] },
        { step: 37, pitch_classes: [0, 4, 7] },
      ],
      lowest: 36,
      highest: 84,
      silent: [[24, 47]],
      polyphony: 4,
    });
    expect((steeringFields(steering, 0).chords as unknown[]).length).toBe(512);
  });

  it("for a gap goes on with the chord of its bar", () => {
    expect(steeringFrom({ chords: { text: "C Am % G", upbeat: 5, stepsPerBar: 16 } }, 37).chords).toEqual({
      text: "Am G C Am",
      upbeat: 0,
      stepsPerBar: 16,
    });
  });

  it("goes on within a bar with its chord", () => {
    const chords = { text: "C Am G", upbeat: 0, stepsPerBar: 16 };
    const later = steeringFrom({ chords }, 20); // four steps after the bar line of Am
    expect(later.chords).toEqual({ text: "Am G C", upbeat: -4, stepsPerBar: 16 });
    expect((steeringFields(later, 30).chords as { step: number }[]).map(({ step }) => step)).toEqual([0, 12, 28]);
    expect(steeringFrom({ chords: { ...chords, upbeat: 6 } }, 4).chords).toEqual({ ...chords, upbeat: 2 });
  });

  it("has none if everything is free", () => expect([steeringFields(undefined, 9), steeringFields({}, 9)]).toEqual([{}, {}]));

  it("is described", () => {
    const words = "in D minor · chords C Am · C2 to C6 · without C1–B2 · at most 4 notes at once";
    expect([describeSteering(steering), describeSteering({})]).toEqual([words, ""]);
  });

  it("is checked when it comes from a link", () => {
    expect(validateSteering(JSON.parse(JSON.stringify(steering)))).toEqual(steering);
    const damaged = [
      { scale: { root: 12, name: "minor" } },
      { scale: { root: 0, name: "toString" } },
      { chords: { text: "Hm", upbeat: 0, stepsPerBar: 16 } },
      { chords: { text: "C", upbeat: -16, stepsPerBar: 16 } },
      { chords: { text: "C", upbeat: 0, stepsPerBar: 0 } },
      { range: [84, 36] },
      { silent: [[0, 24]] },
      { polyphony: 85 },
      { polyphony: "x" },
    ];
    for (const value of damaged) expect(() => validateSteering(value)).toThrow();
  });
});
