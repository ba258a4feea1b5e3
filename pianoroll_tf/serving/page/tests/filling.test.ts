import { afterEach, describe, expect, it, vi } from "vitest";
import { featuresOf } from "../src/features";
import { fillFromInfill } from "../src/filling";
import { makeGrid } from "../src/grid";
import { Take } from "../src/take";
import { SETTINGS } from "./fixtures";

const CLOCK = { tempo: 96, meter: "3/4", place: 4 };

function original(): Take {
  const take = new Take(1, { ...SETTINGS }, { name: "a", roll: [[60], [60]], clock: CLOCK }, makeGrid(null, 4));
  take.append([[61], [62], [63], [64]]);
  take.finish("done");
  return take;
}

function stubServer(body: unknown, status = 200) {
  const fetch = vi.fn(async (..._request: unknown[]) => new Response(JSON.stringify(body), { status }));
  vi.stubGlobal("fetch", fetch);
  return () => {
    const [path, { body }] = fetch.mock.calls[0] as [string, RequestInit];
    return [path, JSON.parse(String(body))];
  };
}

afterEach(() => vi.unstubAllGlobals());

describe("a gap", () => {
  const roll = [[60], [60], [61], [70], [71], [64]];
  const gap = { start: 3, end: 5, particles: 16 };

  it("is silent, then filled by the server, which knows what follows", async () => {
    const request = stubServer({ roll, particles: 16, effective_particles: 9.34, log_likelihood_after: { chosen: -4, mean: -7 } });
    const take = original().withGap(2, gap, 7);
    expect([take.rows, take.primerSteps, take.complete]).toEqual([[[60], [60], [61], [], [], [64]], 2, false]);
    await fillFromInfill(take, new AbortController().signal, () => undefined);
    expect(request()).toEqual([
      "infill",
      {
        ...{ version: 3, seed: 7, temperature: 0.95, top_p: 0.9, density: 1.1, ...CLOCK },
        ...{ roll: [[60], [60], [61], [], [], [64]], start: 3, end: 5, particles: 16, output: "roll" },
      },
    ]);
    expect([take.state, take.rows, take.filled, take.noteCount]).toEqual(["done", roll, [3, 5], 5]);
    expect(take.fillFacts).toBe("bar 1 filled, one of 16 versions, of which 9.3 counted");
  });

  it("counts bars from the first step that is sent, before which the primer may have a lead", async () => {
    const lead = [[50], [50], [50], [50], [50], [50]]; // of 6 steps: the place of the first is 4 - 6, in bars of 12 steps
    const primer = { name: "a", roll: [[60], [60]], clock: CLOCK, lead };
    const take = new Take(1, { ...SETTINGS }, primer, makeGrid(null, 4));
    take.append([[61], [62], [63], [64]]);
    take.finish("done");
    const request = stubServer({ roll: take.rows, particles: 16, effective_particles: 9, log_likelihood_after: {} });
    await fillFromInfill(take.withGap(2, { start: 9, end: 10, particles: 16 }, 7), new AbortController().signal, () => undefined);
    expect(request()[1]).toMatchObject({ place: 10, meter: "3/4" });
  });

  it.each([
    [{ error: "start must be below end" }, 400, "start must be below end"],
    [{ roll: [[60]] }, 200, "another length"],
    [{ roll: [...roll.slice(1), ["<b>"]] }, 200, "invalid pitches"],
  ])("that cannot be filled says why", async (body, status, words) => {
    stubServer(body, status);
    const take = original().withGap(2, gap, 7);
    await fillFromInfill(take, new AbortController().signal, () => undefined);
    expect(take.state).toBe("failed");
    expect(take.error).toContain(words);
  });
});

describe("what the server can do", () => {
  const piece = { properties: Object.fromEntries(["lowest", "highest", "scale", "chords", "silent", "polyphony"].map((name) => [name, {}])) };

  it("is read from its description", () => {
    const infill = { properties: { particles: { minimum: 2, maximum: 32 } } };
    expect(featuresOf({ paths: { "/infill": {} }, components: { schemas: { Piece: piece, Infill: infill } } })).toEqual({
      steering: true,
      particles: [2, 32],
    });
  });

  it("is nothing more for an older one", () => {
    const older = { paths: { "/generate": {} }, components: { schemas: { Piece: { properties: { scale: {} } } } } };
    expect([older, {}].map(featuresOf)).toEqual(Array(2).fill({ steering: false, particles: null }));
  });
});
