// Limits, settings and a primer for several test files.

export const LIMITS = {
  steps: [1, 65536],
  temperature: [0.05, 20],
  top_p: [0, 1],
  density: [0.05, 20],
  seed: [0, 2 ** 53 - 1],
} as const;
export const SETTINGS = { version: 3, steps: 256, seed: 2 ** 53 - 1, temperature: 0.95, top_p: 0.9, density: 1.1 };
export const PRIMER = { name: "Bach & <Sons>.mid", roll: [[60], [60, 64]] };
