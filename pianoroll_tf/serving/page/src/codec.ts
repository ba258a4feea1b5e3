// A roll as short text for a link or the browser's store: a count and the pitches a step, deflated, base64url.
import { HIGHEST_PITCH, LOWEST_PITCH, type Roll } from "./roll";

const STRUCK_AGAIN = 128; // added to a pitch's byte
const MOST_BYTES = 4_000_000; // of a roll before deflating: 65,536 steps of 60 pitches

/** Bytes of a roll: for each step how many pitches sound, then those, plus 128 where one is struck again. */
export function rollToBytes(roll: Roll): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(
    roll.flatMap((row) => [row.length, ...row.map((pitch) => (pitch < 0 ? STRUCK_AGAIN - pitch : pitch))]),
  );
}

/** The roll of such bytes; throws where they are none. */
export function rollFromBytes(bytes: Uint8Array): Roll {
  const roll: number[][] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + bytes[at]!;
    const row = [...bytes.subarray(at + 1, end)].map((byte) => (byte >= STRUCK_AGAIN ? STRUCK_AGAIN - byte : byte));
    const pitches = row.map(Math.abs);
    const ascending = pitches.every((pitch, i) => i === 0 || pitch > pitches[i - 1]!);
    const good = pitches.every((pitch) => pitch >= LOWEST_PITCH && pitch <= HIGHEST_PITCH);
    if (end > bytes.length || !ascending || !good) throw new Error("The music in it is damaged.");
    roll.push(row);
    at = end;
  }
  return roll;
}

/** A roll as text of letters, digits, "-" and "_". */
export async function encodeRoll(roll: Roll): Promise<string> {
  const packed = await through(rollToBytes(roll), new CompressionStream("deflate-raw"));
  let binary = "";
  for (const byte of packed) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The roll of such a text; throws where it is none. */
export async function decodeRoll(text: string): Promise<Roll> {
  let bytes: Uint8Array;
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const packed = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
    bytes = await through(packed, new DecompressionStream("deflate-raw"));
  } catch {
    throw new Error("The music in it is damaged.");
  }
  return rollFromBytes(bytes);
}

async function through(
  bytes: Uint8Array<ArrayBuffer>,
  stream: GenericTransformStream,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = new Blob([bytes]).stream().pipeThrough(stream as TransformStream<Uint8Array, Uint8Array>).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > MOST_BYTES) throw new Error("too long");
    chunks.push(value);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
