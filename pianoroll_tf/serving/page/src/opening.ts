// What the page shows before there are takes: a piece that the model has just made, and pieces to carry on from.
import { currentColours, onColourSchemeChange } from "./colours";
import { byId } from "./dom";
import { drawMiniRoll } from "./miniroll";
import type { Primer } from "./settings";
import { fillFromStream } from "./streaming";
import type { Take } from "./take";

export class Opening {
  /** The user wants to hear the piece. */
  onplay: (take: Take) => void = () => undefined;
  /** The piece has grown. */
  ongrow: (take: Take) => void = () => undefined;

  private take: Take | null = null;
  private readonly stage = byId("stage");

  /**
   * `make` returns a take to be filled with music, once the opening is seen; `describe` says what it is;
   * `onstart` is called with the index of an example that is to be carried on.
   */
  constructor(
    private readonly examples: readonly Primer[],
    private readonly make: () => Take | null,
    private readonly describe: (take: Take) => string,
    private readonly onstart: (example: number) => void,
  ) {
    byId("starting-points").replaceChildren(...examples.map((example, index) => this.startingPoint(example, index)));
    byId("listen").addEventListener("click", () => this.take && this.onplay(this.take));
    onColourSchemeChange(() => this.draw());
    new ResizeObserver(() => {
      if (this.stage.clientWidth) this.take ??= this.prepare();
      this.draw();
    }).observe(this.stage);
  }

  private prepare(): Take | null {
    const take = this.make();
    if (!take) return null;
    const changed = () => {
      byId<HTMLButtonElement>("listen").disabled = take.generatedSteps === 0;
      if (take.complete) byId("opening-caption").textContent = take.error || this.describe(take);
      this.draw();
      this.ongrow(take);
    };
    void fillFromStream(take, Infinity, new AbortController().signal, changed);
    return take;
  }

  private startingPoint({ name }: Primer, index: number): HTMLElement {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "starting-point";
    const canvas = document.createElement("canvas");
    canvas.setAttribute("aria-hidden", "true");
    const title = document.createElement("span");
    title.textContent = name;
    button.append(canvas, title);
    button.addEventListener("click", () => this.onstart(index));
    return button;
  }

  private draw(): void {
    const colours = currentColours();
    const { take } = this;
    if (take) drawMiniRoll(this.stage.querySelector("canvas")!, take.rows, take.primerSteps, colours, take.expectedSteps);
    byId("starting-points").querySelectorAll("canvas").forEach((canvas, i) => {
      const { roll } = this.examples[i]!;
      drawMiniRoll(canvas, roll, roll.length, colours);
    });
  }
}
