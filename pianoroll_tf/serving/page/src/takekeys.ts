// Undo and redo, the keys of the whole page, and the list of them.
import { announce, byId } from "./dom";
import type { Build } from "./takecard";
import type { TakeList } from "./takelist";

const BUILD_KEYS: Record<string, Build> = { c: "continue", v: "vary", f: "four", b: "bars" };
const SINGLE_KEYS = "pianoroll_tf/single-keys"; // "off" in the local storage: the user does not want them
const TOAST_SECONDS = 12;
let pressed: Element | null = null; // the button that was last pressed by mouse or finger, while it may have the focus

export function connectKeys(takes: TakeList): void {
  connectHistory(takes);
  const singleKeys = byId<HTMLInputElement>("single-keys");
  singleKeys.checked = stored(SINGLE_KEYS) !== "off";
  singleKeys.addEventListener("change", () => store(SINGLE_KEYS, singleKeys.checked ? "on" : "off"));
  byId("help").addEventListener("click", () => byId<HTMLDialogElement>("shortcuts").showModal());
  document.addEventListener("pointerdown", (event) => (pressed = (event.target as Element).closest("button, summary, a")), true);
  document.addEventListener("keyup", (event) => {
    // Some browsers press a button when the space bar is released.
    if (event.key === " " && !isText(event.target as Element) && !needsSpace(event.target as Element)) event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Tab") pressed = null;
    if (event.defaultPrevented || event.altKey || document.querySelector("dialog[open]")) return;
    const used = event.ctrlKey || event.metaKey ? undoOrRedo(event, takes) : plainKey(event, takes, singleKeys.checked);
    if (used) event.preventDefault();
  });
}

/** Undo and redo by buttons, and by a message that says what was done. */
function connectHistory(takes: TakeList): void {
  const [undo, redo, toast] = [byId<HTMLButtonElement>("undo"), byId<HTMLButtonElement>("redo"), byId("toast")];
  let timer = 0;
  takes.history.onchange = (text) => {
    undo.disabled = !takes.history.canUndo;
    redo.disabled = !takes.history.canRedo;
    announce(text);
    toast.querySelector("span")!.textContent = text;
    toast.querySelector("button")!.hidden = text.startsWith("Undone");
    toast.hidden = false;
    window.clearTimeout(timer);
    timer = window.setTimeout(() => (toast.hidden = true), TOAST_SECONDS * 1000);
  };
  undo.addEventListener("click", () => takes.history.undo());
  redo.addEventListener("click", () => takes.history.redo());
  toast.querySelector("button")!.addEventListener("click", () => takes.history.undo());
}

function undoOrRedo(event: KeyboardEvent, takes: TakeList): boolean {
  if (isText(event.target as Element)) return false; // the browser undoes the typing
  const key = event.key.toLowerCase();
  if (key === "y" || (key === "z" && event.shiftKey)) takes.history.redo();
  else if (key === "z") takes.history.undo();
  else return false;
  return true;
}

function plainKey(event: KeyboardEvent, takes: TakeList, singleKeys: boolean): boolean {
  const target = event.target as Element;
  if (isText(target)) return false;
  if (event.key === " ") {
    if (needsSpace(target)) return false;
    if (takes.current) void takes.toggle(takes.cardOf(target) ?? takes.current);
    else byId("listen").click(); // the piece that the page opens with
    return true;
  }
  const card = takes.cardOf(target);
  if (event.key === "Delete" && card) takes.remove(card);
  else if (event.key === "?" && singleKeys) byId<HTMLDialogElement>("shortcuts").showModal();
  else {
    const kind = BUILD_KEYS[event.key.toLowerCase()];
    const button = card?.element.querySelector<HTMLButtonElement>(`[data-build=${kind}]`);
    if (!kind || !card || !singleKeys || !button || button.disabled) return false;
    takes.onbuild(card, kind);
  }
  return true;
}

/** Whether keys are typed into the element. */
function isText(element: Element): boolean {
  const others = "input[type=range], input[type=radio], input[type=checkbox], input[type=file]";
  return element.matches("input, textarea, select, [contenteditable]") && !element.matches(others);
}

/** Whether the space bar does something else there: it presses a button that was not reached by mouse or finger. */
function needsSpace(element: Element): boolean {
  if (element.closest("dialog") || element.matches("input[type=radio], input[type=checkbox], input[type=file]")) return true;
  return element.matches("button, summary, a") && element !== pressed;
}

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function store(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Not available: it is asked for again the next time.
  }
}
