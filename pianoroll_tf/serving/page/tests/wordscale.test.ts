import { expect, it } from "vitest";
import { DARING, positionOf, REACH, valueAt, wordFor, type WordScale } from "../src/wordscale";

const SCALE: WordScale = { words: DARING, usual: 0.75, perOctave: 10 };

it("has the usual value in the middle, and doubles it at the right end", () => {
  expect([-10, 0, 1, 10].map((position) => valueAt(position, SCALE))).toEqual([0.38, 0.75, 0.8, 1.5]);
});

it("finds the position of a value, also of one beyond the ends", () => {
  for (let position = -REACH; position <= REACH; position++) {
    expect(positionOf(valueAt(position, SCALE), SCALE)).toBe(position);
  }
  expect(positionOf(20, SCALE)).toBe(10);
  expect(positionOf(0.05, SCALE)).toBe(-10);
});

it("has a word for every position", () => {
  const words = [-10, -7, -6, -2, -1, 0, 1, 2, 6, 7, 10].map((position) => wordFor(valueAt(position, SCALE), SCALE));
  expect(words).toEqual([
    "very safe", "very safe", "safer", "safer", "balanced", "balanced", "balanced", "bolder", "bolder", "very bold", "very bold",
  ]);
});
