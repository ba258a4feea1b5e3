"""Measures how long the page takes to redraw the roll of a minute on a CPU that is six times slower.

Run as a program, with a server of any model, such as http://127.0.0.1:8501:

python tests/support/redraw_time.py ADDRESS
"""

import statistics
import sys

from page_browser import browser, generate, open_page

RATE = 6  # how many times slower than this machine
STEPS = 480  # a minute at 8 steps per second

# Runs before the page's code: the time from the first thing that a frame draws until it is on the canvas
TIMER = """
window.frames_ms = [];
let begun = null;
const save = CanvasRenderingContext2D.prototype.save;
CanvasRenderingContext2D.prototype.save = function () { begun ??= performance.now(); return save.call(this); };
const request = window.requestAnimationFrame;
window.requestAnimationFrame = (callback) => request((time) => {
  begun = null;
  const started = performance.now();
  callback(time);
  document.querySelector('.take canvas')?.getContext('2d').getImageData(0, 0, 1, 1);
  frames_ms.push([begun !== null, performance.now() - (begun ?? started)]);
});
"""


def measured(page, milliseconds: int, drawn: bool) -> list[float]:
    """The times of the frames in the next milliseconds in which something is drawn, or nothing, ascending."""
    page.evaluate("frames_ms.length = 0")
    page.wait_for_timeout(milliseconds)
    return sorted(time for is_drawn, time in page.evaluate("frames_ms") if is_drawn == drawn)


def report(name: str, times: list[float]) -> None:
    """Prints one line."""
    median = statistics.median(times)
    print(f"{name}: {len(times)} frames, fastest {times[0]:.1f} ms, median {median:.1f} ms, slowest {times[-1]:.1f} ms")


def main(address: str) -> None:
    """Measures while a take plays, while it grows, and when all of it is drawn again."""
    with browser() as chromium:
        context = chromium.new_context(viewport={"width": 390, "height": 800}, device_scale_factor=2)
        context.add_init_script(TIMER)
        page = open_page(context, address)
        generate(page, STEPS)
        session = context.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": RATE})
        page.click(".take .play")
        report("playing, only the playhead moves", measured(page, 4000, drawn=False))
        page.click(".take .play")
        redrawn = []
        for width in range(370, 390):  # another width: everything is drawn again
            page.set_viewport_size({"width": width, "height": 800})
            redrawn += measured(page, 300, drawn=True)
        report("all of a minute", sorted(redrawn))
        page.check("#endless")
        page.click("#generate")
        report("growing", measured(page, 20_000, drawn=True))


if __name__ == "__main__":
    main(sys.argv[1])
