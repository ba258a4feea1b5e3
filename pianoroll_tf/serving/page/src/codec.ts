// Encodes a roll as short text, for links and storage: a count and the pitches per step, deflated, base64url.
import { HIGHEST_PITCH, LOWEST_PITCH, type Roll } from "./roll";

const REPEATED_NOTE = 128; // added to the byte of a pitch with a new onset while it already sounds
const MAX_BYTES = 4_000_000; // of a roll before compression: 65,536 steps of 60 pitches
const DAMAGED = "The music data is damaged.";

/** Bytes of a roll: for each step the number of pitches that sound, then the pitches, plus 128 for a repeated note. */
export function rollToBytes(roll: Roll): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(
    roll.flatMap((row) => [row.length, ...row.map((pitch) => (pitch < 0 ? REPEATED_NOTE - pitch : pitch))]),
  );
}

/** The roll of such bytes; throws if they are not valid. */
export function rollFromBytes(bytes: Uint8Array): Roll {
  const roll: number[][] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + bytes[at]!;
    const row = [...bytes.subarray(at + 1, end)].map((byte) => (byte >= REPEATED_NOTE ? REPEATED_NOTE - byte : byte));
    const pitches = row.map(Math.abs);
    const ascending = pitches.every((pitch, i) => i === 0 || pitch > pitches[i - 1]!);
    const inRange = pitches.every((pitch) => pitch >= LOWEST_PITCH && pitch <= HIGHEST_PITCH);
    if (end > bytes.length || !ascending || !inRange) throw new Error(DAMAGED);
    roll.push(row);
    at = end;
  }
  return roll;
}

/** Encodes a roll as letters, digits, "-" and "_". */
export async function encodeRoll(roll: Roll): Promise<string> {
  const compressed = await transform(rollToBytes(roll), new CompressionStream("deflate-raw"));
  let binary = "";
  for (const byte of compressed) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Decodes such a text; throws if it is not valid. */
export async function decodeRoll(text: string): Promise<Roll> {
  let bytes: Uint8Array;
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const compressed = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
    bytes = await transform(compressed, new DecompressionStream("deflate-raw"));
  } catch {
    throw new Error(DAMAGED);
  }
  return rollFromBytes(bytes);
}

/** The output of a compression or decompression stream; throws if it is longer than MAX_BYTES. */
async function transform(bytes: Uint8Array<ArrayBuffer>, stream: GenericTransformStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = new Blob([bytes]).stream().pipeThrough(stream as TransformStream<Uint8Array, Uint8Array>).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > MAX_BYTES) throw new Error("too long");
    chunks.push(value);
  }
  const output = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    output.set(chunk, at);
    at += chunk.length;
  }
  return output;
}
