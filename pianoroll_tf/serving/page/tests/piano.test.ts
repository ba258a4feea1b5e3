import { expect, it } from "vitest";
import { nearestSamplePitch } from "../src/piano";

it("plays each pitch by a sample at most one semitone away", () => {
  for (let pitch = 24; pitch <= 107; pitch++) {
    const sample = nearestSamplePitch(pitch);
    expect((sample - 24) % 3).toBe(0);
    expect(Math.abs(sample - pitch)).toBeLessThanOrEqual(1);
    expect(sample).toBeGreaterThanOrEqual(24);
    expect(sample).toBeLessThanOrEqual(108);
  }
});
