import { expect, it } from "vitest";
import { buildTree, familyOf, flatten, type Related } from "../src/taketree";

const take = (number: number, ancestors: string[] = [], batch = "", created = number): Related => ({
  number,
  origin: { id: `t${number}`, created, ancestors, batch },
});
const shape = (items: Related[]) => flatten(buildTree(items)).map(({ item, level }) => [item.number, level]);

it("stands each take below what it was made of, the newest first", () => {
  const takes = [take(1), take(2, ["t1"]), take(3, ["t1"]), take(4, ["t2", "t1"]), take(5)];
  expect(shape(takes)).toEqual([[5, 1], [1, 1], [3, 2], [2, 2], [4, 3]]);
});

it("keeps those that were made together in their order", () => {
  const four = [2, 3, 4, 5].map((number) => take(number, ["t1"], "x", 2));
  expect(shape([take(1), ...four, take(6, ["t1"])])).toEqual([[1, 1], [6, 2], [2, 2], [3, 2], [4, 2], [5, 2]]);
});

it("stands a take below the nearest ancestor that is left", () => {
  const [first, , third] = [take(1), take(2, ["t1"]), take(3, ["t2", "t1"])];
  expect(shape([first, third])).toEqual([[1, 1], [3, 2]]);
  expect(shape([third])).toEqual([[3, 1]]);
});

it("finds the family of a take", () => {
  const takes = [take(1), take(2, ["t1"]), take(3), take(4, ["t2", "t1"])];
  expect(familyOf(takes[3]!, takes).map(({ number }) => number)).toEqual([1, 2, 4]);
  expect(familyOf(takes[2]!, takes).map(({ number }) => number)).toEqual([3]);
});
