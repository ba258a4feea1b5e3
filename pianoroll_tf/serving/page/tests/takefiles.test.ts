import { expect, it } from "vitest";
import { DEFAULT_PLAYBACK } from "../src/playback";
import { familyName, familyTree, renderRequest } from "../src/takefiles";
import { makeTake } from "./takes";

it("asks for exactly what is heard, from the beginning of the music before the primer", () => {
  const clock = { tempo: 90, meter: "3/4", place: 2 };
  const take = makeTake(5, { name: "a", roll: [[60]], lead: Array(4).fill([59]), clock });
  const request = renderRequest(take, "demo", "midi");
  expect(request.roll).toEqual(take.rows);
  expect(request.roll.length).toBe(10);
  // The primer begins 2 steps after a bar line, the music 4 steps earlier: 10 steps into the bar of 12
  expect(request).toMatchObject({ tempo: 90, meter: "3/4", place: 10, title: "demo, seed 5", output: "midi" });
  expect(renderRequest(makeTake(5), "demo", "musicxml")).toMatchObject({ tempo: 120, meter: "3/4", place: 0 });
});

it("asks for what is heard: tempo, time signature, transposition, and of a loop its bars", () => {
  const take = makeTake(36); // three bars of 3/4
  take.playback = { ...DEFAULT_PLAYBACK, tempo: 50, transpose: 2, loop: { first: 2, last: 2 } };
  const request = renderRequest(take, "demo", "midi");
  expect(request).toMatchObject({ tempo: 60, meter: "3/4", place: 0 });
  expect([request.roll.length, request.roll[0]]).toEqual([12, [74]]);
  take.playback = { ...take.playback, meter: "4/4", loop: { first: 2, last: 2 } };
  expect(renderRequest(take, "demo", "midi")).toMatchObject({ meter: "4/4", place: 0, roll: { length: 16 } });
});

it("says how the takes of a family are related, and what could not be written", () => {
  const root = makeTake(4, null, undefined, { id: "a" });
  const child = makeTake(4, null, undefined, { id: "b", ancestors: ["a"], deed: "continued at bar 2, beat 3" });
  child.number = 2;
  expect(familyName(child)).toBe("take-2-continued-at-bar-2-beat-3");
  expect(familyTree([root, child], new Map([[child, "too long"]]))).toBe(
    "Take 1: seed 5 · temperature 1 · version 1 · from scratch\n" +
      "  Take 2: continued at bar 2, beat 3; seed 5 · temperature 1 · version 1\n" +
      "    (no MusicXML: too long)\n",
  );
});
