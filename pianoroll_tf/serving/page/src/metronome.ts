// The metronome: the beats of a recording, the count-in before them, and clicks on the audio clock.

/** The beats of a bar in quarter notes per minute: "6/8" at 120 has six beats, four per second. */
export interface Pulse {
  beatsPerBar: number;
  secondsPerBeat: number;
}

export function pulse(tempo: number, meter: string): Pulse {
  const [beats, noteValue] = meter.split("/").map(Number);
  return { beatsPerBar: beats || 4, secondsPerBeat: (60 / tempo) * (4 / (noteValue || 4)) };
}

/** The beats from `from` to before `to` seconds, counted from the first beat after the count-in. */
export function beatsBetween(from: number, to: number, { secondsPerBeat, beatsPerBar }: Pulse): { time: number; strong: boolean }[] {
  const beats = [];
  for (let beat = Math.ceil(from / secondsPerBeat - 1e-9); beat * secondsPerBeat < to - 1e-9; beat++) {
    beats.push({ time: beat * secondsPerBeat, strong: ((beat % beatsPerBar) + beatsPerBar) % beatsPerBar === 0 });
  }
  return beats;
}

/** What is said at a time: "4", "3", "2", "1" before the first beat, then "bar 2, beat 3". */
export function count(time: number, { secondsPerBeat, beatsPerBar }: Pulse): string {
  const beat = Math.floor(time / secondsPerBeat + 1e-9);
  if (beat < 0) return String(-beat);
  return `bar ${Math.floor(beat / beatsPerBar) + 1}, beat ${(beat % beatsPerBar) + 1}`;
}

/** A short click at a time of the audio context, higher at the beginning of a bar. */
export function click(context: BaseAudioContext, when: number, strong: boolean, output: AudioNode = context.destination): void {
  const oscillator = new OscillatorNode(context, { frequency: strong ? 1760 : 1175 });
  const gain = new GainNode(context, { gain: strong ? 0.25 : 0.15 });
  gain.gain.setTargetAtTime(0, when, 0.012);
  oscillator.connect(gain).connect(output);
  oscillator.start(when);
  oscillator.stop(when + 0.06);
  oscillator.onended = () => gain.disconnect();
}
