import { expect, it } from "vitest";
import { continuePlan, fourPlans, keepPlan, varyPlan } from "../src/takeplan";
import { makeTake, SECONDS } from "./takes";

const ASKED = { version: 2, steps: 100, seed: 5, temperature: 1.5, top_p: 1, density: 1 };
const MAX = 1000;

it("continues with what is before the playhead, by the settings of the form and another seed", () => {
  const take = makeTake(36, null, undefined, { id: "b", ancestors: ["a"] });
  const { settings, primer, origin } = continuePlan(take, 16, ASKED, MAX);
  expect(primer).toEqual({ name: "Take 1 up to bar 2, beat 2", roll: take.rows.slice(0, 16) });
  expect({ ...settings, seed: 5 }).toEqual(ASKED);
  expect(settings.seed).not.toBe(5);
  expect(origin).toEqual({ ancestors: ["b", "a"], deed: "continued at bar 2, beat 2" });
});

it("varies the rest: as long as before, by the same settings", () => {
  const take = makeTake(36);
  const { settings, primer, origin } = varyPlan(take, 24, MAX);
  expect([primer!.roll.length, settings.steps, settings.temperature]).toEqual([24, 12, 1]);
  expect(origin.deed).toBe("varied from bar 3 on");
  expect(settings.seed).not.toBe(take.settings.seed);
});

it("varies everything but the primer if there is no rest, or the playhead is in the primer", () => {
  const primer = { name: "Bach", roll: [[60], [60], [60], [60]] };
  for (const step of [2, 40]) {
    const plan = varyPlan(makeTake(36, primer), step, MAX);
    expect([plan.primer, plan.settings.steps]).toEqual([primer, 36]);
  }
  const plan = varyPlan(makeTake(36), 36, MAX);
  expect([plan.primer, plan.settings.steps, plan.origin.deed]).toEqual([null, 36, "varied"]);
});

it("makes four variations together, with four seeds", () => {
  const plans = fourPlans(makeTake(36), 12, MAX);
  expect(new Set(plans.map((plan) => plan.settings.seed)).size).toBeGreaterThan(1);
  expect(new Set(plans.map((plan) => plan.origin.batch)).size).toBe(1);
  expect(new Set(plans.map((plan) => plan.origin.created)).size).toBe(1);
  expect(plans[0]!.origin.batch).not.toBe("");
});

it("keeps bars, of which the first begins at a bar line", () => {
  const clock = { tempo: 90, meter: "3/4", place: 8 }; // one beat before a bar line
  const take = makeTake(36, { name: "a", roll: [[60], [60], [60], [60]], clock });
  const kept = keepPlan(take, 2, 3, ASKED, MAX);
  expect(kept.primer).toEqual({ name: "Take 1, bars 2 to 3", roll: take.rows.slice(4, 28), clock: { ...clock, place: 0 } });
  expect(kept.origin.deed).toBe("bars 2 to 3 kept");
  expect(keepPlan(take, 1, 1, ASKED, MAX).primer!.clock).toEqual(clock);
});

it("begins what is kept with the notes that sound there", () => {
  const take = makeTake(24);
  take.append([[-60, 64]]);
  expect(keepPlan(take, 3, 3, ASKED, MAX).primer!.roll).toEqual([[60, 64]]);
});

it("does not send what the model cannot take, but keeps it, cut at a bar line", () => {
  const take = makeTake(48);
  const { primer } = continuePlan(take, 44, ASKED, 24);
  expect([primer!.lead!.length, primer!.roll.length]).toEqual([24, 20]);
  expect([...primer!.lead!, ...primer!.roll]).toEqual(take.rows.slice(0, 44));
  expect(primer!.clock).toBeUndefined(); // it begins at a bar line
  const narrow = continuePlan(take, 44, ASKED, 6).primer!; // shorter than a bar
  expect([narrow.roll.length, narrow.clock!.place]).toEqual([6, 2]);
});

it("has no clock on a grid of seconds, unless a file brought one", () => {
  const { primer, origin } = continuePlan(makeTake(80, null, SECONDS), 12, ASKED, MAX);
  expect([primer!.clock, origin.deed]).toEqual([undefined, "continued at 0:01.5"]);
});

it("goes on with the chords where the variation begins, and is played as the take is", () => {
  const take = makeTake(36);
  take.settings.steering = { chords: { text: "C Am G", upbeat: 0, stepsPerBar: 12 } };
  take.playback = { ...take.playback, tempo: 80, loop: { first: 1, last: 2 } };
  const { settings, playback } = varyPlan(take, 24, MAX);
  expect(settings.steering).toEqual({ chords: { text: "G C Am", upbeat: 0, stepsPerBar: 12 } });
  expect(playback).toMatchObject({ tempo: 80, loop: null });
});

it("fills the same bars again when a take with filled bars is varied as a whole", () => {
  const take = makeTake(36).withGap(2, { start: 12, end: 24, particles: 8 }, 7);
  expect(take.origin.deed).toBe("bar 2 filled");
  const [one, two] = fourPlans(take, 36, MAX);
  expect([one!.filling!.gap, one!.origin.deed]).toEqual([take.gap, "the same bars filled again"]);
  expect([one!.origin.batch === two!.origin.batch, one!.origin.ancestors]).toEqual([true, [take.origin.id, ...take.origin.ancestors]]);
  expect(varyPlan(take, 12, MAX).filling).toBeUndefined();
});
