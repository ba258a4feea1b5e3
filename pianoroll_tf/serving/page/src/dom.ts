// Small helpers for the document.

/** The element with this id. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no element ${id}`);
  return element as T;
}

/** Shows a sentence, or hides the place for it. */
export function tell(element: HTMLElement, sentence: string): void {
  element.textContent = sentence;
  element.hidden = sentence === "";
}

/** Says a sentence to those who hear the page instead of seeing it. */
export function announce(sentence: string): void {
  byId("status").textContent = sentence;
}
