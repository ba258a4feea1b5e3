// The keys of a piano on the screen, for the pointer; they show the letters that play the same.
import { KEY_COUNT, letterOf, pitchOf } from "./qwerty";
import { isBlackKey } from "./roll";

export class ScreenKeys {
  /** A key is pressed or released at a time of `performance.now()`; `holder` is the pointer that holds it. */
  onpress: (holder: string, pitch: number, time: number) => void = () => undefined;
  onrelease: (holder: string, time: number) => void = () => undefined;

  constructor(private readonly element: HTMLElement) {}

  /** Shows the keys from the C of an octave. */
  show(octave: number): void {
    const keys = Array.from({ length: KEY_COUNT }, (_, semitone) => this.createKey(semitone, octave));
    this.element.replaceChildren(...keys);
  }

  /** Lights up the keys of these pitches alone. */
  light(pitches: readonly number[]): void {
    for (const key of this.element.querySelectorAll<HTMLElement>("[data-pitch]")) {
      key.classList.toggle("pressed", pitches.includes(Number(key.dataset.pitch)));
    }
  }

  private createKey(semitone: number, octave: number): HTMLElement {
    const key = document.createElement("span");
    const pitch = pitchOf(semitone, octave);
    key.className = isBlackKey(pitch) ? "black" : "white";
    key.dataset.pitch = String(pitch);
    key.textContent = letterOf(semitone);
    const holder = (event: PointerEvent) => `pointer ${event.pointerId}`;
    key.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      key.setPointerCapture(event.pointerId);
      this.onpress(holder(event), pitch, event.timeStamp);
    });
    for (const kind of ["pointerup", "pointercancel"] as const) {
      key.addEventListener(kind, (event) => this.onrelease(holder(event), event.timeStamp));
    }
    return key;
  }
}
