import { expect, it } from "vitest";
import { EventParser, readEvents } from "../src/events";

const TEXT = 'event: begin\ndata: {"a": 1}\n\n: still here\n\ndata:x\r\ndata: y\r\n\r\nevent: end\ndata\n\n';
const EVENTS = [
  { event: "begin", data: '{"a": 1}' },
  { event: "message", data: "x\ny" },
  { event: "end", data: "" },
];

it("reads events whole", () => expect(new EventParser().feed(TEXT)).toEqual(EVENTS));

it.each([1, 2, 3, 7])("reads events in pieces of %i letters", (size) => {
  const parser = new EventParser();
  const pieces = Array.from({ length: Math.ceil(TEXT.length / size) }, (_, i) => TEXT.slice(i * size, (i + 1) * size));
  expect(pieces.flatMap((piece) => parser.feed(piece))).toEqual(EVENTS);
});

it("does not give an event that is cut off, and cancels the body when nobody listens any more", async () => {
  let cancelled = false;
  const bytes = new TextEncoder().encode(`${TEXT}data: half`);
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytes),
    cancel: () => void (cancelled = true),
  });
  const found = [];
  for await (const event of readEvents(body)) {
    found.push(event);
    if (found.length === 3) break;
  }
  expect(found).toEqual(EVENTS);
  expect(cancelled).toBe(true);
});

it("joins a letter whose bytes come apart", async () => {
  const bytes = new TextEncoder().encode("data: é\n\n");
  const cut = bytes.indexOf(0xc3) + 1;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(bytes.slice(0, cut));
      controller.enqueue(bytes.slice(cut));
      controller.close();
    },
  });
  const found = [];
  for await (const event of readEvents(body)) found.push(event);
  expect(found).toEqual([{ event: "message", data: "é" }]);
});
