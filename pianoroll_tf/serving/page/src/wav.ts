// Samples as a WAV file: 16 bits, any number of channels.

/** The 44 bytes before the samples. */
export function wavHeader(frames: number, channels: number, rate: number): ArrayBuffer {
  const header = new DataView(new ArrayBuffer(44));
  const bytes = frames * channels * 2;
  const text = (at: number, letters: string) =>
    [...letters].forEach((letter, i) => header.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  header.setUint32(4, 36 + bytes, true);
  text(8, "WAVEfmt ");
  header.setUint32(16, 16, true); // bytes of what follows up to "data"
  header.setUint16(20, 1, true); // whole numbers
  header.setUint16(22, channels, true);
  header.setUint32(24, rate, true);
  header.setUint32(28, rate * channels * 2, true);
  header.setUint16(32, channels * 2, true);
  header.setUint16(34, 16, true);
  text(36, "data");
  header.setUint32(40, bytes, true);
  return header.buffer;
}

/** Channels within ±1, louder ones cut, as samples that alternate between channels. */
export function interleave(channels: readonly Float32Array[]): Int16Array<ArrayBuffer> {
  const frames = channels[0]?.length ?? 0;
  const mixed = new Int16Array(frames * channels.length);
  channels.forEach((samples, channel) => {
    for (let i = 0; i < frames; i++) {
      mixed[i * channels.length + channel] = Math.round(Math.max(-1, Math.min(1, samples[i]!)) * 32767);
    }
  });
  return mixed;
}
