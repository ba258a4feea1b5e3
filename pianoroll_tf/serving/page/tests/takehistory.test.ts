import { expect, it } from "vitest";
import { History } from "../src/takehistory";

function add(list: number[], value: number) {
  return { text: `added ${value}`, apply: () => void list.push(value), revert: () => void list.pop() };
}

it("undoes and does again, in order", () => {
  const [list, texts, history] = [[] as number[], [] as string[], new History()];
  history.onchange = (text) => texts.push(text);
  history.do(add(list, 1));
  history.do(add(list, 2));
  history.undo();
  history.undo();
  expect([list, history.canUndo, history.canRedo]).toEqual([[], false, true]);
  history.undo(); // nothing is left
  history.redo();
  expect([list, texts.at(-1), texts.at(-2)]).toEqual([[1], "added 1", "Undone: added 1"]);
  history.do(add(list, 3));
  expect([list, history.canRedo]).toEqual([[1, 3], false]);
});
