import { expect, it } from "vitest";
import { firstHeardStep } from "../src/seam";

it("begins to play two seconds before the seam, or at the beginning", () => {
  expect(firstHeardStep(128, 8)).toBe(112);
  expect(firstHeardStep(10, 8)).toBe(0);
  expect(firstHeardStep(0, 8)).toBe(0);
});
