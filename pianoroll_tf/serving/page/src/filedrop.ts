// Files that are dropped anywhere on the page.

/** Calls back with the first file of each drop; otherwise the browser would navigate to the file. */
export function acceptDroppedFiles(ondrop: (file: File) => void): void {
  const isFile = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  const highlight = (on: boolean) => document.body.classList.toggle("dropping", on);
  document.addEventListener("dragover", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    highlight(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) highlight(false);
  });
  document.addEventListener("drop", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    highlight(false);
    const file = event.dataTransfer?.files[0];
    if (file) ondrop(file);
  });
}
