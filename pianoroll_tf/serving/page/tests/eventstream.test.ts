import { expect, it } from "vitest";
import { EventParser, readEventStream } from "../src/eventstream";

const TEXT = 'event: begin\ndata: {"a": 1}\nid: 7\n\n: still here\n\ndata:x\r\ndata: y\r\n\r\nevent: end\ndata\n\n';
const EVENTS = [
  { event: "begin", data: '{"a": 1}', id: "7" },
  { event: "message", data: "x\ny" },
  { event: "end", data: "" },
];

it("parses events in one chunk", () => expect(new EventParser().feed(TEXT)).toEqual(EVENTS));

it.each([1, 2, 3, 7])("parses events in chunks of %i characters", (size) => {
  const parser = new EventParser();
  const chunks = Array.from({ length: Math.ceil(TEXT.length / size) }, (_, i) => TEXT.slice(i * size, (i + 1) * size));
  expect(chunks.flatMap((chunk) => parser.feed(chunk))).toEqual(EVENTS);
});

it("does not yield a truncated event, and cancels the body when the iteration stops", async () => {
  let cancelled = false;
  const bytes = new TextEncoder().encode(`${TEXT}data: half`);
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytes),
    cancel: () => void (cancelled = true),
  });
  const found = [];
  for await (const event of readEventStream(body)) {
    found.push(event);
    if (found.length === 3) break;
  }
  expect(found).toEqual(EVENTS);
  expect(cancelled).toBe(true);
});

it("decodes a character whose bytes are in two chunks", async () => {
  const bytes = new TextEncoder().encode("data: é\n\n");
  const split = bytes.indexOf(0xc3) + 1;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes.slice(0, split));
      controller.enqueue(bytes.slice(split));
      controller.close();
    },
  });
  const found = [];
  for await (const event of readEventStream(body)) found.push(event);
  expect(found).toEqual([{ event: "message", data: "é" }]);
});
