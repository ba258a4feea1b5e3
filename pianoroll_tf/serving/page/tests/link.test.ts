import { expect, it } from "vitest";
import { fromFragment, toFragment, toLink } from "../src/link";
import { LIMITS, PRIMER, SETTINGS } from "./fixtures";

it("is readable", async () => {
  expect(await toFragment({ settings: { ...SETTINGS, seed: 7 }, primer: null })).toBe(
    "version=3&steps=256&seed=7&temperature=0.95&top_p=0.9&density=1.1",
  );
});

const CONTINUED = { ...PRIMER, clock: { tempo: 138, meter: "3/4", place: 4 } };

const LED = { ...CONTINUED, lead: [[59], [-59, 60]] }; // longer than the model takes

it.each([null, PRIMER, CONTINUED, LED])("round-trips settings and primer", async (primer) => {
  const fragment = `#${await toFragment({ settings: SETTINGS, primer })}`;
  expect(await fromFragment(fragment, LIMITS)).toEqual({ settings: SETTINGS, primer });
});

it("round-trips what the music keeps to", async () => {
  const settings = { ...SETTINGS, steering: { chords: { text: "C Am/E", upbeat: 5, stepsPerBar: 16 }, polyphony: 4 } };
  expect(await fromFragment(await toFragment({ settings, primer: null }), LIMITS)).toEqual({ settings, primer: null });
});

it("round-trips a filled gap, in which nothing is kept", async () => {
  const gap = { start: 1, end: 3, particles: 16 };
  const link = { settings: SETTINGS, primer: null, filling: { gap, rows: [[60], [61], [62], [-60, 63]] } };
  const read = await fromFragment(await toFragment(link), LIMITS);
  expect(read).toEqual({ ...link, filling: { gap, rows: [[60], [], [], [-60, 63]] } });
});

it("is not a link without a seed", async () => {
  expect(await fromFragment("", LIMITS)).toBeNull();
  expect(await fromFragment("#takes", LIMITS)).toBeNull();
});

it.each([
  ["steps=70000", "Length must be a whole number from 1 to 65536."],
  ["steps=0", "Length must be"],
  ["seed=1.5", "Seed must be a whole number"],
  ["seed=9007199254740993", "Seed must be"],
  ["temperature=NaN", "Temperature must be a number from 0.05 to 20."],
  ["temperature=", "Temperature must be"],
  ["density=Infinity", "Density must be"],
  ["version=x", "Version must be"],
  ['steering={"polyphony":0.5}', "scale, chords or range are damaged"],
  ["steering={", "cannot be opened"],
  ["gap=0-9-16&whole=AwA", "filled bars are damaged"],
  ["roll=%25", "damaged"],
  ["roll=AwA&lead=9", "damaged"],
  ["roll=AwA&tempo=138&meter=x&place=0", "tempo or time signature is damaged"],
])("refuses %s", async (field, message) => {
  const fields = new URLSearchParams(await toFragment({ settings: SETTINGS, primer: null }));
  for (const [name, value] of new URLSearchParams(field)) fields.set(name, value);
  await expect(fromFragment(fields.toString(), LIMITS)).rejects.toThrow(message);
});

it("says that a link would be too long to be passed on", async () => {
  let state = 1;
  const noise = Array.from({ length: 20_000 }, () => [24 + ((state = (state * 48271) % 2147483647) % 83)]);
  const link = await toLink("http://a/", { settings: SETTINGS, primer: PRIMER });
  expect(link).toBe(`http://a/#${await toFragment({ settings: SETTINGS, primer: PRIMER })}`);
  const long = toLink("http://a/", { settings: SETTINGS, primer: { ...PRIMER, roll: noise } });
  await expect(long).rejects.toThrow(/too long for a link: \d\d,\d{3} characters, of at most 16,000/);
});
