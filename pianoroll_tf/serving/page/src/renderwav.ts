// Renders a whole take as a WAV file, minute by minute, so that a long take does not fill the memory with floats.
import { MAX_NOTE_SECONDS, type Piano, SAMPLE_RATE, softClipper } from "./piano";
import type { Score } from "./playback";
import { Voices } from "./voices";
import { interleave, wavHeader } from "./wav";

const CHANNELS = 2;
const PART_SECONDS = 60;
const TAIL_SECONDS = 1.5; // after the last step, for its notes to decay

/** Renders a part of the audio. It starts to play earlier, so that notes held into the part are heard. */
async function renderPart(
  { rows, times }: Score,
  piano: Piano,
  fromFrame: number,
  toFrame: number,
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
  for (let step = firstStep; step < endStep; step++) voices.playRow(rows[step]!, times[step]! - origin);
  if (endStep === rows.length) voices.playRow([], times[endStep]! - origin);
  const audio = await context.startRendering();
  return interleave([0, 1].map((channel) => audio.getChannelData(channel).subarray(leadFrames)));
}

/** The content of the WAV file. */
export async function renderWav(score: Score, piano: Piano, onProgress: (fraction: number) => void): Promise<Blob> {
  await piano.load();
  const frames = Math.round((score.times.at(-1)! + TAIL_SECONDS) * SAMPLE_RATE);
  const parts: BlobPart[] = [wavHeader(frames, CHANNELS, SAMPLE_RATE)];
  const partFrames = PART_SECONDS * SAMPLE_RATE;
  for (let from = 0; from < frames; from += partFrames) {
    onProgress(from / frames);
    parts.push(await renderPart(score, piano, from, Math.min(frames, from + partFrames)));
  }
  return new Blob(parts, { type: "audio/wav" });
}
