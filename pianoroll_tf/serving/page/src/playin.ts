// Playing in: by the letters of the keyboard, by the keys on the screen or by a MIDI keyboard, with a count-in.
import { byId, showMessage } from "./dom";
import type { Grid } from "./grid";
import { barSteps } from "./lengths";
import { beatsBetween, click, count, type Pulse, pulse } from "./metronome";
import { hasWebMidi, parseNote, requestMidi } from "./midi";
import type { Piano, Voice } from "./piano";
import { octaveChange, OCTAVES, pitchOf, semitoneOf } from "./qwerty";
import { quantise, Recording } from "./recording";
import { noteName } from "./roll";
import { ScreenKeys } from "./screenkeys";
import type { Music } from "./selection";

const NAME = "My playing";
const TEMPO = [40, 240] as const;
const START_DELAY_SECONDS = 0.15; // from pressing Record to the first click
const LOOKAHEAD_SECONDS = 0.3; // how far ahead clicks are scheduled

interface Session {
  recording: Recording;
  pulse: Pulse;
  tempo: number;
  zero: number; // time of the first beat after the count-in, of the audio context
  clicked: number; // until when clicks are scheduled, in seconds from there
  end: number; // when the recording stops by itself
  timer: number;
}

export class PlayIn {
  /** Something was played. */
  onplayed: (music: Music) => void = () => undefined;

  private readonly pane = byId("played-pane");
  private readonly keys = new ScreenKeys(byId("keys"));
  private readonly tempo = byId<HTMLInputElement>("tempo");
  private context: AudioContext | null = null;
  private session: Session | null = null;
  private octave = 4;
  private readonly voices = new Map<string, { pitch: number; voice: Voice | null }>(); // by what holds them

  constructor(
    private readonly piano: Piano,
    private readonly grid: Grid,
    private readonly meter: string,
    tempo: number,
    private readonly maxSteps: number,
  ) {
    this.tempo.value = String(Math.round(tempo));
    [this.tempo.min, this.tempo.max] = TEMPO.map(String) as [string, string];
    byId("record").addEventListener("click", () => void (this.session ? this.finish() : this.record()));
    byId("midi-in").hidden = !hasWebMidi();
    byId("midi-in").addEventListener("click", () => void this.connectMidi());
    for (const [id, change] of [["octave-down", -1], ["octave-up", 1]] as const) {
      byId(id).addEventListener("click", () => this.setOctave(this.octave + change));
    }
    this.setOctave(4);
    this.keys.onpress = (holder, pitch, time) => this.press(holder, pitch, time);
    this.keys.onrelease = (holder, time) => this.release(holder, time);
    window.addEventListener("keydown", (event) => this.handleKeyDown(event), true);
    window.addEventListener("keyup", (event) => this.release(event.code), true);
    window.addEventListener("blur", () => this.releaseAll());
  }

  private async record(): Promise<void> {
    const context = await this.openAudio();
    showMessage(byId("playin-error"), "");
    const tempo = Math.max(TEMPO[0], Math.min(TEMPO[1], Number(this.tempo.value) || 120));
    this.tempo.value = String(tempo);
    const beats = pulse(tempo, this.meter);
    const countIn = beats.beatsPerBar * beats.secondsPerBeat;
    this.session = {
      recording: new Recording(),
      pulse: beats,
      tempo,
      zero: context.currentTime + START_DELAY_SECONDS + countIn,
      clicked: -countIn,
      end: this.maxSteps / this.stepsPerSecond(tempo),
      timer: window.setInterval(() => this.tick(), 50),
    };
    this.tick();
    byId("record-label").textContent = "Stop";
    byId("record").classList.add("on");
  }

  /** Schedules clicks, and says the beat. */
  private tick(): void {
    const { session, context } = this;
    if (!session || !context) return;
    if (this.pane.hidden) { // the user chose another way to begin
      this.releaseAll();
      return this.end();
    }
    const now = context.currentTime - session.zero;
    for (const beat of beatsBetween(session.clicked, now + LOOKAHEAD_SECONDS, session.pulse)) {
      click(context, Math.max(context.currentTime, session.zero + beat.time), beat.strong);
    }
    session.clicked = Math.max(session.clicked, now + LOOKAHEAD_SECONDS);
    const text = count(Math.max(now, -session.pulse.beatsPerBar * session.pulse.secondsPerBeat), session.pulse);
    if (byId("playin-count").textContent !== text) byId("playin-count").textContent = text;
    byId("playin-count").classList.toggle("counting", now < 0);
    if (now > session.end) this.finish();
  }

