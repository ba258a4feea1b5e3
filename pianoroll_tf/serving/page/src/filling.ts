// Makes a take by filling a gap in another one.
import { ApiError, fillGap } from "./api";
import type { Take } from "./take";

/** Returns when the gap of the take is filled, or when that has failed or was stopped by the signal. */
export async function fillFromInfill(take: Take, signal: AbortSignal, onchange: () => void): Promise<void> {
  try {
    const { roll, effectiveParticles } = await fillGap(take, take.gap!, signal);
    take.replaceRows(roll);
    take.effectiveParticles = effectiveParticles;
    take.finish("done");
  } catch (error) {
    if (signal.aborted) take.finish("stopped");
    else take.finish("failed", error instanceof ApiError ? error.message : `The response is not valid. ${error}`);
  }
  onchange();
}
