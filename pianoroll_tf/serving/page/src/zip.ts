// The ZIP file format, without compression: what is put into it is short, or compressed already.

export interface ZipEntry {
  name: string;
  content: Uint8Array<ArrayBuffer>;
}

const VERSION = 20; // of the format that a reader must know
const UTF8 = 0x0800; // flag: names are in UTF-8
const TIME = 0; // midnight, and the first day that the format knows, so that the same files give the same bytes
const DATE = (1 << 5) | 1;
const TABLE = Uint32Array.from({ length: 256 }, (_, i) => {
  let value = i;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

/** The checksum that ZIP files use. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 255]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** A ZIP file of these entries. */
export function zip(entries: readonly ZipEntry[]): Blob {
  const parts: BlobPart[] = [];
  const directory: Uint8Array<ArrayBuffer>[] = [];
  let offset = 0;
  for (const { name, content } of entries) {
    const encoded = new TextEncoder().encode(name);
    const common = [VERSION, UTF8, 0, TIME, DATE];
    const sizes = [crc32(content), content.length, content.length];
    const header = [...bytes(4, 0x04034b50), ...bytes(2, ...common), ...bytes(4, ...sizes), ...bytes(2, encoded.length, 0)];
    parts.push(Uint8Array.from(header), encoded, content);
    directory.push(
      Uint8Array.from([
        ...bytes(4, 0x02014b50),
        ...bytes(2, VERSION, ...common),
        ...bytes(4, ...sizes),
        ...bytes(2, encoded.length, 0, 0, 0, 0),
        ...bytes(4, 0, offset),
        ...encoded,
      ]),
    );
    offset += header.length + encoded.length + content.length;
  }
  const size = directory.reduce((sum, entry) => sum + entry.length, 0);
  const count = entries.length;
  const end = [...bytes(4, 0x06054b50), ...bytes(2, 0, 0, count, count), ...bytes(4, size, offset), ...bytes(2, 0)];
  return new Blob([...parts, ...directory, Uint8Array.from(end)], { type: "application/zip" });
}

/** Little-endian numbers of `size` bytes each. */
function bytes(size: 2 | 4, ...values: number[]): number[] {
  return values.flatMap((value) => Array.from({ length: size }, (_, i) => (value >>> (8 * i)) & 255));
}