  /** Ends the recording, and hands over what was played. */
  private finish(): void {
    const { session } = this;
    this.releaseAll();
    if (!session || !this.context) return;
    const { tempo, recording } = session;
    const notes = recording.notes(this.context.currentTime - session.zero);
    this.end();
    const beats = this.grid.unit === "beats";
    const stepsPerSecond = this.stepsPerSecond(tempo);
    const bar = beats ? barSteps(this.meter, this.grid.stepsPerUnit) : Math.round(stepsPerSecond);
    const roll = quantise(notes, stepsPerSecond, bar).slice(0, this.maxSteps);
    if (roll.length === 0) {
      return showMessage(byId("playin-error"), "Nothing was played. Press Record, wait for the count-in, and play.");
    }
    const meters = beats ? [{ step: 0, meter: this.meter, bar_steps: bar }] : [];
    this.onplayed({ name: NAME, roll, meters, ...(beats ? { clock: { tempo, meter: this.meter, place: 0 } } : {}) });
  }

  private end(): void {
    window.clearInterval(this.session?.timer);
    this.session = null;
    byId("record-label").textContent = "Record";
    byId("record").classList.remove("on");
    byId("playin-count").textContent = "";
  }

  private stepsPerSecond(tempo: number): number {
    return this.grid.unit === "beats" ? (this.grid.stepsPerUnit * tempo) / 60 : this.grid.stepsPerSecond;
  }

  private async openAudio(): Promise<AudioContext> {
    this.context ??= new AudioContext({ latencyHint: "interactive" });
    void this.piano.load().catch((error: Error) => showMessage(byId("playin-error"), error.message));
    await this.context.resume();
    return this.context;
  }

  /** When the user heard what they play to, in seconds from the first beat. */
  private heardAt(session: Session, eventTime: number): number {
    const { contextTime, performanceTime } = this.context!.getOutputTimestamp();
    if (!contextTime || !performanceTime) return this.context!.currentTime - session.zero;
    return contextTime + (eventTime - performanceTime) / 1000 - session.zero;
  }

  /** A note begins; `holder` is the key that holds it. */
  private press(holder: string, pitch: number, eventTime: number): void {
    if (this.voices.has(holder)) return;
    void this.openAudio();
    const { context, session } = this;
    const voice = context && this.piano.isLoaded ? this.piano.noteOn(context, context.destination, pitch, context.currentTime) : null;
    this.voices.set(holder, { pitch, voice });
    if (session) session.recording.noteOn(pitch, this.heardAt(session, eventTime));
    this.keys.light([...this.voices.values()].map(({ pitch }) => pitch));
  }

  private release(holder: string, eventTime = performance.now()): void {
    const held = this.voices.get(holder);
    if (!held) return;
    this.voices.delete(holder);
    held.voice?.noteOff(this.context!.currentTime);
    if (this.session) this.session.recording.noteOff(held.pitch, this.heardAt(this.session, eventTime));
    this.keys.light([...this.voices.values()].map(({ pitch }) => pitch));
  }

  private releaseAll(): void {
    for (const holder of [...this.voices.keys()]) this.release(holder);
  }

  private handleKeyDown(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    const writes = target.closest("input:not([type=radio], [type=range], [type=checkbox]), select, main, dialog");
    if (this.pane.hidden || writes || event.ctrlKey || event.metaKey || event.altKey) return;
    const [semitone, change] = [semitoneOf(event.code), octaveChange(event.code)];
    if (semitone === null && !change) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.repeat) return;
    if (change) this.setOctave(this.octave + change);
    else this.press(event.code, pitchOf(semitone!, this.octave), event.timeStamp);
  }

  private setOctave(octave: number): void {
    this.releaseAll();
    this.octave = Math.max(OCTAVES[0], Math.min(OCTAVES[1], octave));
    byId("octave").textContent = noteName(pitchOf(0, this.octave));
    this.keys.show(this.octave);
  }

  /** Listens to all MIDI keyboards, also to those that are plugged in later. */
  private async connectMidi(): Promise<void> {
    try {
      const access = await requestMidi();
      const listen = () => {
        const inputs = [...access.inputs.values()];
        for (const input of inputs) input.onmidimessage = (event) => this.handleMidi(event);
        const names = inputs.map(({ name }) => name ?? "a keyboard").join(", ");
        byId("midi-in-name").textContent = names ? `Listening to ${names}` : "No MIDI keyboard is connected.";
      };
      access.addEventListener("statechange", listen);
      listen();
    } catch (error) {
      showMessage(byId("playin-error"), (error as Error).message);
    }
  }

  private handleMidi({ data, timeStamp }: MIDIMessageEvent): void {
    const note = data && parseNote(data);
    if (!note || this.pane.hidden) return;
    if (note.on) this.press(`midi ${note.pitch}`, note.pitch, timeStamp);
    else this.release(`midi ${note.pitch}`, timeStamp);
  }
}
