// Renders a whole take as a WAV file, minute by minute, so that a long take does not fill the memory with floats.
import { MAX_NOTE_SECONDS, type Piano, SAMPLE_RATE, softClipper } from "./piano";
import type { Roll } from "./roll";
import { Voices } from "./voices";
import { interleave, wavHeader } from "./wav";

const CHANNELS = 2;
const PART_SECONDS = 60;
const TAIL_SECONDS = 1.5; // after the last step, for its notes to decay

/** Renders a part of the audio. It starts to play earlier, so that notes held into the part are heard. */
async function renderPart(
  roll: Roll,
  stepsPerSecond: number,
  piano: Piano,
  fromFrame: number,
  toFrame: number,
): Promise<Int16Array<ArrayBuffer>> {
  const seconds = fromFrame / SAMPLE_RATE;
  const firstStep = Math.max(0, Math.floor((seconds - MAX_NOTE_SECONDS - 1) * stepsPerSecond));
  const leadFrames = fromFrame - Math.round((firstStep / stepsPerSecond) * SAMPLE_RATE);
  const context = new OfflineAudioContext(CHANNELS, leadFrames + toFrame - fromFrame, SAMPLE_RATE);
  const output = softClipper(context);
  output.connect(context.destination);
  const voices = new Voices(piano, context, output);
  const endStep = Math.min(roll.length, Math.ceil((toFrame / SAMPLE_RATE) * stepsPerSecond));
  for (let step = firstStep; step < endStep; step++) voices.playRow(roll[step]!, (step - firstStep) / stepsPerSecond);
  if (endStep === roll.length) voices.playRow([], (endStep - firstStep) / stepsPerSecond);
  const audio = await context.startRendering();
  return interleave([0, 1].map((channel) => audio.getChannelData(channel).subarray(leadFrames)));
}

/** The content of the WAV file. */
export async function renderWav(
  roll: Roll,
  stepsPerSecond: number,
  piano: Piano,
  onProgress: (fraction: number) => void,
): Promise<Blob> {
  await piano.load();
  const frames = Math.round((roll.length / stepsPerSecond + TAIL_SECONDS) * SAMPLE_RATE);
  const parts: BlobPart[] = [wavHeader(frames, CHANNELS, SAMPLE_RATE)];
  const partFrames = PART_SECONDS * SAMPLE_RATE;
  for (let from = 0; from < frames; from += partFrames) {
    onProgress(from / frames);
    parts.push(await renderPart(roll, stepsPerSecond, piano, from, Math.min(frames, from + partFrames)));
  }
  return new Blob(parts, { type: "audio/wav" });
}
