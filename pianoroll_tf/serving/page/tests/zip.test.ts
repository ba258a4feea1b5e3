import { expect, it } from "vitest";
import { crc32, zip } from "../src/zip";

const encode = (text: string) => new TextEncoder().encode(text);

it("has the checksum of the standard", () => {
  expect(crc32(encode("123456789"))).toBe(0xcbf43926);
  expect(crc32(encode(""))).toBe(0);
});

it("has a header per entry, a directory, and its end", async () => {
  const bytes = new Uint8Array(await zip([{ name: "ä", content: encode("hello") }]).arrayBuffer());
  const view = new DataView(bytes.buffer);
  const directory = 30 + 2 + 5; // header, name in UTF-8, content
  expect(view.getUint32(0, true)).toBe(0x04034b50);
  expect(view.getUint32(14, true)).toBe(crc32(encode("hello")));
  expect(new TextDecoder().decode(bytes.subarray(30, 37))).toBe("ähello");
  expect(view.getUint32(directory, true)).toBe(0x02014b50);
  expect(view.getUint32(directory + 42, true)).toBe(0); // where the entry begins
  const end = directory + 46 + 2;
  expect([view.getUint32(end, true), view.getUint16(end + 10, true)]).toEqual([0x06054b50, 1]);
  expect([view.getUint32(end + 12, true), view.getUint32(end + 16, true)]).toEqual([48, directory]);
  expect(bytes.length).toBe(end + 22);
});
