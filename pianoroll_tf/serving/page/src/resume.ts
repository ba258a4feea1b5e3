// Events of one piece over as many connections as it takes: a stream that was cut resumes after its last event.
import { readEventStream, type ServerEvent } from "./eventstream";

/** A failure after which the same request may succeed later. */
export interface Retriable {
  /** Seconds after which to try again; null: it is of no use. */
  readonly retrySeconds: number | null;
}

/** Seconds before each attempt to reconnect; an attempt that receives an event starts again with the first. */
export const RETRY_SECONDS = [0.5, 1, 2, 4, 8, 15];
const FINAL_EVENTS = new Set(["end", "error"]);

/** Waits; rejects as soon as the signal is aborted. */
export function sleep(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/**
 * Yields each event once, up to "end" or "error"; null while it reconnects.
 *
 * `open` requests the stream after the event with this id, or from its beginning for "", which it is too if it was cut before
 * an event could be read. The stream is not resumed if the first connection fails, or if the server gives its events no ids.
 */
export async function* resumedEvents(
  open: (lastEventId: string) => Promise<Response>,
  lost: () => Error,
  signal: AbortSignal,
  wait = sleep,
): AsyncGenerator<ServerEvent | null> {
  let lastEventId = "";
  let opened = false;
  let isNew = true; // no event was received
  const canResume = () => lastEventId !== "" || isNew;
  for (let attempt = 0; ; attempt++) {
    let retrySeconds: number | null = 0;
    try {
      const response = await open(lastEventId);
      opened = true;
      for await (const event of readEventStream(response.body!)) {
        lastEventId = event.id ?? lastEventId;
        attempt = 0;
        isNew = false;
        yield event;
        if (FINAL_EVENTS.has(event.event)) return;
      }
    } catch (error) {
      retrySeconds = isDropped(error) ? 0 : ((error as Partial<Retriable>).retrySeconds ?? null);
      if (signal.aborted || !opened || !canResume() || retrySeconds === null) throw isDropped(error) ? lost() : error;
    }
    const delay = RETRY_SECONDS[attempt];
    if (!canResume() || delay === undefined) throw lost();
    yield null;
    await wait(Math.max(delay, retrySeconds), signal);
  }
}

/** Whether an error is how a browser reports a connection that ends in mid-stream. */
function isDropped(error: unknown): boolean {
  return error instanceof TypeError;
}
