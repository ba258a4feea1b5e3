import { expect, it } from "vitest";
import type { About } from "../src/api";
import { makeGrid } from "../src/grid";
import { trainingSentence } from "../src/training";

const about = { meter: "4/4", tempo: 96.2, density: 0.0475, trained_on: { name: "demo", longest_piece_steps: 1088 } };

it("says what the model was trained on", () => {
  expect(trainingSentence(about as About, makeGrid(null, 4, 120))).toBe(
    "It learned from the collection “demo”: mostly in 4/4, around 96 beats per minute, about 4 notes at a time, " +
      "pieces of up to 2:16 minutes.",
  );
});

it("leaves out what is not known", () => {
  const unknown = { ...about, density: 0, trained_on: { name: null, longest_piece_steps: null } };
  expect(trainingSentence(unknown as About, makeGrid(8, null))).toBe("It learned from a collection of its own.");
});
