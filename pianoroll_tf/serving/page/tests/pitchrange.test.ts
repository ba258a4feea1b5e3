import { expect, it } from "vitest";
import { movedEnd, steppedPitch } from "../src/pitchrange";

it("moves an end within the keyboard, up to the other end", () => {
  expect(movedEnd([36, 84], 0, 40.4)).toEqual([40, 84]);
  expect(movedEnd([36, 84], 0, 90)).toEqual([84, 84]);
  expect(movedEnd([36, 84], 1, 20)).toEqual([36, 36]);
  expect([movedEnd([36, 84], 0, 0), movedEnd([36, 84], 1, 127)]).toEqual([[24, 84], [36, 107]]);
});

it("moves by semitones, octaves and to the ends", () => {
  const keys = ["ArrowLeft", "ArrowUp", "PageUp", "PageDown", "Home", "End", "a"];
  expect(keys.map((key) => steppedPitch(60, key))).toEqual([59, 61, 72, 48, 24, 107, null]);
});
