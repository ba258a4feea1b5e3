// Fills a take with what the server streams.
import { ApiError, stream } from "./api";
import type { Take } from "./take";

/**
 * Returns when the take is complete, has failed or was stopped by the signal.
 * `mostSteps`: where music without end is stopped, as more could not be asked for again.
 */
export async function grow(take: Take, mostSteps: number, signal: AbortSignal, onchange: () => void): Promise<void> {
  try {
    for await (const part of stream(take.settings, take.primer, signal)) {
      if (part.kind === "begin") take.begin(part.primer);
      if (part.kind === "end") take.ended = part.reason;
      if (part.kind === "steps") append(take, part.first, part.roll.slice(0, mostSteps - take.generated));
      onchange();
      if (take.generated >= mostSteps) break;
    }
    take.finish("done");
  } catch (error) {
    if (signal.aborted) take.finish("stopped");
    else take.finish("failed", error instanceof ApiError ? error.message : `The answer was not understood. ${error}`);
  }
  onchange();
}

function append(take: Take, first: number, roll: readonly (readonly number[])[]): void {
  if (first !== take.generated) throw new ApiError("A part of the music was lost on the way.");
  take.append(roll);
}
