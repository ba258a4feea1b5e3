import { describe, expect, it } from "vitest";
import { makeBars } from "../src/bars";
import { makeGrid } from "../src/grid";
import {
  beatsAt,
  DEFAULT_PLAYBACK,
  describePlayback,
  makeScore,
  stepTime,
  transposed,
  validatePlayback,
} from "../src/playback";

const GRID = makeGrid(null, 4, 120); // 8 steps per second
const performance = (changed = {}, meter = "4/4", place = 0) => ({
  stepsPerSecond: 8,
  bars: makeBars(GRID, meter, 120, place),
  playback: { ...DEFAULT_PLAYBACK, ...changed },
});
const times = (changed = {}, steps = [0, 1, 2, 3, 4, 6]) => steps.map((step) => stepTime(step, performance(changed)));

describe("the times of steps", () => {
  it("are even at first", () => expect(times()).toEqual([0, 0.125, 0.25, 0.375, 0.5, 0.75]));
  it("are halved at twice the tempo", () => expect(times({ tempo: 200 })).toEqual([0, 0.0625, 0.125, 0.1875, 0.25, 0.375]));

  it("with swing have a longer first eighth; quarters stay", () => {
    const triplet = times({ swing: 200 / 3 }).map((time) => Math.round(time * 1e6) / 1e6);
    expect(triplet).toEqual([0, 0.166667, 0.333333, 0.416667, 0.5, 0.833333]);
    expect(times({ swing: 40 }).map((time) => Math.round(time * 1e6) / 1e6)).toEqual([0, 0.15, 0.3, 0.4, 0.5, 0.8]);
  });

  it("begin with 0 within a quarter, too", () => {
    expect(stepTime(0, performance({ swing: 60 }, "4/4", 3))).toBe(0);
  });
});

it("transposes, keeps repeated notes, and moves pitches beyond the piano by an octave", () => {
  expect(transposed([60, -64], 3)).toEqual([63, -67]);
  expect(transposed([60, 107], 12)).toEqual([72, 107]); // 119 is 107 again
  expect(transposed([24, 36], -12)).toEqual([24]); // 12 is 24 again, which 36 has become
  expect(transposed([-24, 36], -12)).toEqual([-24]);
});

it("clicks on each beat, and stronger on the first of a bar", () => {
  const bars = performance({}, "3/4", 10).bars; // the bar line is 2 steps away
  const found = [0, 1, 2, 3, 4, 5, 6].flatMap((step) => beatsAt(step, bars));
  expect(found).toEqual([{ step: 2, strong: true }, { step: 6, strong: false }]);
});

describe("the score to render", () => {
  const rows = Array.from({ length: 40 }, (_, step) => [48 + step]);

  it("is the whole take, transposed, with one time more than rows", () => {
    const score = makeScore(rows, performance({ tempo: 50, transpose: -2 }));
    expect([score.rows.length, score.rows[1], score.times.length, score.times[40]]).toEqual([40, [47], 41, 10]);
  });

  it("is the loop once, from 0 s on", () => {
    const score = makeScore(rows, performance({ loop: { first: 2, last: 2 } }));
    expect([score.rows.length, score.rows[0], score.times[0], score.times[16]]).toEqual([16, [64], 0, 2]);
  });

  it("is the whole take if the loop is beyond its end", () => {
    expect(makeScore(rows, performance({ loop: { first: 4, last: 9 } })).rows.length).toBe(40);
  });
});

it("is described by what was changed", () => {
  expect(describePlayback(DEFAULT_PLAYBACK)).toBe("");
  const changed = { tempo: 80, swing: 50, transpose: -1, loop: { first: 3, last: 4 }, metronome: true, meter: "3/4" };
  expect(describePlayback(changed)).toBe("80 % tempo · swing 50 % · −1 semitone · loop of bars 3 to 4 · metronome");
});

it("is checked when it comes from storage", () => {
  const good = { tempo: 80, swing: 50, transpose: -1, loop: { first: 3, last: 4 }, metronome: true, meter: "3/4" };
  expect(validatePlayback(good)).toEqual(good);
  const bad = { tempo: 0, swing: 71, transpose: 0.5, loop: { first: 4, last: 3 }, metronome: 1, meter: "3/5" };
  for (const value of [bad, null, 7, undefined]) expect(validatePlayback(value)).toEqual(DEFAULT_PLAYBACK);
});
