import { describe, expect, it } from "vitest";
import { makeBars } from "../src/bars";
import type { Scene } from "../src/drawroll";
import { makeGrid } from "../src/grid";
import type { Row } from "../src/roll";
import { planColumns, RollPainter } from "../src/rollpainter";

const at = (leftPixel: number, steps: number, key = "a") => ({ key, leftPixel, steps });

describe("the columns to draw, at 2 pixels per step on a plot of 100", () => {
  const plan = (shown: ReturnType<typeof at> | null, next: ReturnType<typeof at>) => planColumns(shown, next, 2, 100);

  it("are all that are visible, at first and after a change", () => {
    expect(plan(null, at(0, 10))).toEqual([0, 50]);
    expect(plan(at(0, 10), at(30, 10, "b"))).toEqual([15, 65]);
    expect(plan(at(0, 10), at(0, 5))).toEqual([0, 50]); // another roll
    expect(plan(at(0, 99), at(10, 99))).toEqual([5, 55]); // scrolled
  });

  it("are none if nothing has changed", () => expect(plan(at(7, 10), at(7, 10))).toBeNull());

  it("are the new ones, and the one before, whose notes may continue", () => {
    expect(plan(at(0, 10), at(0, 14))).toEqual([9, 14]);
    expect(plan(at(0, 60), at(0, 64))).toBeNull(); // beyond the right edge
  });
});

/** A canvas context that does nothing. */
function fakeContext(): CanvasRenderingContext2D {
  const get = (_: unknown, name: string) => () => (name === "measureText" ? { width: 10 } : undefined);
  return new Proxy({}, { get, set: () => true }) as CanvasRenderingContext2D;
}

it("draws a minute once, then per frame only the notes that have arrived, and all of them after scrolling", () => {
  const grid = makeGrid(8, null);
  const minute: Row[] = Array.from({ length: 480 }, (_, step) => [-48, -60, -64, -67].map((pitch) => pitch - (step % 3)));
  const scene = (roll: Row[], firstStep = 0): Scene => ({
    roll,
    primerSteps: 0,
    grid,
    bars: makeBars(grid, "4/4", 120),
    frame: { left: 44, top: 0, width: 480, height: 200, firstStep, pixelsPerStep: 1, range: { low: 36, high: 83 } },
    colours: { paper: "white" } as Scene["colours"],
  });
  const context = fakeContext();
  const painter = new RollPainter();
  const paint = (next: Scene) => painter.paint(context, next, 1);
  expect(paint(scene(minute))).toBe(4 * 480);
  expect(paint(scene(minute))).toBe(0); // only the playhead has moved, which is not on the canvas
  const longer = [...minute, ...minute.slice(0, 32)];
  expect(paint(scene(longer))).toBe(12); // of the last column in view and its neighbours, which are clipped
  expect(paint(scene(longer, 32))).toBe(4 * 481);
  expect(paint({ ...scene(longer, 32), revision: 2 })).toBe(4 * 481); // a gap was filled
});
