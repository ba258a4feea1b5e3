// A typed client of the server's HTTP API; every failure becomes an ApiError whose message can be shown to the user.
// Addresses are relative to the page, because a reverse proxy may serve it under a prefix.
import { readEventStream } from "./eventstream";
import { type Roll, validateRoll } from "./roll";
import { type Clock, type Limits, type Primer, requestBody, type Settings } from "./settings";

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
  outputs: string[];
}

export class ApiError extends Error {}

/** Why a piece ended: requested length reached, ended by the model, maximum length reached, or server shutting down. */
export type EndReason = "length" | "model" | "limit" | "stopped";

/** A part of the stream of /generate. */
export type StreamPart =
  | { kind: "begin"; version: number; primer: Roll }
  | { kind: "steps"; first: number; roll: Roll }
  | { kind: "end"; steps: number; reason: EndReason };

/** The model, its versions, and the server's limits. */
export async function fetchAbout(): Promise<About> {
  return (await checkResponse(fetch("about", { cache: "no-store" }))).json();
}

/** A MIDI file as the roll that the model receives, and the tempo and time signature in which it is continued. */
export interface UploadedPrimer extends Clock {
  roll: Roll;
  notes: number;
  left_out: number;
}

/** Uploads a MIDI file, and returns what the server read from it. */
export async function uploadPrimer(file: File): Promise<UploadedPrimer> {
  const form = new FormData();
  form.append("primer", file);
  const uploaded = await (await checkResponse(fetch("primer", { method: "POST", body: form }))).json();
  return { ...uploaded, roll: validateRoll(uploaded.roll) };
}

/** Music to be written as a file. */
export interface RenderRequest extends Clock {
  version: number;
  roll: Roll;
  title: string;
  output: "midi" | "musicxml";
}

/** The file of some music; from the newest version of the model if the one that made it is no longer served. */
export async function renderFile({ version, ...request }: RenderRequest): Promise<Blob> {
  const response = await post("render", { ...request, version }).catch(() => null);
  const gone = response?.status === 404;
  return (await checkResponse(response && !gone ? Promise.resolve(response) : post("render", request))).blob();
}

/** Generates a piece, and yields the music as it is generated. */
export async function* streamPiece(
  settings: Settings,
  primer: Primer | null,
  signal: AbortSignal,
): AsyncGenerator<StreamPart> {
  const response = await checkResponse(post("generate?stream=1", requestBody(settings, primer), signal));
  let ended = false;
  for await (const { event, data } of readEventStream(response.body!)) {
    const value = JSON.parse(data);
    if (event === "error") throw new ApiError(value.error);
    if (event === "begin") yield { kind: event, version: value.version, primer: validateRoll(value.primer) };
    if (event === "steps") yield { kind: event, first: value.first, roll: validateRoll(value.roll) };
    if (event === "end") yield { kind: event, steps: value.steps, reason: value.reason };
    ended ||= event === "end";
  }
  if (!ended) throw new ApiError("The connection to the server was lost before the piece was complete.");
}

function post(path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  const headers = { "Content-Type": "application/json" };
  return fetch(path, { method: "POST", headers, body: JSON.stringify(body), signal: signal ?? null });
}

/** The response if its status is a success; throws an ApiError otherwise. */
async function checkResponse(request: Promise<Response>): Promise<Response> {
  let response: Response;
  try {
    response = await request;
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    throw new ApiError("The server cannot be reached. Is it still running?");
  }
  if (!response.ok) throw new ApiError(await errorMessage(response));
  return response;
}

async function errorMessage(response: Response): Promise<string> {
  if (response.status === 429 || response.status === 503) {
    const seconds = Number(response.headers.get("Retry-After"));
    return `The server is busy. Try again ${seconds > 0 ? `in ${seconds} s` : "in a moment"}.`;
  }
  try {
    const { error } = await response.json();
    if (typeof error === "string") return error;
  } catch {
    // Not a response of this server (a proxy's, for example): only its status is known.
  }
  return `The server responded with status ${response.status} ${response.statusText}.`;
}
