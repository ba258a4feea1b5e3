// The family tree in the document: nested lists of cards, and from name to name by the arrow keys.
import type { Take } from "./take";
import type { TakeCard } from "./takecard";
import { buildTree, flatten, type TreeNode } from "./taketree";

export class TakeTreeView {
  private readonly items = new Map<TakeCard, HTMLLIElement>();
  private nodes: TreeNode<Take>[] = [];
  private cards = new Map<Take, TakeCard>();

  constructor(private readonly root: HTMLElement) {
    root.addEventListener("keydown", (event) => this.handleKey(event));
  }

  /** Shows these cards; those that stay in their places are not moved, so that they keep focus and scrolling. */
  show(cards: readonly TakeCard[]): void {
    this.cards = new Map(cards.map((card) => [card.take, card]));
    this.nodes = buildTree(cards.map((card) => card.take));
    this.fill(this.root, this.nodes);
    for (const card of [...this.items.keys()]) {
      if (!this.cards.has(card.take)) this.items.delete(card);
    }
    for (const { item, children } of flatten(this.nodes)) this.updateOrigins(children, item);
    this.updateOrigins(this.nodes, null);
  }

  private fill(list: HTMLElement, nodes: readonly TreeNode<Take>[]): void {
    let next = list.firstElementChild;
    for (const node of nodes) {
      const item = this.item(this.cards.get(node.item)!);
      if (item !== next) list.insertBefore(item, next);
      this.fillItem(item, node); // may take the next item into this one
      next = item.nextElementSibling;
    }
    while (next) {
      const stale = next;
      next = next.nextElementSibling;
      stale.remove();
    }
    this.markLines(nodes);
  }

  private fillItem(item: HTMLLIElement, node: TreeNode<Take>): void {
    let list = item.querySelector<HTMLElement>(":scope > ul");
    if (!list && node.children.length) {
      list = document.createElement("ul");
      list.className = "children";
      list.setAttribute("role", "list"); // some browsers take it away from lists without bullets
      item.append(list);
    }
    if (list) {
      list.ariaLabel = `Made of ${node.item.name}`;
      this.fill(list, node.children);
      if (!node.children.length) list.remove();
    }
    item.dataset.level = String(node.level);
  }

  /** Marks the items for the lines of the tree: takes that were made together stand in two columns. */
  private markLines(nodes: readonly TreeNode<Take>[]): void {
    const isLeaf = (node?: TreeNode<Take>) => node !== undefined && node.children.length === 0;
    let column = 0;
    nodes.forEach(({ item, children }, i) => {
      const { batch } = item.origin;
      const isRival = (other?: TreeNode<Take>) => batch !== "" && isLeaf(other) && other!.item.origin.batch === batch;
      const isNarrow = isLeaf(nodes[i]) && (isRival(nodes[i - 1]) || isRival(nodes[i + 1]));
      column = isNarrow && isRival(nodes[i - 1]) ? 1 - column : 0;
      const isLast = i === nodes.length - 1 || (i === nodes.length - 2 && column === 0 && isRival(nodes[i + 1]));
      const { classList } = this.item(this.cards.get(item)!);
      classList.toggle("narrow", isNarrow);
      classList.toggle("second", column === 1);
      classList.toggle("last", isLast);
      classList.toggle("parent", children.length > 0);
    });
  }

  private updateOrigins(nodes: readonly TreeNode<Take>[], parent: Take | null): void {
    for (const { item, children } of nodes) {
      const { batch, ancestors } = item.origin;
      const rivals = batch !== "" && nodes.some((other) => other.item !== item && other.item.origin.batch === batch);
      const known = parent && ancestors[0] === parent.origin.id ? parent : null;
      this.cards.get(item)!.setOrigin(known, rivals, parent !== null || children.length > 0);
    }
  }

  private item(card: TakeCard): HTMLLIElement {
    const known = this.items.get(card);
    if (known) return known;
    const item = document.createElement("li");
    item.append(card.element);
    this.items.set(card, item);
    return item;
  }

  /** Up and down: the next name; left: that of the parent; right: that of the first child. */
  private handleKey(event: KeyboardEvent): void {
    const title = event.target as HTMLElement;
    if (!title.classList.contains("title") || event.ctrlKey || event.metaKey || event.altKey) return;
    const titles = [...this.root.querySelectorAll<HTMLElement>(".title")];
    const at = titles.indexOf(title);
    const item = title.closest("li")!;
    const targets: Record<string, HTMLElement | null | undefined> = {
      ArrowUp: titles[at - 1],
      ArrowDown: titles[at + 1],
      ArrowLeft: item.parentElement!.closest("li")?.querySelector<HTMLElement>(".title"),
      ArrowRight: item.querySelector<HTMLElement>(":scope > ul .title"),
      Home: titles[0],
      End: titles.at(-1),
    };
    if (!(event.key in targets)) return;
    event.preventDefault();
    targets[event.key]?.focus();
  }
}
