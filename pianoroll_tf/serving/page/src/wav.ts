// The WAV file format: 16-bit PCM samples, any number of channels.

/** The 44-byte header, which comes before the samples. */
export function wavHeader(frames: number, channels: number, rate: number): ArrayBuffer {
  const header = new DataView(new ArrayBuffer(44));
  const bytes = frames * channels * 2;
  const text = (at: number, letters: string) =>
    [...letters].forEach((letter, i) => header.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  header.setUint32(4, 36 + bytes, true);
  text(8, "WAVEfmt ");
  header.setUint32(16, 16, true); // size of the "fmt " chunk in bytes
  header.setUint16(20, 1, true); // PCM
  header.setUint16(22, channels, true);
  header.setUint32(24, rate, true);
  header.setUint32(28, rate * channels * 2, true);
  header.setUint16(32, channels * 2, true);
  header.setUint16(34, 16, true);
  text(36, "data");
  header.setUint32(40, bytes, true);
  return header.buffer;
}

/** Converts channels of floats in [-1, 1] to interleaved 16-bit samples; values beyond are clipped. */
export function interleave(channels: readonly Float32Array[]): Int16Array<ArrayBuffer> {
  const frames = channels[0]?.length ?? 0;
  const interleaved = new Int16Array(frames * channels.length);
  channels.forEach((samples, channel) => {
    for (let i = 0; i < frames; i++) {
      interleaved[i * channels.length + channel] = Math.round(Math.max(-1, Math.min(1, samples[i]!)) * 32767);
    }
  });
  return interleaved;
}
