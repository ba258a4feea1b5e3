// The sound of a whole take as a WAV file, minute by minute, so that length does not fill the memory with floats.
import { Keys } from "./keys";
import { LONGEST_NOTE, type Piano, SAMPLE_RATE, softLimit } from "./piano";
import type { Roll } from "./roll";
import { interleave, wavHeader } from "./wav";

const CHANNELS = 2;
const PART_SECONDS = 60;
const TAIL_SECONDS = 1.5; // for the last notes to fade in

/** A part of the samples; it plays what came before too, so that notes held over its beginning are heard. */
async function part(
  roll: Roll,
  stepsPerSecond: number,
  piano: Piano,
  fromFrame: number,
  toFrame: number,
): Promise<Int16Array<ArrayBuffer>> {
  const seconds = fromFrame / SAMPLE_RATE;
  const firstStep = Math.max(0, Math.floor((seconds - LONGEST_NOTE - 1) * stepsPerSecond));
  const lead = fromFrame - Math.round((firstStep / stepsPerSecond) * SAMPLE_RATE);
  const context = new OfflineAudioContext(CHANNELS, lead + toFrame - fromFrame, SAMPLE_RATE);
  const out = softLimit(context);
  out.connect(context.destination);
  const keys = new Keys(piano, context, out);
  const endStep = Math.min(roll.length, Math.ceil((toFrame / SAMPLE_RATE) * stepsPerSecond));
  for (let step = firstStep; step < endStep; step++) keys.step(roll[step]!, (step - firstStep) / stepsPerSecond);
  if (endStep === roll.length) keys.step([], (endStep - firstStep) / stepsPerSecond);
  const sound = await context.startRendering();
  return interleave([0, 1].map((channel) => sound.getChannelData(channel).subarray(lead)));
}

/** The content of the file. */
export async function renderWav(
  roll: Roll,
  stepsPerSecond: number,
  piano: Piano,
  onProgress: (share: number) => void,
): Promise<Blob> {
  await piano.load();
  const frames = Math.round((roll.length / stepsPerSecond + TAIL_SECONDS) * SAMPLE_RATE);
  const parts: BlobPart[] = [wavHeader(frames, CHANNELS, SAMPLE_RATE)];
  const length = PART_SECONDS * SAMPLE_RATE;
  for (let from = 0; from < frames; from += length) {
    onProgress(from / frames);
    parts.push(await part(roll, stepsPerSecond, piano, from, Math.min(frames, from + length)));
  }
  return new Blob(parts, { type: "audio/wav" });
}
