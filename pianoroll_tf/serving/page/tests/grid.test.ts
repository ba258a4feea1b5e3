import { expect, it } from "vitest";
import { duration, makeGrid, position, tickSpacing } from "../src/grid";

const seconds = makeGrid(8, null);
const beats = makeGrid(null, 4);

it("formats seconds", () => {
  expect(position(60, seconds)).toBe("0:07.5");
  expect(position(8 * 61.5, seconds)).toBe("1:01.5");
  expect(duration(256, seconds)).toBe("32 s");
  expect(duration(4, seconds)).toBe("0.5 s");
  expect(duration(8 * 64, seconds)).toBe("1 min 4 s");
  expect(duration(8 * 59.99, seconds)).toBe("60 s");
  expect(duration(8 * 120, seconds)).toBe("2 min");
});

it("formats beats, at two beats per second", () => {
  expect(beats).toEqual({ stepsPerSecond: 8, stepsPerUnit: 4, unit: "beats", meter: "4/4" });
  expect(position(50, beats)).toBe("12.5 beats");
  expect(duration(64, beats)).toBe("16 beats");
});

it("keeps the ticks of the time axis apart", () => {
  expect(tickSpacing(100)).toBe(1);
  expect(tickSpacing(56)).toBe(1);
  expect(tickSpacing(20)).toBe(5);
  expect(tickSpacing(0.001)).toBe(7200);
});
