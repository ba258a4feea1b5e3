import { expect, it } from "vitest";
import { PianoOrMidi } from "../src/instrument";
import { heardOffset, MidiOut, steadied } from "../src/midiout";
import type { Voice } from "../src/piano";

/** An audio clock whose time 10 s is heard at 5000 ms. */
const clock = { currentTime: 10.1, getOutputTimestamp: () => ({ contextTime: 10, performanceTime: 5000 }) };
const silent = { currentTime: 0.5, getOutputTimestamp: () => ({ contextTime: 0, performanceTime: 0 }) };

/** A port that records what it is sent, in hexadecimal; `clear` counts. */
function fakePort() {
  const sent: [string, number][] = [];
  const hex = (data: number[]) => data.map((byte) => byte.toString(16)).join(" ");
  return { sent, cleared: 0, send: (data: number[], time = 0) => void sent.push([hex(data), time]), clear() { this.cleared++; } };
}

it("knows when a time of the audio clock is heard", () => {
  expect(heardOffset(clock, 0)).toBe(-5000); // 10 s - 5 s
  expect(heardOffset(silent, 400)).toBe(-100);
});

it("follows a jittering measurement slowly", () => {
  expect([steadied(null, 7), steadied(7, 7.5), steadied(7, 50), steadied(7, -50), steadied(7, 900)]).toEqual([7, 7.5, 8, 6, 900]);
});

it("sends nothing when it is stopped without having played", () => {
  const port = fakePort();
  new MidiOut(port).stop();
  expect([port.sent, port.cleared]).toEqual([[], 0]);
});

it("schedules notes on the clock of the audio, ends before beginnings, and nothing in the past", () => {
  const port = fakePort();
  const out = new MidiOut(port, () => 5100);
  out.play([{ pitch: 60, on: true, when: 10.5 }, { pitch: 60, on: false, when: 10.5 }, { pitch: 64, on: true, when: 9 }], clock);
  expect(port.sent).toEqual([["90 40 50", 5100], ["80 3c 0", 5500], ["90 3c 50", 5500]]);
});

it("ends everything when it is stopped, and takes back what is not yet heard", () => {
  const port = fakePort();
  const out = new MidiOut(port, () => 5100);
  out.play([{ pitch: 60, on: true, when: 10 }, { pitch: 64, on: true, when: 11 }], clock);
  port.sent.length = 0;
  out.stop();
  expect(port.cleared).toBe(1);
  expect(port.sent).toEqual([["80 3c 0", 5100], ["80 40 0", 5100], ["b0 7b 0", 5100], ["b0 78 0", 5100]]);
});

it("ends late notes as soon as they begin where a port cannot take them back", () => {
  const { sent, send } = fakePort();
  const out = new MidiOut({ send }, () => 5100);
  out.play([{ pitch: 64, on: true, when: 11 }], clock);
  out.stop();
  expect(sent.at(-1)).toEqual(["80 40 0", 6001]);
});

it("plays on the piano unless a MIDI device is chosen", async () => {
  const played: number[] = [];
  const voice: Voice = { noteOff: () => undefined };
  const piano = { load: () => Promise.reject(new Error("no samples")), noteOn: (_: unknown, __: unknown, pitch: number) => (played.push(pitch), voice) };
  const instrument = new PianoOrMidi(piano);
  expect(instrument.noteOn(clock as AudioContext, null as never, 60, 10)).toBe(voice);
  const port = fakePort();
  instrument.midi = new MidiOut(port, () => 5000);
  await instrument.load(); // needs no samples
  instrument.noteOn(clock as AudioContext, null as never, 62, 10.1).noteOff(10.2);
  expect(played).toEqual([60]);
  expect(port.sent).toEqual([["90 3e 50", expect.closeTo(5100)], ["80 3e 0", expect.closeTo(5200)]]);
});
