import { expect, it } from "vitest";
import { decodeRoll, encodeRoll, rollFromBytes, rollToBytes } from "../src/codec";

const ROLL = [[], [60, 64, 67], [24, -107], []];

it("encodes each step as a count and its pitches", () => {
  expect([...rollToBytes(ROLL)]).toEqual([0, 3, 60, 64, 67, 2, 24, 235, 0]);
  expect(rollFromBytes(rollToBytes(ROLL))).toEqual(ROLL);
});

it.each([[[1]], [[2, 60]], [[1, 23]], [[1, 108]], [[2, 60, 60]], [[2, 64, 60]]])("refuses the bytes %j", (bytes) => {
  expect(() => rollFromBytes(Uint8Array.from(bytes))).toThrow("damaged");
});

it("round-trips a roll as characters allowed in a URL", async () => {
  const long = Array.from({ length: 1000 }, (_, i) => [30 + (i % 40), 75 + (i % 30)]);
  for (const roll of [[], ROLL, long]) {
    const text = await encodeRoll(roll);
    expect(text).toMatch(/^[\w-]*$/);
    expect(await decodeRoll(text)).toEqual(roll);
  }
});

it.each(["%", "abc", "AAAA!"])("refuses the text %s", async (text) => {
  await expect(decodeRoll(text)).rejects.toThrow("damaged");
});

it("does not decompress data that would fill the memory", async () => {
  const silence = new Blob([new Uint8Array(4_000_001)]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const compressed = new Uint8Array(await new Response(silence).arrayBuffer());
  const text = btoa(String.fromCharCode(...compressed)).replaceAll("+", "-").replaceAll("/", "_");
  expect(text.length).toBeLessThan(10_000);
  await expect(decodeRoll(text)).rejects.toThrow("damaged");
});
