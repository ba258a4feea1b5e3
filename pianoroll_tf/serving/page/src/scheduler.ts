// Decides when each step of a roll is heard, on any clock: ahead of time, in order, and never in the past.
import { beatsAt, loopSteps, type Performance, stepTime, transposed } from "./playback";
import type { Roll, Row } from "./roll";

/** A roll that can be played; `rows` may grow until `complete`, and `playback` may change at any time. */
export interface Playable extends Performance {
  readonly rows: Roll;
  readonly complete: boolean;
}

/** What is scheduled, at times of the clock, in seconds. */
export interface Sink {
  playRow(row: Row, when: number): void;
  click(when: number, strong: boolean): void;
}

const START_DELAY_SECONDS = 0.06; // from Play, or from a delay, to the first step
const MARGIN_SECONDS = 0.005; // a step that would begin earlier than that from now is late
const READY_SECONDS = 1; // of music that must be there before playback begins while it is still generated

export class Scheduler {
  /** How often playback had to wait: for music that was not generated yet, or because the page was busy. */
  waits = 0;
  private step: number; // the first step that is not scheduled
  private time = -Infinity; // of its beginning
  private isWaiting = true;
  private scheduled: { step: number; time: number; end: number }[] = [];

  constructor(
    private readonly music: Playable,
    private readonly sink: Sink,
    fromStep: number,
  ) {
    this.step = Math.max(0, Math.floor(fromStep));
  }

  /** Schedules everything that begins before `until`; returns false when the music is over. */
  advance(now: number, until: number): boolean {
    while (this.time < until) {
      if (this.step >= this.music.rows.length) {
        if (this.music.complete) return this.time > now;
        if (this.time > now) return true; // more of it may arrive in time
        if (!this.isWaiting) this.waits++;
        this.isWaiting = true;
      }
      if (this.isWaiting && !this.isReady()) return true;
      const isLate = this.time < now + MARGIN_SECONDS;
      if (isLate && !this.isWaiting) this.waits++;
      if (isLate) this.time = now + START_DELAY_SECONDS;
      this.isWaiting = false;
      this.scheduleStep(now);
    }
    return true;
  }

  /** The step that is heard at a time, fractional. */
  stepAt(now: number): number {
    const heard = this.scheduled.findLast(({ time }) => time <= now) ?? this.scheduled[0];
    if (!heard) return Math.min(this.step, this.music.rows.length);
    const part = (now - heard.time) / (heard.end - heard.time);
    return heard.step + Math.max(0, Math.min(1, part));
  }

  private isReady(): boolean {
    const { rows, complete } = this.music;
    const ahead = stepTime(rows.length, this.music) - stepTime(this.step, this.music);
    return this.step < rows.length && (complete || ahead >= READY_SECONDS);
  }

  private scheduleStep(now: number): void {
    const { step, time, music } = this;
    const { rows, complete, playback, bars } = music;
    this.sink.playRow(transposed(rows[step]!, playback.transpose), time);
    const begin = stepTime(step, music);
    if (playback.metronome) {
      for (const beat of beatsAt(step, bars)) this.sink.click(time + stepTime(beat.step, music) - begin, beat.strong);
    }
    const end = time + stepTime(step + 1, music) - begin;
    this.scheduled = this.scheduled.filter((one) => one.end > now - 1);
    this.scheduled.push({ step, time, end });
    const loop = loopSteps(music, rows.length, complete);
    this.step = loop && step + 1 === loop[1] ? loop[0] : step + 1;
    this.time = end;
  }
}
