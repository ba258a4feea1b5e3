// Build step: trims an MP3 file to its first seconds, between two frames, without decoding it.

const KILOBITS_PER_SECOND = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]; // MPEG-1, layer III
const SAMPLE_RATES = [44_100, 48_000, 32_000];
const SAMPLES_PER_FRAME = 1152;
const XING_OFFSET = 36; // of the Xing header in a stereo file's first frame, which states the number of frames

/** Length in bytes and sample rate of the frame at the offset `at`; null if there is none. */
function parseFrame(bytes, at) {
  const [a, b, c] = bytes.subarray(at, at + 3);
  const rate = SAMPLE_RATES[(c >> 2) & 3];
  const kbits = KILOBITS_PER_SECOND[c >> 4];
  if (a !== 0xff || (b & 0xfe) !== 0xfa || !rate || !kbits) return null;
  return { rate, length: Math.floor((144_000 * kbits) / rate) + ((c >> 1) & 1) };
}

/** Length in bytes of the ID3 tag before the first frame. */
function tagLength(bytes) {
  if (bytes.toString("latin1", 0, 3) !== "ID3") return 0;
  return 10 + bytes.subarray(6, 10).reduce((size, seven) => (size << 7) | seven, 0);
}

/** The first `seconds` of a stereo file, or all of a shorter one, without its ID3 tag. */
export function trimMp3(bytes, seconds) {
  const start = tagLength(bytes);
  let [at, frames] = [start, -1]; // the first frame holds only the Xing header
  for (let next = parseFrame(bytes, at); next; next = parseFrame(bytes, at)) {
    if (frames >= 0 && (frames * SAMPLES_PER_FRAME) / next.rate >= seconds) break;
    at += next.length;
    frames += 1;
  }
  const trimmed = Buffer.from(bytes.subarray(start, at));
  const name = trimmed.toString("latin1", XING_OFFSET, XING_OFFSET + 4);
  if (!["Xing", "Info"].includes(name) || (trimmed[XING_OFFSET + 7] & 3) !== 3) {
    throw new Error("not a stereo MP3 file with a Xing header");
  }
  trimmed.writeUInt32BE(frames, XING_OFFSET + 8);
  trimmed.writeUInt32BE(trimmed.length, XING_OFFSET + 12);
  return trimmed;
}
