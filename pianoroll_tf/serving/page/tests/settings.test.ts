import { expect, it } from "vitest";
import { describeSettings, requestBody, settingError, UNTIL_MODEL_ENDS } from "../src/settings";
import { LIMITS, PRIMER, SETTINGS } from "./fixtures";

it("accepts the limits themselves", () => {
  expect(settingError("seed", 2 ** 53 - 1, LIMITS)).toBe("");
  expect(settingError("temperature", 0.05, LIMITS)).toBe("");
  expect(settingError("steps", 65537, LIMITS)).not.toBe("");
});

it("makes a request body", () => {
  expect(requestBody(SETTINGS, null)).toEqual(SETTINGS);
  expect(requestBody(SETTINGS, PRIMER)).toEqual({ ...SETTINGS, primer: PRIMER.roll });
  const clock = { tempo: 138, meter: "3/4", place: 4 };
  expect(requestBody(SETTINGS, { ...PRIMER, clock })).toEqual({ ...SETTINGS, ...clock, primer: PRIMER.roll });
  expect(requestBody({ ...SETTINGS, steps: UNTIL_MODEL_ENDS }, null)).not.toHaveProperty("steps");
});

it("describes settings without the defaults of density and top-p", () => {
  const plain = { version: 1, steps: 8, seed: 5, temperature: 1, top_p: 1, density: 1 };
  expect(describeSettings(plain, null)).toBe("seed 5 · temperature 1 · version 1 · from scratch");
  expect(describeSettings({ ...plain, density: 2, top_p: 0.5 }, PRIMER)).toBe(
    "seed 5 · temperature 1 · density × 2 · top-p 0.5 · version 1 · from Bach & <Sons>.mid",
  );
});
