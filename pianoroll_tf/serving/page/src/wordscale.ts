// Sliders in words: positions to the left and right of a usual value, each a fixed factor apart.

export interface WordScale {
  /** From the leftmost position to the rightmost, the usual one in the middle. */
  readonly words: readonly string[];
  /** Value of the position 0. */
  readonly usual: number;
  /** Positions that double the value. */
  readonly perOctave: number;
}

/** Positions on each side of 0. */
export const REACH = 10;

export const DARING = ["very safe", "safer", "balanced", "bolder", "very bold"] as const;
export const FULLNESS = ["very sparse", "sparser", "as in the training music", "denser", "very dense"] as const;

/** The value of a position, rounded to hundredths. */
export function valueAt(position: number, { usual, perOctave }: WordScale): number {
  return Math.round(100 * usual * 2 ** (position / perOctave)) / 100;
}

/** The position nearest to a value, at most `REACH` from the middle. */
export function positionOf(value: number, { usual, perOctave }: WordScale): number {
  const position = Math.round(Math.log2(value / usual) * perOctave) || 0;
  return Math.max(-REACH, Math.min(REACH, position));
}

/** The word for a value: the one in the middle is for the positions right beside the usual value. */
export function wordFor(value: number, scale: WordScale): string {
  const middle = (scale.words.length - 1) / 2;
  const distance = Math.sign(positionOf(value, scale)) * Math.ceil((Math.abs(positionOf(value, scale)) - 1) / (REACH / 2));
  return scale.words[Math.max(0, Math.min(2 * middle, middle + distance))]!;
}
