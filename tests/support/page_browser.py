"""For the tests of the page: builds it, starts a server and a browser, and observes what the page draws and plays."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from repository import ROOT

PAGE = ROOT / "pianoroll_tf" / "serving" / "page"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Runs before the page's code: records violations of the security policy, the lengths of the take, and what is played.
OBSERVER = """
window.observed = {violations: [], lengths: [], contexts: [], loudest: 0};
document.addEventListener('securitypolicyviolation', (event) => observed.violations.push(event.violatedDirective));
window.AudioContext = class extends AudioContext {
  constructor(...settings) { super(...settings); observed.contexts.push(this); }
};
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...rest) {
  if (target === this.context.destination && this.context instanceof AudioContext) {
    const analyser = this.context.createAnalyser();
    connect.call(this, analyser);
    setInterval(() => {
      const samples = new Float32Array(analyser.fftSize);
      analyser.getFloatTimeDomainData(samples);
      observed.loudest = Math.max(observed.loudest, ...samples.map(Math.abs));
    }, 20);
  }
  return connect.call(this, target, ...rest);
};
const observeLength = () => {
  const time = document.querySelector('.take .time')?.textContent.split('/')[1].trim();
  if (time && time !== observed.lengths.at(-1)) observed.lengths.push(time);
  requestAnimationFrame(observeLength);
};
requestAnimationFrame(observeLength);
"""

# Opens the sections of each take as soon as it is there, for tests of what is in them.
OPENER = """
new MutationObserver(() => {
  const unseen = document.querySelectorAll('.take .section:not([data-seen])');
  for (const section of unseen) section.open = section.dataset.seen = true;
}).observe(document, {childList: true, subtree: true});
"""

# Counts the pixels of a canvas that have the colour of a CSS custom property.
COUNT_PIXELS = """([canvas, name]) => {
  const context = document.createElement('canvas').getContext('2d');
  context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  context.fillRect(0, 0, 1, 1);
  const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let i = 0; i < data.length; i += 4) count += data[i] === r && data[i + 1] === g && data[i + 2] === b;
  return count;
}"""

# Drops a file on the page, with these bytes, or with so many zeros.
DROP_FILE = """([name, bytes]) => {
  const transfer = new DataTransfer();
  const content = typeof bytes === 'number' ? new Uint8Array(bytes) : Uint8Array.from(bytes);
  transfer.items.add(new File([content], name, {type: 'audio/midi'}));
  for (const kind of ['dragover', 'drop']) {
    document.body.dispatchEvent(new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
  }
}"""


def npm() -> str:
    """Returns the path of npm, or skips the test without it."""
    found = shutil.which("npm")
    if not found:
        pytest.skip("THE PAGE IS NOT TESTED: npm is not installed (apt-get install npm)")
    return found


def run_npm(*arguments: str) -> None:
    """Runs npm in the page's folder; fails the test with its output."""
    done = subprocess.run([npm(), *arguments], cwd=PAGE, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def install() -> None:
    """Installs the page's npm packages unless they are installed."""
    if not (PAGE / "node_modules" / ".package-lock.json").is_file():
        run_npm("ci")


def build() -> None:
    """Builds the page unless it is up to date."""
    built = PAGE / "dist" / "index.html"
    folders = (PAGE / "src", PAGE / "styles", PAGE / "public")
    sources = [path for folder in folders for path in folder.rglob("*")] + list(PAGE.glob("*.*"))
    if not built.is_file() or built.stat().st_mtime < max(path.stat().st_mtime for path in sources):
        install()
        run_npm("run", "build")


@contextlib.contextmanager
def start_server(model: Path) -> Iterator[str]:
    """Starts a server of a model, and yields its address."""
    command = [sys.executable, "-m", "pianoroll_tf.serve", str(model), "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ)
    try:
        line = process.stdout.readline()
        assert " at http://" in line, line
        yield line.split()[-1].rstrip("/")
    finally:
        process.terminate()
        process.communicate(timeout=60)


@contextlib.contextmanager
def browser() -> Iterator:
    """Starts headless Chromium with an empty profile."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="THE PAGE IS NOT TESTED: playwright is not installed")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("THE PAGE IS NOT TESTED: no Chromium is installed (apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield started
        started.close()


def open_page(context, address: str, sections_open: bool = True):
    """Opens the page, waits until it is ready, and shows the exact numbers; errors are collected in `page.errors`."""
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.errors = []
    page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.add_init_script(OBSERVER)
    if sections_open:
        page.add_init_script(OPENER)
    page.goto(address)
    page.wait_for_selector("#generate:enabled")
    page.evaluate("document.querySelector('#sampling').open = true")
    return page


def wait_until(page, expression: str) -> None:
    """Waits until an expression is true; `wait_for_function` of Playwright needs eval, which the page forbids."""
    for _ in range(1200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {expression}")


def wait_for_opening(page) -> None:
    """Waits until the piece with which the page opens is complete."""
    page.wait_for_selector("#opening-caption:has-text('generated just now')")


def generate(page, steps: int) -> None:
    """Presses Generate and waits until the take is complete; for a model with 8 steps per second."""
    page.fill("#length", str(steps / 8))
    page.click("#generate")
    page.wait_for_selector("#generate:visible")


def reload(page) -> None:
    """Reloads the page when all that was asked of the browser's storage is done, which takes some milliseconds."""
    page.evaluate("""new Promise((resolve) => {
      const opened = indexedDB.open("pianoroll_tf");
      opened.onsuccess = () => {
        const transaction = opened.result.transaction("takes", "readwrite"); // begins after those before it
        transaction.oncomplete = resolve;
        transaction.objectStore("takes").count();
      };
    })""")
    page.reload()


def count_pixels(canvas, name: str) -> int:
    """Returns how many pixels of a canvas have the colour of this CSS custom property."""
    return canvas.evaluate("(canvas, name) => (" + COUNT_PIXELS + ")([canvas, name])", name)


def accessibility_violations(page) -> list[str]:
    """Returns the violations of WCAG 2.2 A and AA, and of best practices, that axe-core finds."""
    if not page.evaluate("'axe' in window"):
        page.evaluate((PAGE / "node_modules" / "axe-core" / "axe.min.js").read_text())
    violations = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{one['impact']}: {one['id']}: {node['html']:.200}" for one in violations for node in one["nodes"]]
