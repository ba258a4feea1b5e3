"""What the tests of the page need: the built page, a server, a browser, and eyes on what it draws and plays."""

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

# Runs before the page's own code: notes every breach of the policy, every size the take had, and what is played.
WITNESS = """
window.seen = {breaches: [], lengths: [], contexts: [], loudest: 0};
document.addEventListener('securitypolicyviolation', (event) => seen.breaches.push(event.violatedDirective));
window.AudioContext = class extends AudioContext {
  constructor(...settings) { super(...settings); seen.contexts.push(this); }
};
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...rest) {
  if (target === this.context.destination && this.context instanceof AudioContext) {
    const analyser = this.context.createAnalyser();
    connect.call(this, analyser);
    setInterval(() => {
      const samples = new Float32Array(analyser.fftSize);
      analyser.getFloatTimeDomainData(samples);
      seen.loudest = Math.max(seen.loudest, ...samples.map(Math.abs));
    }, 20);
  }
  return connect.call(this, target, ...rest);
};
const look = () => {
  const time = document.querySelector('.take .time')?.textContent.split('/')[1].trim();
  if (time && time !== seen.lengths.at(-1)) seen.lengths.push(time);
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""

# Counts the pixels of a canvas that have the colour of a CSS property.
PIXELS = """([canvas, name]) => {
  const paint = document.createElement('canvas').getContext('2d');
  paint.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  paint.fillRect(0, 0, 1, 1);
  const [r, g, b] = paint.getImageData(0, 0, 1, 1).data;
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let i = 0; i < data.length; i += 4) count += data[i] === r && data[i + 1] === g && data[i + 2] === b;
  return count;
}"""

# Drops a file on an element.
DROP = """([name, bytes]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([Uint8Array.from(bytes)], name, {type: 'audio/midi'}));
  for (const kind of ['dragover', 'drop']) {
    document.body.dispatchEvent(new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
  }
}"""


def npm() -> str:
    """The npm command; without it the test is skipped."""
    found = shutil.which("npm")
    if not found:
        pytest.skip("THE PAGE IS NOT TESTED: npm is not installed (apt-get install npm)")
    return found


def run_npm(*arguments: str) -> None:
    """Runs npm in the page's folder."""
    done = subprocess.run([npm(), *arguments], cwd=PAGE, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def install() -> None:
    """The page's npm packages, unless they stand."""
    if not (PAGE / "node_modules" / ".package-lock.json").is_file():
        run_npm("ci")


def build() -> None:
    """The built page, made anew if a source is younger."""
    built = PAGE / "dist" / "index.html"
    folders = (PAGE / "src", PAGE / "styles", PAGE / "public")
    sources = [path for folder in folders for path in folder.rglob("*")] + list(PAGE.glob("*.*"))
    if not built.is_file() or built.stat().st_mtime < max(path.stat().st_mtime for path in sources):
        install()
        run_npm("run", "build")


@contextlib.contextmanager
def serving(model: Path) -> Iterator[str]:
    """A server of a model; gives its address."""
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
    """Chromium without a window, with an empty profile."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="THE PAGE IS NOT TESTED: playwright is not installed")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("THE PAGE IS NOT TESTED: no Chromium is installed (apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield started
        started.close()


def open_page(context, address: str):
    """The page, ready; what goes wrong in it is noted in `page.troubles`."""
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.troubles = []
    page.on("console", lambda message: page.troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.add_init_script(WITNESS)
    page.goto(address)
    page.wait_for_selector("#generate:enabled")
    return page


def wait_for(page, expression: str) -> None:
    """Waits until an expression is true in the page; playwright's own way needs eval, which the policy forbids."""
    for _ in range(1200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {expression}")


def generate(page, steps: int) -> None:
    """Presses Generate and waits for the music's end."""
    page.fill("#steps", str(steps))
    page.click("#generate")
    page.wait_for_selector("#generate:visible")


def colour_pixels(canvas, name: str) -> int:
    """How many pixels of a canvas have this colour of the style sheet."""
    return canvas.evaluate("(canvas, name) => (" + PIXELS + ")([canvas, name])", name)


def complaints(page) -> list[str]:
    """What axe-core finds against WCAG 2.2 A and AA, and against its best practices."""
    if not page.evaluate("'axe' in window"):
        page.evaluate((PAGE / "node_modules" / "axe-core" / "axe.min.js").read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{one['impact']}: {one['id']}: {node['html']:.200}" for one in found for node in one["nodes"]]
