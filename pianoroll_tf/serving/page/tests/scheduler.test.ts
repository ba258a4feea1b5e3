import { expect, it } from "vitest";
import { makeBars } from "../src/bars";
import { makeGrid } from "../src/grid";
import { DEFAULT_PLAYBACK, type Playback } from "../src/playback";
import type { Row } from "../src/roll";
import { Scheduler } from "../src/scheduler";

const BARS = makeBars(makeGrid(null, 4, 120), "4/4", 120);

/** Music of one rising note per step, 8 steps per second, and what is scheduled of it. */
function playing(steps: number, playback: Partial<Playback> = {}, fromStep = 0) {
  const rows: Row[] = Array.from({ length: steps }, (_, step) => [24 + (step % 84)]);
  const music = {
    rows,
    complete: true,
    stepsPerSecond: 8,
    bars: BARS,
    playback: { ...DEFAULT_PLAYBACK, ...playback },
    append: (more: number) => rows.push(...Array.from({ length: more }, (_, i) => [24 + ((rows.length + i) % 84)])),
  };
  const heard: { pitch: number; when: number }[] = [];
  const clicks: { when: number; strong: boolean }[] = [];
  const sink = {
    playRow: (row: Row, when: number) => void heard.push({ pitch: row[0]!, when }),
    click: (when: number, strong: boolean) => void clicks.push({ when, strong }),
  };
  return { music, heard, clicks, scheduler: new Scheduler(music, sink, fromStep) };
}

const rounded = (value: number) => Math.round(value * 1e6) / 1e6;

it("plays each step once, ahead of time, and ends", () => {
  const { heard, scheduler } = playing(4);
  expect(scheduler.advance(1, 1.2)).toBe(true);
  expect(heard.map(({ when }) => rounded(when))).toEqual([1.06, 1.185]);
  expect(scheduler.advance(1.3, 1.8)).toBe(true);
  expect(heard.map(({ pitch }) => pitch)).toEqual([24, 25, 26, 27]);
  expect(scheduler.stepAt(1.06 + 0.125 * 2.5)).toBeCloseTo(2.5);
  expect(scheduler.advance(1.5, 2)).toBe(true); // the last step sounds
  expect(scheduler.advance(1.57, 2.1)).toBe(false);
  expect([scheduler.stepAt(9), scheduler.waits]).toEqual([4, 0]);
});

it("repeats the bars of a loop without a break", () => {
  const { heard, scheduler } = playing(64, { loop: { first: 2, last: 2 } }, 14);
  scheduler.advance(0, 4.4);
  expect(heard.map(({ pitch }) => pitch - 24).slice(0, 20)).toEqual([14, 15, ...Array.from({ length: 16 }, (_, i) => 16 + i), 16, 17]);
  const gaps = heard.slice(1).map(({ when }, i) => rounded(when - heard[i]!.when));
  expect(new Set(gaps)).toEqual(new Set([0.125]));
});

it("changes tempo, transposition and metronome while it plays", () => {
  const { music, heard, clicks, scheduler } = playing(64);
  scheduler.advance(0, 0.4);
  music.playback = { ...DEFAULT_PLAYBACK, tempo: 50, transpose: 12, metronome: true };
  scheduler.advance(0.3, 1.5);
  expect(heard.slice(0, 6).map(({ pitch, when }) => [pitch, rounded(when)])).toEqual([
    [24, 0.06], [25, 0.185], [26, 0.31], [39, 0.435], [40, 0.685], [41, 0.935],
  ]);
  expect(clicks.map(({ when, strong }) => [rounded(when), strong])).toEqual([[0.685, false]]);
});

it("clicks four times per bar, whatever the swing", () => {
  const { clicks, scheduler } = playing(32, { metronome: true, swing: 60 });
  scheduler.advance(0, 9);
  expect(clicks.map(({ when }) => rounded(when - 0.06))).toEqual([0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5]);
  expect(clicks.map(({ strong }) => strong)).toEqual([true, false, false, false, true, false, false, false]);
});

it("waits for a second of music before it begins, and again after it has caught up with the generation", () => {
  const { music, heard, scheduler } = playing(7);
  music.complete = false;
  scheduler.advance(0, 0.5);
  expect(heard).toEqual([]);
  music.append(1); // 8 steps: 1 s
  scheduler.advance(1, 1.5);
  expect(rounded(heard[0]!.when)).toBe(1.06);
  for (let now = 1; now < 2; now += 0.1) scheduler.advance(now, now + 0.5);
  expect([heard.length, scheduler.waits]).toEqual([8, 0]); // the last one sounds until 2.06
  music.append(1); // in time: it is played at once
  scheduler.advance(2, 2.5);
  expect([heard.length, rounded(heard[8]!.when)]).toEqual([9, 2.06]);
  scheduler.advance(2.2, 2.7);
  expect(scheduler.waits).toBe(1);
  music.append(4);
  scheduler.advance(2.5, 3);
  expect(heard.length).toBe(9); // not yet: it would stop again at once
  music.append(4);
  scheduler.advance(3, 3.1);
  expect([heard.length, rounded(heard[9]!.when), scheduler.waits]).toEqual([10, 3.06, 1]);
});

it("never schedules in the past, however busy the page is while the music arrives", () => {
  let seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647; // the same in every run
  const { music, heard, scheduler } = playing(0);
  music.complete = false;
  const late: number[] = [];
  for (let now = 0; now < 120; now += random() < 0.05 ? 2 * random() : 0.05) {
    if (music.rows.length < 8 * now + 40) music.append(32);
    const before = heard.length;
    scheduler.advance(now, now + 0.5);
    late.push(...heard.slice(before).map(({ when }) => when - now).filter((ahead) => ahead <= 0));
  }
  expect(late).toEqual([]);
  expect(heard.length).toBeGreaterThan(500);
  expect(heard.map(({ pitch }) => pitch)).toEqual(heard.map((_, step) => 24 + (step % 84))); // nothing left out
  expect(heard.every(({ when }, i) => i === 0 || when > heard[i - 1]!.when)).toBe(true);
});
