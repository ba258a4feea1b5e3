// Fills a take with the music that the server streams.
import { ApiError, streamPiece } from "./api";
import type { Take } from "./take";

/**
 * Returns when the take is complete, has failed or was stopped by the signal.
 * `maxSteps`: where endless music is stopped, because the server could not generate a longer take again.
 */
export async function fillFromStream(
  take: Take,
  maxSteps: number,
  signal: AbortSignal,
  onchange: () => void,
): Promise<void> {
  try {
    for await (const part of streamPiece(take.settings, take.primer, signal)) {
      take.reconnecting = part.kind === "reconnect";
      if (part.kind === "begin") take.setPrimer(part.primer);
      if (part.kind === "end") take.endReason = part.reason;
      if (part.kind === "steps") {
        if (part.first !== take.generatedSteps) throw new ApiError("Part of the music was lost during streaming.");
        take.append(part.roll.slice(0, maxSteps - take.generatedSteps));
      }
      onchange();
      if (take.generatedSteps >= maxSteps) break;
    }
    take.finish("done");
  } catch (error) {
    if (signal.aborted) take.finish("stopped");
    else take.finish("failed", error instanceof ApiError ? error.message : `The response is not valid. ${error}`);
  }
  onchange();
}
