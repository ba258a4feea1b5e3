import { expect, it } from "vitest";
import { makeGrid } from "../src/grid";
import {
  cut,
  defaultSelection,
  describeLine,
  describeSelection,
  lineBeside,
  moveBoth,
  moveEnd,
  moveStart,
  type Music,
  selectionLines,
} from "../src/selection";

const beats = makeGrid(null, 4, 120);
const seconds = makeGrid(8, null);
const clock = { tempo: 120, meter: "4/4", place: 0 };
const silence = (steps: number) => Array.from({ length: steps }, () => []);
const FOUR = { step: 0, meter: "4/4", bar_steps: 16 };
const song: Music = { name: "song.mid", roll: silence(206 * 8), clock, meters: [FOUR] }; // 103 bars, 3:26
const lines = selectionLines(song, beats);
const MOST = 1024;

it("has lines at the bars of each time signature, also with a pickup", () => {
  const roll = silence(50);
  const meters = [{ step: -12, meter: "4/4", bar_steps: 16 }, { step: 20, meter: "3/4", bar_steps: 12 }];
  expect(selectionLines({ name: "", roll, clock, meters }, beats)).toEqual([0, 4, 20, 32, 44, 50]);
});

it("has lines at the seconds before the end where there are no bars", () => {
  expect(selectionLines({ name: "", roll: silence(28), meters: [] }, seconds)).toEqual([0, 4, 12, 20, 28]);
});

it("selects the last eight bars", () => {
  const selection = defaultSelection(lines, beats, MOST);
  expect(selection).toEqual({ from: 95 * 16, to: 103 * 16 });
  expect(describeSelection(selection, lines, song, beats)).toBe("the last 8 bars of 3:26");
  const short: Music = { ...song, roll: silence(40) };
  const all = defaultSelection(selectionLines(short, beats), beats, MOST);
  expect(describeSelection(all, selectionLines(short, beats), short, beats)).toBe("all of it, 0:05");
});

it("selects the last 16 seconds where there are no bars", () => {
  const music: Music = { name: "", roll: silence(206 * 8), meters: [] };
  const selection = defaultSelection(selectionLines(music, seconds), seconds, MOST);
  expect(selection).toEqual({ from: 190 * 8, to: 206 * 8 });
  expect(describeSelection(selection, selectionLines(music, seconds), music, seconds)).toBe("the last 16 seconds of 3:26");
});

it("keeps one bar between the handles, of which the other gives way", () => {
  const selection = { from: 160, to: 288 };
  expect(moveStart(selection, 70, lines, MOST)).toEqual({ from: 64, to: 288 });
  expect(moveStart(selection, 400, lines, MOST)).toEqual({ from: 400, to: 528 });
  expect(moveStart(selection, 1e9, lines, MOST)).toEqual({ from: 102 * 16, to: 103 * 16 });
  expect(moveEnd(selection, 100, lines, MOST)).toEqual({ from: 0, to: 96 });
  expect(moveEnd(selection, -5, lines, MOST)).toEqual({ from: 0, to: 16 });
  expect(moveBoth(selection, 480, lines, MOST)).toEqual({ from: 480, to: 608 });
  expect(moveBoth(selection, 1e9, lines, MOST)).toEqual({ from: 95 * 16, to: 103 * 16 });
});

it("selects at most what the server accepts", () => {
  expect(moveStart({ from: 1520, to: 1648 }, 0, lines, 100)).toEqual({ from: 0, to: 96 });
  expect(moveEnd({ from: 0, to: 96 }, 1648, lines, 100)).toEqual({ from: 97 * 16, to: 1648 });
  expect(moveEnd({ from: 0, to: 96 }, 1648, [0, 1648], 100)).toEqual({ from: 1548, to: 1648 });
});

it("names bars and lines", () => {
  expect(describeSelection({ from: 64, to: 192 }, lines, song, beats)).toBe("bars 5 to 12 of 3:26");
  expect(describeSelection({ from: 64, to: 80 }, lines, song, beats)).toBe("bar 5 of 3:26");
  expect(describeLine(64, lines, song, beats)).toBe("bar 5, 0:08");
  expect(describeLine(1648, lines, song, beats)).toBe("the end, 3:26");
  expect([-1, 1, 500].map((count) => lineBeside(lines, 64, count))).toEqual([48, 80, 1648]);
});

it("cuts a part with its place in the bar; held notes begin there", () => {
  const meters = [{ step: 0, meter: "3/4", bar_steps: 12 }, { step: 24, meter: "4/4", bar_steps: 16 }];
  const roll = [...silence(4), [-60, 64], [60, 64], ...silence(34)];
  const music: Music = { name: "a.mid", roll, clock, meters };
  expect(cut(music, { from: 4, to: 24 })).toEqual({
    name: "a.mid",
    roll: [[60, 64], [60, 64], ...silence(18)],
    clock: { tempo: 120, meter: "3/4", place: 4 },
  });
  expect(cut(music, { from: 20, to: 40 }).clock).toEqual({ tempo: 120, meter: "4/4", place: 12 });
  expect(cut({ name: "", roll, meters: [] }, { from: 0, to: 2 })).toEqual({ name: "", roll: silence(2) });
});
