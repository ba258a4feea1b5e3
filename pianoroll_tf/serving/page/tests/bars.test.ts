import { describe, expect, it } from "vitest";
import { barCount, barOf, barStart, beatOffsets, describeRange, makeBars, parseMeter, rangeSteps } from "../src/bars";
import { makeGrid } from "../src/grid";

const BEATS = makeGrid(null, 4); // 4 steps per quarter
const SECONDS = makeGrid(8, null);

describe("bars", () => {
  const four = makeBars(BEATS, "4/4", 90);

  it("of 4/4 on a grid of beats have 16 steps, at any tempo", () => {
    expect([1, 2, 3].map((bar) => barStart(four, bar))).toEqual([0, 16, 32]);
    expect([0, 15, 16, 47].map((step) => barOf(four, step))).toEqual([1, 1, 2, 3]);
    expect([barCount(four, 0), barCount(four, 16), barCount(four, 17)]).toEqual([1, 1, 2]);
  });

  it("begin where the primer's bar does: 5 steps of an upbeat have 11 steps to the bar line", () => {
    const upbeat = makeBars(BEATS, "4/4", 90, 5);
    expect([1, 2, 3].map((bar) => barStart(upbeat, bar))).toEqual([0, 11, 27]);
    expect([10, 11].map((step) => barOf(upbeat, step))).toEqual([1, 2]);
  });

  it("begin before it, too, where music that is not sent to the model was put before the primer", () => {
    expect(makeBars(BEATS, "4/4", 90, 4 - 40).firstLine).toBe(-12); // 36 steps before a bar line
    expect(makeBars(BEATS, "4/4", 90, 32).firstLine + 0).toBe(0);
  });

  it("of 6/8 and 3/4 have 12 steps, but two and three beats", () => {
    expect(beatOffsets(makeBars(BEATS, "6/8", 90))).toEqual([0, 6]);
    expect(beatOffsets(makeBars(BEATS, "3/4", 90))).toEqual([0, 4, 8]);
  });

  it("on a grid of seconds follow from the tempo, and begin at the nearest step", () => {
    expect(barStart(makeBars(SECONDS, "4/4", 120), 2)).toBe(16); // 2 s
    const slow = makeBars(SECONDS, "4/4", 100); // 2.4 s: 19.2 steps
    expect([2, 3, 4, 6].map((bar) => barStart(slow, bar))).toEqual([19, 38, 58, 96]);
    expect([18, 19, 37, 38].map((step) => barOf(slow, step))).toEqual([1, 2, 2, 3]);
  });

  it("have the steps of a range, as far as there is music", () => {
    expect(rangeSteps(four, { first: 2, last: 3 }, 100)).toEqual([16, 48]);
    expect(rangeSteps(four, { first: 2, last: 3 }, 40)).toEqual([16, 40]);
  });
});

it("parses time signatures", () => {
  expect(parseMeter(" 12/8 ")).toEqual({ numerator: 12, denominator: 8 });
  expect(["0/4", "4/3", "4", "65/4", "x"].map(parseMeter)).toEqual([null, null, null, null, null]);
});

it("describes a range", () => {
  expect([{ first: 3, last: 3 }, { first: 3, last: 5 }].map(describeRange)).toEqual(["bar 3", "bars 3 to 5"]);
});
