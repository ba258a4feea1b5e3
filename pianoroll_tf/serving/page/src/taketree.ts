// The family tree of the takes: each stands below the nearest of its ancestors that is still there.
import type { Origin } from "./take";

/** What the tree needs of a take. */
export interface Related {
  readonly number: number;
  readonly origin: Pick<Origin, "id" | "created" | "ancestors" | "batch">;
}

export interface TreeNode<T> {
  readonly item: T;
  readonly level: number; // 1 for a root
  readonly children: TreeNode<T>[];
}

/** The roots with all that is below them: newest first, but those that were made together in their order. */
export function buildTree<T extends Related>(items: readonly T[]): TreeNode<T>[] {
  const byId = new Map(items.map((item) => [item.origin.id, item]));
  const below = new Map<T | null, T[]>();
  for (const item of [...items].sort(compare)) {
    const parent = parentOf(item, byId);
    below.set(parent, [...(below.get(parent) ?? []), item]);
  }
  const nodes = (parent: T | null, level: number): TreeNode<T>[] =>
    (below.get(parent) ?? []).map((item) => ({ item, level, children: nodes(item, level + 1) }));
  return nodes(null, 1);
}

/** The nodes of a tree from top to bottom. */
export function flatten<T>(nodes: readonly TreeNode<T>[]): TreeNode<T>[] {
  return nodes.flatMap((node) => [node, ...flatten(node.children)]);
}

/** All takes of the family of one: its oldest ancestor and all that is below it, from top to bottom. */
export function familyOf<T extends Related>(item: T, items: readonly T[]): T[] {
  const root = buildTree(items).find((node) => flatten([node]).some((other) => other.item === item));
  return root ? flatten([root]).map((node) => node.item) : [item];
}

function parentOf<T extends Related>(item: T, byId: Map<string, T>): T | null {
  const id = item.origin.ancestors.find((ancestor) => byId.has(ancestor) && ancestor !== item.origin.id);
  return id === undefined ? null : byId.get(id)!;
}

function compare(a: Related, b: Related): number {
  const together = a.origin.batch !== "" && a.origin.batch === b.origin.batch;
  const age = b.origin.created - a.origin.created;
  return together ? a.number - b.number : age || b.number - a.number;
}
