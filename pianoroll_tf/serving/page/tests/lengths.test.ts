import { expect, it } from "vitest";
import { barSteps, clockTime, describeLength, lengthError, lengthUnit } from "../src/lengths";
import { makeGrid } from "../src/grid";

const seconds = makeGrid(8, null);
const beats = makeGrid(null, 4);

it("counts the steps of a bar", () => {
  expect(["4/4", "3/4", "6/8", "2/2", "1/64"].map((meter) => barSteps(meter, 4))).toEqual([16, 12, 12, 16, 1]);
});

it("counts lengths in bars on a grid of beats, in seconds otherwise", () => {
  const bars = lengthUnit(beats, "3/4");
  expect(bars).toEqual({ name: "bars", steps: 12 });
  expect(describeLength(96, bars, beats)).toBe("8 bars · 0:12");
  expect(describeLength(12, bars, beats)).toBe("1 bar · 0:02");
  expect(lengthUnit(seconds, "3/4")).toEqual({ name: "seconds", steps: 8 });
  expect(describeLength(256, lengthUnit(seconds, "4/4"), seconds)).toBe("32 seconds");
});

it("formats the time of a player", () => {
  expect([0, 9.6, 206, 3600].map(clockTime)).toEqual(["0:00", "0:10", "3:26", "60:00"]);
});

it("names the limits of a length in its unit", () => {
  const unit = lengthUnit(seconds, "4/4");
  expect(lengthError(8192, unit, [1, 65536])).toBe("");
  expect(lengthError(8193, unit, [1, 65536])).toBe("Length must be a number of seconds from 0.2 to 8192.");
  expect(lengthError(NaN, unit, [1, 65536])).not.toBe("");
  expect(lengthError(0.01, unit, [1, 65536])).not.toBe("");
});
