import { expect, it } from "vitest";
import { beatsBetween, count, pulse } from "../src/metronome";
import { noteOff, noteOn, parseNote } from "../src/midi";
import { letterOf, octaveChange, pitchOf, semitoneOf } from "../src/qwerty";
import { quantise, Recording } from "../src/recording";

it("has the keys of a piano on a computer keyboard", () => {
  expect(pitchOf(semitoneOf("KeyA")!, 4)).toBe(60);
  expect(["KeyW", "KeyJ", "KeyK", "Semicolon"].map(semitoneOf)).toEqual([1, 11, 12, 16]);
  expect([semitoneOf("KeyQ"), octaveChange("KeyZ"), octaveChange("KeyX"), octaveChange("KeyA")]).toEqual([null, -1, 1, 0]);
  expect([letterOf(0), letterOf(16)]).toEqual(["A", ";"]);
});

it("reads the notes of MIDI messages on any channel", () => {
  expect(parseNote([0x93, 60, 100])).toEqual({ pitch: 60, on: true });
  expect(parseNote([0x93, 60, 0])).toEqual({ pitch: 60, on: false });
  expect(parseNote([0x80, 60, 64])).toEqual({ pitch: 60, on: false });
  expect(parseNote([0xb0, 64, 127])).toBeNull();
  expect(parseNote([0xfe])).toBeNull();
  expect(parseNote(noteOn(60, 80))).toEqual({ pitch: 60, on: true });
  expect(parseNote(noteOff(60))).toEqual({ pitch: 60, on: false });
});

it("clicks on the beats, and counts down to the first", () => {
  const waltz = pulse(120, "3/4");
  expect(waltz).toEqual({ beatsPerBar: 3, secondsPerBeat: 0.5 });
  expect(pulse(120, "6/8").secondsPerBeat).toBe(0.25);
  expect(beatsBetween(-1.5, 0.5, waltz)).toEqual([
    { time: -1.5, strong: true },
    { time: -1, strong: false },
    { time: -0.5, strong: false },
    { time: 0, strong: true },
  ]);
  expect([-1.5, -1.2, -0.1, 0, 1.4, 1.5].map((time) => count(time, waltz))).toEqual([
    "3", "3", "1", "bar 1, beat 1", "bar 1, beat 3", "bar 2, beat 1",
  ]);
});

it("records notes, without those of the count-in", () => {
  const recording = new Recording();
  recording.noteOn(40, -1);
  recording.noteOff(40, -0.5);
  recording.noteOn(60, -0.1);
  recording.noteOn(64, 0.5);
  recording.noteOff(60, 0.9);
  recording.noteOff(99, 0.9); // was never struck
  expect(recording.notes(2)).toEqual([
    { pitch: 60, start: -0.1, end: 0.9 },
    { pitch: 64, start: 0.5, end: 2 },
  ]);
});

it("moves notes to the grid: whole bars, early notes on the first beat, repeated notes struck again", () => {
  const notes = [
    { pitch: 60, start: -0.1, end: 0.24 },
    { pitch: 60, start: 0.26, end: 0.27 },
    { pitch: 67, start: 0.24, end: 0.52 },
    { pitch: 12, start: 0, end: 9 },
  ];
  expect(quantise(notes, 8, 8)).toEqual([[60], [60], [-60, 67], [67], [], [], [], []]);
  expect(quantise([{ pitch: 60, start: 1.1, end: 1.2 }], 8, 4)).toEqual([[], [60], [], []]);
  expect(quantise([], 8, 8)).toEqual([]);
});
