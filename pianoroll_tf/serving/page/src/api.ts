// A typed client of the server's HTTP API; every failure becomes an ApiError whose message can be shown to the user.
// Addresses are relative to the page, because a reverse proxy may serve it under a prefix.
import { makeBars } from "./bars";
import { resumedEvents, type Retriable } from "./resume";
import { type Roll, validateRoll } from "./roll";
import type { MeterChange } from "./selection";
import { type Clock, type Limits, type Primer, requestBody, type Settings } from "./settings";
import { type Gap, type Take, withoutGap } from "./take";

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
  /** False for an earlier export; left out by an earlier server, whose description of its API tells it. */
  can_be_steered?: boolean;
  /** The name of the training data; null: not known. */
  trained_on: { name: string | null; longest_piece_steps: number | null };
  longest_primer_steps: number;
  defaults: { steps: number; temperature: number; top_p: number; density: number | null };
  limits: Limits & { upload_bytes: number };
  example_primers: Primer[];
  outputs: string[];
}

export class ApiError extends Error implements Retriable {
  constructor(
    message: string,
    readonly retrySeconds: number | null = null,
  ) {
    super(message);
  }
}

/** Why a piece ended: requested length reached, ended by the model, maximum length reached, or server shutting down. */
export type EndReason = "length" | "model" | "limit" | "stopped";

/** A part of the stream of /generate; "reconnect": the connection was lost, and the stream will be resumed. */
export type StreamPart =
  | { kind: "reconnect" }
  | { kind: "begin"; version: number; primer: Roll }
  | { kind: "steps"; first: number; roll: Roll }
  | { kind: "end"; steps: number; reason: EndReason };

/** The model, its versions, and the server's limits. */
export async function fetchAbout(): Promise<About> {
  return (await checkResponse(fetch("about", { cache: "no-store" }))).json();
}

/** A whole MIDI file as the roll that the model receives, and its tempo and time signatures, in which it is continued. */
export interface UploadedMusic extends Clock {
  roll: Roll;
  notes: number;
  left_out: number;
  meters: MeterChange[];
}

/** Uploads a MIDI file, and returns what the server read from it. */
export async function uploadMusic(file: File): Promise<UploadedMusic> {
  const form = new FormData();
  form.append("primer", file);
  const uploaded = await (await checkResponse(fetch("primer?whole=1", { method: "POST", body: form }))).json();
  return { ...uploaded, roll: validateRoll(uploaded.roll) };
}

/** A filled gap: the whole piece, and how many of the continuations still count, which is low if one of them stands out. */
export interface Filled {
  roll: Roll;
  effectiveParticles: number;
}

/** Fills the gap of a take. */
export async function fillGap(take: Take, gap: Gap, signal: AbortSignal): Promise<Filled> {
  const response = await checkResponse(post("infill", { ...infillBody(take, gap), output: "roll" }, signal));
  const { roll, effective_particles } = await response.json();
  if (roll?.length !== take.rows.length) throw new ApiError("The filled piece has another length.");
  return { roll: validateRoll(roll), effectiveParticles: effective_particles };
}

function infillBody(take: Take, gap: Gap): Record<string, unknown> {
  const settings = { ...take.settings, steps: gap.end - gap.start };
  const { steps: _, primer: __, ...fields } = requestBody(settings, take.primer);
  return { ...fields, ...placeOfFirstRow(take), ...gap, roll: withoutGap(take.rows, gap) };
}

/** The place in its bar of a take's first step, which lies before the primer's if the primer has a lead. */
function placeOfFirstRow({ primer, grid }: Take): { place?: number } {
  if (!primer?.clock || !primer.lead?.length) return {};
  const { meter, tempo, place } = primer.clock;
  return { place: Math.round(-makeBars(grid, meter, tempo, place - primer.lead.length).firstLine) };
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
  const body = requestBody(settings, primer);
  const open = (lastEventId: string) => checkResponse(post("generate?stream=1", body, signal, lastEventId));
  const lost = () => new ApiError("The connection to the server was lost before the piece was complete.");
  for await (const received of resumedEvents(open, lost, signal)) {
    if (received === null) {
      yield { kind: "reconnect" };
      continue;
    }
    const { event, data } = received;
    const value = JSON.parse(data);
    if (event === "error") throw new ApiError(value.error);
    if (event === "begin") yield { kind: event, version: value.version, primer: validateRoll(value.primer) };
    if (event === "steps") yield { kind: event, first: value.first, roll: validateRoll(value.roll) };
    if (event === "end") yield { kind: event, steps: value.steps, reason: value.reason };
  }
}

function post(path: string, body: unknown, signal?: AbortSignal, lastEventId = ""): Promise<Response> {
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (lastEventId) headers["Last-Event-ID"] = lastEventId;
  return fetch(path, { method: "POST", headers, body: JSON.stringify(body), signal: signal ?? null });
}

/** The response if its status is a success; throws an ApiError otherwise. */
async function checkResponse(request: Promise<Response>): Promise<Response> {
  let response: Response;
  try {
    response = await request;
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    throw new ApiError("The server cannot be reached. Is it still running?", 0);
  }
  if (!response.ok) throw new ApiError(await errorMessage(response), retrySeconds(response));
  return response;
}

/** Seconds after which a busy server wants to be asked again; null: it is not busy, and would respond the same again. */
function retrySeconds(response: Response): number | null {
  const isPassing = [429, 502, 503, 504].includes(response.status); // 502 and 504 are a proxy's while the server restarts
  return isPassing ? Number(response.headers.get("Retry-After")) || 0 : null;
}

async function errorMessage(response: Response): Promise<string> {
  if (response.status === 429 || response.status === 503) {
    const seconds = retrySeconds(response) ?? 0;
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
