import { afterEach, describe, expect, it, vi } from "vitest";
import { makeGrid } from "../src/grid";
import { UNTIL_MODEL_ENDS } from "../src/settings";
import { fillFromStream } from "../src/streaming";
import { Take } from "../src/take";

const GRID = makeGrid(8, null);
const SETTINGS = { version: 1, steps: 4, seed: 5, temperature: 1, top_p: 1, density: 1 };
const PRIMER = { name: "a", roll: [[60], [60]] };
const event = (name: string, value: unknown) => `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;
const begin = event("begin", { version: 1, seed: 5, steps: 4, primer_steps: 2, primer: [[60], [60]] });

/** Replaces fetch by a server that responds with this text. */
function stubServer(text: string, status = 200, headers: Record<string, string> = {}) {
  const fetch = vi.fn(async (..._request: unknown[]) => new Response(text, { status, headers }));
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

async function streamedTake(text: string, steps = 4, maxSteps = 100, status = 200, headers = {}) {
  stubServer(text, status, headers);
  const take = new Take(1, { ...SETTINGS, steps }, PRIMER, GRID);
  await fillFromStream(take, maxSteps, new AbortController().signal, () => undefined);
  return take;
}

/** Replaces fetch by a server whose connections respond with these texts, or fail, in turn; sleeping takes no time. */
function stubConnections(...texts: (string | Error)[]) {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async (_: string, { headers }: { headers: Record<string, string> }) => {
    asked.push(headers["Last-Event-ID"] ?? "");
    const text = texts[asked.length - 1]!;
    if (text instanceof Error) throw text;
    return text === "busy" ? new Response("", { status: 429 }) : new Response(text);
  });
  vi.stubGlobal("setTimeout", (call: () => void) => queueMicrotask(call));
  return asked;
}

const withId = (text: string, id: string) => text.replace(/\n\n$/, `\nid: ${id}\n\n`);
const part = (first: number, roll: number[][], id: string) => withId(event("steps", { first, roll }), id);

afterEach(() => vi.unstubAllGlobals());

describe("a stream", () => {
  it("that the model ends has that reason, and its take sets its length in its settings", async () => {
    const text = begin + event("steps", { first: 0, roll: [[61], []] }) + event("end", { steps: 2, reason: "model" });
    const take = await streamedTake(text, UNTIL_MODEL_ENDS);
    expect([take.state, take.endReason, take.settings.steps]).toEqual(["done", "model", 2]);
  });

  it("fills a take", async () => {
    const steps = [{ first: 0, roll: [[61], []] }, { first: 2, roll: [[62], [63]] }];
    const text = begin + steps.map((part) => event("steps", part)).join("") + event("end", { steps: 4 });
    const take = await streamedTake(text);
    expect([take.state, take.error, take.generatedRoll]).toEqual(["done", "", [[61], [], [62], [63]]]);
  });

  it("sends settings and primer", async () => {
    const fetch = stubServer(begin + event("end", { steps: 0 }));
    await fillFromStream(new Take(1, { ...SETTINGS }, PRIMER, GRID), 9, new AbortController().signal, () => undefined);
    const [path, request] = fetch.mock.calls[0] as [string, RequestInit];
    expect(path).toBe("generate?stream=1");
    expect(JSON.parse(String(request.body))).toEqual({ ...SETTINGS, primer: [[60], [60]] });
  });

  it.each([
    ["is truncated", begin + event("steps", { first: 0, roll: [[61]] }), "lost before the piece was complete"],
    ["lacks a part", begin + event("steps", { first: 1, roll: [[61]] }), "lost during streaming"],
    ["reports an error", begin + event("error", { error: "the model was dropped" }), "the model was dropped"],
    ["has invalid pitches", begin + event("steps", { first: 0, roll: [["<b>"]] }), "invalid pitches"],
    ["has invalid JSON", "event: begin\ndata: {\n\n", "not valid"],
  ])("fails if it %s", async (_, text, words) => {
    const take = await streamedTake(text);
    expect(take.state).toBe("failed");
    expect(take.error).toContain(words);
  });

  it("of endless music is stopped at the maximum length", async () => {
    const take = await streamedTake(begin + event("steps", { first: 0, roll: [[61], [62], [63]] }), 0, 2);
    expect([take.state, take.generatedRoll, take.settings.steps]).toEqual(["done", [[61], [62]], 2]);
  });

  it.each([
    [429, { "Retry-After": "3" }, "", "The server is busy. Try again in 3 s."],
    [503, {}, "", "The server is busy. Try again in a moment."],
    [400, {}, '{"error": "steps must be >= 1"}', "steps must be >= 1"],
    [502, {}, "<html>", "responded with status 502"],
  ])("refused with status %i gives the reason", async (status, headers, text, words) => {
    const take = await streamedTake(text, 4, 100, status, headers);
    expect([take.state, take.rows]).toEqual(["failed", [[60], [60]]]);
    expect(take.error).toContain(words);
  });

  it("reports that the server cannot be reached", async () => {
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError("no")));
    const take = new Take(1, { ...SETTINGS }, null, GRID);
    await fillFromStream(take, 9, new AbortController().signal, () => undefined);
    expect(take.error).toContain("cannot be reached");
  });
});

describe("a dropped connection", () => {
  const cut = withId(begin, "1-5-0") + part(0, [[61], []], "1-5-2") + "event: steps\ndata: {\"fir";
  const rest = part(2, [[62], [63]], "1-5-4") + event("end", { steps: 4, reason: "length" });

  it("begins again if it was cut before an event could be read", async () => {
    const asked = stubConnections("", new TypeError("network"), cut, rest);
    const take = new Take(1, { ...SETTINGS }, PRIMER, GRID);
    await fillFromStream(take, 100, new AbortController().signal, () => undefined);
    expect([take.state, take.generatedRoll, asked]).toEqual(["done", [[61], [], [62], [63]], ["", "", "", "1-5-2"]]);
  });

  it("is resumed after the last whole event, again and again", async () => {
    const asked = stubConnections(cut, new TypeError("network"), "busy", rest);
    const take = new Take(1, { ...SETTINGS }, PRIMER, GRID);
    const shown: boolean[] = [];
    await fillFromStream(take, 9, new AbortController().signal, () => shown.push(take.reconnecting));
    expect([take.state, take.error, take.generatedRoll]).toEqual(["done", "", [[61], [], [62], [63]]]);
    expect(asked).toEqual(["", "1-5-2", "1-5-2", "1-5-2"]);
    expect(shown).toEqual([false, false, true, true, true, false, false, false]);
  });

  it("that stays away ends the take with what has arrived", async () => {
    const asked = stubConnections(cut, ...Array<Error>(9).fill(new TypeError("network")));
    const take = new Take(1, { ...SETTINGS }, PRIMER, GRID);
    await fillFromStream(take, 9, new AbortController().signal, () => undefined);
    expect([take.state, take.generatedSteps, take.reconnecting, asked.length]).toEqual(["failed", 2, false, 7]);
    expect(take.error).toContain("was lost before the piece was complete");
  });

  it("can be stopped while it is away", async () => {
    stubConnections(cut, rest);
    vi.stubGlobal("setTimeout", () => 0);
    const stop = new AbortController();
    const take = new Take(1, { ...SETTINGS }, PRIMER, GRID);
    await fillFromStream(take, 9, stop.signal, () => {
      if (take.reconnecting) queueMicrotask(() => stop.abort());
    });
    expect([take.state, take.generatedSteps]).toEqual(["stopped", 2]);
  });
});
