// The colours of the piano-roll, read from the style sheet's custom properties for the light or dark colour scheme.
import type { Colours } from "./drawroll";

const byScheme = new Map<boolean, Colours>(); // to read them takes longer than to draw with them

/** The colours of the current colour scheme. */
export function currentColours(): Colours {
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const colours = byScheme.get(isDark) ?? readColours();
  byScheme.set(isDark, colours);
  return colours;
}

function readColours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(`--roll-${name}`).trim();
  return {
    paper: colour("paper"),
    stripe: colour("stripe"),
    line: colour("line"),
    barLine: colour("bar-line"),
    text: colour("text"),
    whiteKey: colour("white-key"),
    blackKey: colour("black-key"),
    primer: colour("primer"),
    generated: colour("generated"),
    filled: colour("filled"),
  };
}

/** Calls back when the colour scheme changes between light and dark. */
export function onColourSchemeChange(callback: () => void): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", callback);
}
