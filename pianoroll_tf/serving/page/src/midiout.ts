// Plays notes on a MIDI device, at the times of the audio clock at which the piano would play them.
import { noteOff, noteOn, SILENCE } from "./midi";

/** The beginning or end of a note at a time of an audio context, in seconds. */
export interface NoteEvent {
  pitch: number;
  on: boolean;
  when: number;
}

/** What is needed of an audio context to tell when its times are heard. */
export type AudioClock = Pick<AudioContext, "currentTime" | "getOutputTimestamp">;

/** What is needed of a MIDI output; some browsers cannot take back what they were sent. */
export interface Port {
  send(data: number[], timestamp?: number): void;
  clear?(): void;
}

const VELOCITY = 80;
const JUMP_MS = 250;
const SLEW_MS = 1;

/** From seconds of an audio context to when they are heard: the milliseconds of `performance.now()` at its time 0. */
export function heardOffset(clock: AudioClock, now: number): number {
  const { contextTime, performanceTime } = clock.getOutputTimestamp();
  if (contextTime && performanceTime) return performanceTime - 1000 * contextTime;
  return now - 1000 * clock.currentTime; // nothing was heard yet
}

/** Follows a measured offset slowly, so that the measurement's jitter is not heard; at once if it is far off. */
export function steadied(offset: number | null, measured: number): number {
  if (offset === null || Math.abs(measured - offset) > JUMP_MS) return measured;
  return offset + Math.max(-SLEW_MS, Math.min(SLEW_MS, measured - offset));
}

export class MidiOut {
  private offset: number | null = null; // see `heardOffset`; null: nothing is being played
  private readonly sounding = new Set<number>(); // when everything was sent
  private scheduled: { pitch: number; time: number }[] = []; // beginnings of notes that may be in the future

  constructor(
    private readonly port: Port,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Schedules notes, whose times may be in the future; one that ends and begins again at a time ends first. */
  play(events: readonly NoteEvent[], clock: AudioClock): void {
    const now = this.now();
    const offset = (this.offset = steadied(this.offset, heardOffset(clock, now)));
    this.scheduled = this.scheduled.filter(({ time }) => time > now);
    for (const { pitch, on, when } of [...events].sort((a, b) => a.when - b.when || Number(a.on) - Number(b.on))) {
      const time = Math.max(now, offset + 1000 * when);
      this.port.send(on ? noteOn(pitch, VELOCITY) : noteOff(pitch), time);
      if (on) this.scheduled.push({ pitch, time });
      if (on) this.sounding.add(pitch);
      else this.sounding.delete(pitch);
    }
  }

  /** Ends all notes now; those that have not begun are not heard. */
  stop(): void {
    if (this.offset === null) return;
    this.offset = null;
    const now = this.now();
    this.port.clear?.();
    const late = this.port.clear ? [] : this.scheduled.filter(({ time }) => time > now);
    for (const pitch of new Set([...this.sounding, ...this.scheduled.map(({ pitch }) => pitch)])) this.port.send(noteOff(pitch), now);
    for (const message of SILENCE) this.port.send([...message], now);
    for (const { pitch, time } of late) this.port.send(noteOff(pitch), time + 1);
    this.sounding.clear();
    this.scheduled = [];
  }
}
