// The colours of the drawing, as the style sheet states them for light and dark.
import type { Colours } from "./draw";

/** Those in use now. */
export function currentColours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(`--roll-${name}`).trim();
  return {
    paper: colour("paper"),
    stripe: colour("stripe"),
    line: colour("line"),
    text: colour("text"),
    whiteKey: colour("white-key"),
    blackKey: colour("black-key"),
    primer: colour("primer"),
    music: colour("music"),
  };
}

/** Calls back when light turns to dark or back. */
export function onColourChange(callback: () => void): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", callback);
}
