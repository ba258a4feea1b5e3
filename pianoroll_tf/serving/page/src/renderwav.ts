// Renders a whole take as a WAV file, one minute at a time, so that a long take does not fill the memory with floats.
import { MAX_NOTE_SECONDS, type Piano, SAMPLE_RATE, softClipper } from "./piano";
import type { Score } from "./playback";
import { Voices } from "./voices";
import { interleave, wavHeader } from "./wav";

const CHANNELS = 2;
const PART_SECONDS = 60;
const TAIL_SECONDS = 1.5; // after the last step, for its notes to decay
const PIECE_SECONDS = 1; // of audio, for which notes are made at a time: the fewer there are, the faster it is

export interface Progress {
  /** Called with the fraction that is done. */
  report(fraction: number): void;
  /** Cancels the rendering. */
  signal: AbortSignal;
}

/** Renders a part of the audio. It starts to play earlier, so that notes held into the part are heard. */
async function renderPart(
  { rows, times }: Score,
  piano: Piano,
  fromFrame: number,
  toFrame: number,
  progress: Progress,
): Promise<Int16Array<ArrayBuffer>> {
  const seconds = fromFrame / SAMPLE_RATE;
  const firstStep = Math.max(0, times.findLastIndex((time) => time <= seconds - MAX_NOTE_SECONDS - 1));
  const origin = times[firstStep]!;
  const leadFrames = fromFrame - Math.round(origin * SAMPLE_RATE);
  const context = new OfflineAudioContext(CHANNELS, leadFrames + toFrame - fromFrame, SAMPLE_RATE);
  const output = softClipper(context);
  output.connect(context.destination);
  const voices = new Voices(piano, context, output);
  const following = times.findIndex((time) => time >= toFrame / SAMPLE_RATE);
  const endStep = following < 0 ? rows.length : Math.min(rows.length, following);
  let step = firstStep;
  const playUntil = (time: number) => {
    for (; step < endStep && times[step]! - origin < time; step++) voices.playRow(rows[step]!, times[step]! - origin);
    if (step === endStep && endStep === rows.length) voices.playRow([], times[endStep]! - origin);
  };
  const audio = await renderInPieces(context, playUntil, progress);
  return interleave([0, 1].map((channel) => audio.getChannelData(channel).subarray(leadFrames)));
}

/**
 * Renders a context piece by piece: at the end of each it is suspended to make the notes of the next one, and to report
 * how far it is. It is never resumed if it is cancelled.
 */
function renderInPieces(
  context: OfflineAudioContext,
  playUntil: (seconds: number) => void,
  { report, signal }: Progress,
): Promise<AudioBuffer> {
  const seconds = context.length / SAMPLE_RATE;
  const inPieces = "suspend" in OfflineAudioContext.prototype; // not in every browser
  for (let at = PIECE_SECONDS; inPieces && at < seconds; at += PIECE_SECONDS) {
    void context.suspend(at).then(() => {
      report(at / seconds);
      playUntil(at + 2 * PIECE_SECONDS);
      if (!signal.aborted) void context.resume();
    });
  }
  playUntil(inPieces ? 2 * PIECE_SECONDS : Infinity);
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
    context.startRendering().then(resolve, reject);
  });
}

/** The content of the WAV file; rejects with the signal's reason if it is cancelled. */
export async function renderWav(score: Score, piano: Piano, { report, signal }: Progress): Promise<Blob> {
  await piano.load();
  const frames = Math.round((score.times.at(-1)! + TAIL_SECONDS) * SAMPLE_RATE);
  const parts: BlobPart[] = [wavHeader(frames, CHANNELS, SAMPLE_RATE)];
  const partFrames = PART_SECONDS * SAMPLE_RATE;
  for (let from = 0; from < frames; from += partFrames) {
    signal.throwIfAborted();
    const to = Math.min(frames, from + partFrames);
    const reportPart = (fraction: number) => report((from + fraction * (to - from)) / frames);
    reportPart(0);
    parts.push(await renderPart(score, piano, from, to, { report: reportPart, signal }));
  }
  return new Blob(parts, { type: "audio/wav" });
}
