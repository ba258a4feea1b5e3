"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from typing import Self

LINE_SECONDS = 10.0  # minimum time between two plain lines


class NoProgress:
    """Shows nothing: the default of library functions, to which a command passes `Progress` instead.

    The work is `total` units, which are called `what`, in the plural: "files".
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
    """A progress bar on a terminal; elsewhere a plain line at most every `LINE_SECONDS`, and one at the end."""

    def __init__(self, total: int, what: str) -> None:
        super().__init__(total, what)
        self.done, self.note = 0, ""
        self._start = self._last = time.monotonic()
        self._bar = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, unit=f" {what}", file=sys.stderr, dynamic_ncols=True)

    def update(self, count: int = 1, note: str = "") -> None:
        self.done, self.note = self.done + count, note
        if self._bar is not None:
            self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(count)
        elif time.monotonic() - self._last >= LINE_SECONDS:
            self._line()

    def _line(self) -> None:
        self._last = time.monotonic()
        done = f"{self.done}/{self.total} {self.what}" + (f", {self.note}" if self.note else "")
        print(f"{done}, {self._last - self._start:.0f} s", file=sys.stderr, flush=True)

    def __exit__(self, *exc: object) -> None:
        if self._bar is not None:
            self._bar.close()
        else:
            self._line()
