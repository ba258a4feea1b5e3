// The server's HTTP interface, typed; what goes wrong becomes an ApiError with a sentence for people.
import { readEvents } from "./events";
import { checkedRoll, type Roll } from "./roll";
import { requestBody, type Clock, type Limits, type Primer, type Settings } from "./settings";

export interface About {
  model: string;
  versions: { version: number; state: string }[];
  default_version: number;
  steps_per_second: number | null;
  steps_per_beat: number | null;
  density: number;
  tempo: number;
  meter: string;
  grid: string;
  head: string;
  longest_primer_steps: number;
  defaults: { steps: number; temperature: number; top_p: number; density: number | null };
  limits: Limits & { upload_bytes: number };
  example_primers: Primer[];
}

export class ApiError extends Error {}

/** Why a piece ended: its length was asked for, the model ended it, it is the longest allowed, or the server stops. */
export type EndReason = "length" | "model" | "limit" | "stopped";

/** What a stream of /generate tells. */
export type StreamPart =
  | { kind: "begin"; version: number; primer: Roll }
  | { kind: "steps"; first: number; roll: Roll }
  | { kind: "end"; steps: number; reason: EndReason };

export async function about(): Promise<About> {
  return (await checked(fetch("/about", { cache: "no-store" }))).json();
}

/** A MIDI file as the model will see it, and the tempo and bar that it is continued in. */
export interface FileRead extends Clock {
  roll: Roll;
  notes: number;
  left_out: number;
}

/** Reads a MIDI file. */
export async function readPrimer(file: File): Promise<FileRead> {
  const form = new FormData();
  form.append("primer", file);
  const answer = await (await checked(fetch("/primer", { method: "POST", body: form }))).json();
  return { ...answer, roll: checkedRoll(answer.roll) };
}

/** The MIDI file of a take. */
export async function midi(settings: Settings, primer: Primer | null): Promise<Blob> {
  return (await checked(post("/generate", { ...requestBody(settings, primer), output: "midi" }))).blob();
}

/** Generates, and gives the music as it is made. */
export async function* stream(
  settings: Settings,
  primer: Primer | null,
  signal: AbortSignal,
): AsyncGenerator<StreamPart> {
  const response = await checked(post("/generate?stream=1", requestBody(settings, primer), signal));
  let ended = false;
  for await (const { event, data } of readEvents(response.body!)) {
    const value = JSON.parse(data);
    if (event === "error") throw new ApiError(value.error);
    if (event === "begin") yield { kind: event, version: value.version, primer: checkedRoll(value.primer) };
    if (event === "steps") yield { kind: event, first: value.first, roll: checkedRoll(value.roll) };
    if (event === "end") yield { kind: event, steps: value.steps, reason: value.reason };
    ended ||= event === "end";
  }
  if (!ended) throw new ApiError("The connection to the server ended before the music did.");
}

function post(path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  const headers = { "Content-Type": "application/json" };
  return fetch(path, { method: "POST", headers, body: JSON.stringify(body), signal: signal ?? null });
}

/** The response if it is a good one. */
async function checked(request: Promise<Response>): Promise<Response> {
  let response: Response;
  try {
    response = await request;
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    throw new ApiError("The server cannot be reached. Is it still running?");
  }
  if (!response.ok) throw new ApiError(await reason(response));
  return response;
}

async function reason(response: Response): Promise<string> {
  if (response.status === 429 || response.status === 503) {
    const seconds = Number(response.headers.get("Retry-After"));
    return `The server is busy. Try again ${seconds > 0 ? `in ${seconds} s` : "in a moment"}.`;
  }
  try {
    const { error } = await response.json();
    if (typeof error === "string") return error;
  } catch {
    // not from this server; its status has to do
  }
  return `The server answered ${response.status} ${response.statusText}.`;
}
