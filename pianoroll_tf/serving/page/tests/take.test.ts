import { expect, it } from "vitest";
import { makeGrid } from "../src/grid";
import { Take } from "../src/take";

const GRID = makeGrid(8, null);
const SETTINGS = { version: 1, steps: 4, seed: 5, temperature: 1, top_p: 1, density: 1 };
const PRIMER = { name: "a", roll: [[60], [60]] };

it("holds its primer before anything is generated", () => {
  const take = new Take(1, { ...SETTINGS }, PRIMER, GRID);
  expect([take.rows, take.primerSteps, take.generatedSteps, take.expectedSteps]).toEqual([[[60], [60]], 2, 0, 6]);
});

it("updates note count and range, and counts a note held from the primer once", () => {
  const take = new Take(1, { ...SETTINGS }, PRIMER, GRID);
  take.append([[60], [48, 60]]);
  take.append([[48, 72]]);
  expect([take.noteCount, take.range]).toEqual([3, { low: 48, high: 72 }]);
  expect(take.generatedRoll).toEqual([[60], [48, 60], [48, 72]]);
});

it("sets its length in its settings when it is stopped", () => {
  const take = new Take(1, { ...SETTINGS, steps: 0 }, null, GRID);
  take.append([[60], []]);
  take.finish("stopped");
  expect([take.settings.steps, take.complete, take.expectedSteps]).toEqual([2, true, 2]);
});

it("continues at the tempo of its primer on a grid of beats", () => {
  const clock = { tempo: 90, meter: "3/4", place: 0 };
  const rate = (grid: typeof GRID) => new Take(1, { ...SETTINGS }, { ...PRIMER, clock }, grid).stepsPerSecond;
  expect([rate(makeGrid(null, 4, 120)), rate(GRID)]).toEqual([6, 8]);
});
