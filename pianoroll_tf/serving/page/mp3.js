// Build step: the first seconds of an MP3 file, cut between two of its frames, without decoding it.

const KBITS = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]; // MPEG-1, layer III
const RATES = [44_100, 48_000, 32_000];
const FRAME_SAMPLES = 1152;
const XING = 36; // of a stereo file's first frame, which tells how many follow

/** Bytes and sample rate of the frame that begins at `at`; null where none does. */
function frame(bytes, at) {
  const [a, b, c] = bytes.subarray(at, at + 3);
  const rate = RATES[(c >> 2) & 3];
  const kbits = KBITS[c >> 4];
  if (a !== 0xff || (b & 0xfe) !== 0xfa || !rate || !kbits) return null;
  return { rate, length: Math.floor((144_000 * kbits) / rate) + ((c >> 1) & 1) };
}

/** Bytes of the tag before the first frame. */
function tagLength(bytes) {
  if (bytes.toString("latin1", 0, 3) !== "ID3") return 0;
  return 10 + bytes.subarray(6, 10).reduce((size, seven) => (size << 7) | seven, 0);
}

/** A stereo file's first `seconds`, or all of it if it is shorter; its own tag is left out. */
export function shortenedMp3(bytes, seconds) {
  const start = tagLength(bytes);
  let [at, frames] = [start, -1]; // the first one holds no sound
  for (let next = frame(bytes, at); next; next = frame(bytes, at)) {
    if (frames >= 0 && (frames * FRAME_SAMPLES) / next.rate >= seconds) break;
    at += next.length;
    frames += 1;
  }
  const short = Buffer.from(bytes.subarray(start, at));
  const name = short.toString("latin1", XING, XING + 4);
  if (!["Xing", "Info"].includes(name) || (short[XING + 7] & 3) !== 3) throw new Error("an MP3 file of another kind");
  short.writeUInt32BE(frames, XING + 8);
  short.writeUInt32BE(short.length, XING + 12);
  return short;
}
