// Undo and redo of what was done to the takes.

export interface Change {
  /** What was done, as a sentence: "Take 3 was removed." */
  readonly text: string;
  apply(): void;
  revert(): void;
}

const MAX_CHANGES = 100;

export class History {
  /** Something was done, undone or done again. */
  onchange: (text: string) => void = () => undefined;
  private readonly done: Change[] = [];
  private readonly undone: Change[] = [];

  /** Applies a change; those that were undone before cannot be done again. */
  do(change: Change): void {
    this.undone.length = 0;
    this.done.push(change);
    if (this.done.length > MAX_CHANGES) this.done.shift();
    change.apply();
    this.onchange(change.text);
  }

  undo(): void {
    const change = this.done.pop();
    if (!change) return;
    this.undone.push(change);
    change.revert();
    this.onchange(`Undone: ${change.text}`);
  }

  redo(): void {
    const change = this.undone.pop();
    if (!change) return;
    this.done.push(change);
    change.apply();
    this.onchange(change.text);
  }

  get canUndo(): boolean {
    return this.done.length > 0;
  }

  get canRedo(): boolean {
    return this.undone.length > 0;
  }
}
