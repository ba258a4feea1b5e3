import { expect, it } from "vitest";
import { fromRecord, surplus, toRecord } from "../src/takerecord";
import { LIMITS } from "./fixtures";
import { BEATS, makeTake, SECONDS } from "./takes";

const CLOCK = { tempo: 90, meter: "3/4", place: 2 };
const ORIGIN = { id: "x", created: 7, ancestors: ["y", "z"], deed: "continued at bar 2", batch: "w" };

it.each([null, { name: "a", roll: [[60], [-60, 64]], clock: CLOCK }, { name: "a", roll: [[60]], lead: [[59], []] }])(
  "round-trips a take",
  (primer) => {
    const take = makeTake(5, primer, BEATS, ORIGIN);
    take.kept = true;
    take.endReason = "model";
    const again = fromRecord(structuredClone(toRecord(take, "demo")), BEATS, LIMITS);
    expect(again).toEqual(take);
  },
);

it("round-trips what it keeps to, the bars that were filled, and how it is played", () => {
  const original = makeTake(36, null, BEATS, ORIGIN);
  original.settings.steering = { scale: { root: 2, name: "minor" }, chords: { text: "Dm C", upbeat: 0, stepsPerBar: 12 } };
  original.playback = { ...original.playback, tempo: 80, transpose: -3, loop: { first: 1, last: 2 } };
  const take = original.withGap(2, { start: 12, end: 24, particles: 8 }, 7);
  take.effectiveParticles = 3.5;
  take.finish("done");
  const { settings, playback, gap, effectiveParticles, rows } = fromRecord(structuredClone(toRecord(take, "demo")), BEATS, LIMITS);
  expect({ settings, playback, gap, effectiveParticles, rows }).toEqual({
    ...{ settings: take.settings, playback: original.playback, gap: take.gap },
    ...{ effectiveParticles: 3.5, rows: take.rows },
  });
  expect(settings.steering!.chords!.text).toBe("C Dm"); // from bar 2 on
});

it("has the length so far of a take that is still being generated", () => {
  const take = makeTake(5);
  take.state = "generating";
  take.settings.steps = 0;
  const again = fromRecord(toRecord(take, "demo"), BEATS, LIMITS);
  expect([again.settings.steps, again.rows.length, again.complete]).toEqual([5, 5, true]);
});

it("refuses another grid, settings beyond the limits, and damaged music", () => {
  const record = toRecord(makeTake(5), "demo");
  expect(() => fromRecord(record, SECONDS, LIMITS)).toThrow("another grid");
  expect(() => fromRecord({ ...record, settings: { ...record.settings, seed: -1 } }, BEATS, LIMITS)).toThrow("seed");
  expect(() => fromRecord({ ...record, rows: Uint8Array.of(3, 60) }, BEATS, LIMITS)).toThrow("damaged");
  expect(() => fromRecord({ ...record, id: undefined as never }, BEATS, LIMITS)).toThrow("damaged");
});

it("drops the oldest records that are not kept", () => {
  const records = [3, 1, 4, 2].map((created) => ({ id: `t${created}`, created, kept: created === 1 }));
  expect(surplus(records, 2)).toEqual(["t2"]);
  expect(surplus(records, 3)).toEqual([]);
});
