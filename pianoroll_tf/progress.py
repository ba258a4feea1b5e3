"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from typing import Self


class NoProgress:
    """Shows nothing: the default of library functions, to which a command passes `Progress` instead.

    Args:
        total: Number of units of work.
        what: Name of the units, in the plural: "files".
    """

    def __init__(self, total: int, what: str) -> None:
        self.total, self.what = total, what

    def update(self, count: int = 1, note: str = "") -> None:
        """Called when `count` more units are done; `note` is shown beside the numbers."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """Called when the work is done or has failed."""


class Progress(NoProgress):
    """A progress bar on a terminal; elsewhere a plain line at most every `every_seconds`, and one at the end.

    Args:
        total: Number of units of work.
        what: Name of the units, in the plural: "files".
        every_seconds: Minimum time between two plain lines.
    """

    def __init__(self, total: int, what: str, every_seconds: float = 10.0) -> None:
        super().__init__(total, what)
        self.done, self.note = 0, ""
        self._every, self._start = every_seconds, time.monotonic()
        self._last = self._start
        self._bar = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, unit=f" {what}", file=sys.stderr, dynamic_ncols=True)

    def update(self, count: int = 1, note: str = "") -> None:
        """Shows that `count` more units are done, with a note beside the numbers."""
        self.done, self.note = self.done + count, note
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(count)
        elif time.monotonic() - self._last >= self._every:
            self._line()

    def _line(self) -> None:
        self._last = time.monotonic()
        note = f", {self.note}" if self.note else ""
        print(
            f"{self.done}/{self.total} {self.what}{note}, {self._last - self._start:.0f} s", file=sys.stderr, flush=True
        )

    def __exit__(self, *exc: object) -> None:
        """Ends the bar, or prints the last line."""
        if self._bar is not None:
            self._bar.close()
        else:
            self._line()
