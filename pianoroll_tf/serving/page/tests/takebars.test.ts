import { describe, expect, it } from "vitest";
import { barAt, barCount, barEnd, barsName, barStart, cutStep, placeName } from "../src/takebars";
import { makeTake, SECONDS } from "./takes";

describe("the bars of a take", () => {
  const take = makeTake(30); // 3/4: bars of 12 steps

  it("are counted from one, the last one may be cut", () => {
    expect(barCount(take)).toBe(3);
    expect([1, 2, 3].map((bar) => [barStart(take, bar), barEnd(take, bar)])).toEqual([[0, 12], [12, 24], [24, 30]]);
    expect([0, 11, 12, 29].map((step) => barAt(take, step))).toEqual([1, 1, 2, 3]);
  });

  it("begin with a pickup where the primer does", () => {
    const clock = { tempo: 90, meter: "4/4", place: 12 }; // the last beat of a bar of 16 steps
    const pickup = makeTake(16, { name: "a", roll: [[60], [60], [60], [60]], clock });
    expect(barCount(pickup)).toBe(2);
    expect([barStart(pickup, 1), barStart(pickup, 2), barEnd(pickup, 2)]).toEqual([0, 4, 20]);
    const led = makeTake(16, { name: "a", roll: [[60]], lead: Array(4).fill([60]), clock: { ...clock, place: 0 } });
    expect(barStart(led, 2)).toBe(4); // the primer's first step is at a bar line, four steps after the beginning
  });

  it("have beats at which music is cut", () => {
    expect([0, 1, 13, 14, 29, 99].map((step) => cutStep(take, step))).toEqual([0, 0, 12, 16, 28, 30]);
    expect([12, 16, 30].map((step) => placeName(take, step))).toEqual(["bar 2", "bar 2, beat 2", "its end"]);
    expect([barsName(take, 2, 2), barsName(take, 1, 3)]).toEqual(["bar 2", "bars 1 to 3"]);
  });

  it("are seconds on a grid of seconds", () => {
    const seconds = makeTake(20, null, SECONDS);
    expect([barCount(seconds), barStart(seconds, 2), barEnd(seconds, 3)]).toEqual([3, 8, 20]);
    expect([cutStep(seconds, 12.4), placeName(seconds, 12)]).toEqual([12, "0:01.5"]);
    expect(barsName(seconds, 2, 3)).toBe("1 s to 3 s");
  });
});
