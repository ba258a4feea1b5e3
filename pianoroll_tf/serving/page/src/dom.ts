// Helpers for the document.

/** The element with this id. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no element with the id ${id}`);
  return element as T;
}

/** Shows a message in an element, or hides the element if the message is empty. */
export function showMessage(element: HTMLElement, message: string): void {
  element.textContent = message;
  element.hidden = message === "";
}

/** Announces a message to screen readers. */
export function announce(message: string): void {
  byId("status").textContent = message;
}

/** Downloads content as a file with this name. */
export function download(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // some browsers start to read it late
}

/** A radio button with a label; the first of a group is checked. */
export function radioButton(group: string, text: string, index: number): HTMLElement {
  const [label, input, words] = [document.createElement("label"), document.createElement("input"), document.createElement("span")];
  Object.assign(input, { type: "radio", name: group, value: String(index), defaultChecked: index === 0 });
  words.textContent = text;
  label.append(input, words);
  return label;
}
