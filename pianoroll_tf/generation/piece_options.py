"""Options of the pieces to generate: length, primer, tempo, time signature, files. No framework import."""

import dataclasses
from pathlib import Path

from pianoroll_tf.config import MAX_STEPS
from pianoroll_tf.settings import Settings, setting

MAX_PRIMER_STEPS = 100_000
MAX_PIECES = 10_000
NOT_WITH_INFILL = ("steps", "seconds", "primer_from", "without_primer", "meter", "report")
MIN_PARTICLES, PARTICLES, MAX_PARTICLES = 2, 16, 64  # for filling a gap


@dataclasses.dataclass(frozen=True, kw_only=True)
class PieceOptions(Settings):
    """Pieces to generate."""

    steps: int | None = setting(
        None, "steps to generate (default: until the model ends the piece)", minimum=1, maximum=MAX_STEPS
    )
    seconds: float | None = setting(None, "the same in seconds", above=0.0)
    primer: Path | None = setting(None, "MIDI file to continue (default: none)")  # noqa: RUF009 (frozen)
    primer_steps: int | None = setting(
        None,
        "continue at most N steps of the primer, from a bar line (default: the length of a training window)",
        minimum=1,
        maximum=MAX_PRIMER_STEPS,
    )
    primer_seconds: float | None = setting(None, "the same in seconds", above=0.0)
    primer_from: str = setting("end", "continue the primer's end, or only its start", choices=("end", "start"))
    infill: str | None = setting(
        None,
        "fill these bars of the primer, N..M with both included (on the grid of seconds: from second N to second M)",
    )
    particles: int = setting(
        PARTICLES,
        "continuations of which one is chosen, to fill bars, by the likelihood of what follows",
        minimum=MIN_PARTICLES,
        maximum=MAX_PARTICLES,
    )
    without_primer: bool = setting(False, "leave the primer out of the files that are written")
    count: int = setting(1, "number of pieces", minimum=1, maximum=MAX_PIECES)
    tempo: float | None = setting(
        None, "quarters per minute (default: that of the primer or of the training data)", minimum=10.0, maximum=1000.0
    )
    meter: str | None = setting(None, "time signature N/D (default: that of the primer or of the training data)")
    png: bool = setting(False, "also write a picture of each piece")
    wav: bool = setting(False, "also write the sound of each piece")
    musicxml: bool = setting(False, "also write the score of each piece, for models on the grid of beats")
    report: Path | None = setting(  # noqa: RUF009 (frozen)
        None, "records of the model: also write a report beside each piece, with what it shares with training pieces"
    )
    overwrite: bool = setting(False, "replace files that exist")

    def __post_init__(self) -> None:
        super().__post_init__()
        for one, other in (("steps", "seconds"), ("primer_steps", "primer_seconds")):
            if getattr(self, one) is not None and getattr(self, other) is not None:
                raise ValueError(f"{one} must be none when {other} is given. Received: {one}={getattr(self, one)}")
        for name in ("primer_steps", "primer_seconds", "primer_from", "without_primer"):
            if self.primer is None and getattr(self, name) not in (None, False, "end"):
                raise ValueError(f"primer must be given with {name}. Received: {name}={getattr(self, name)}, no primer")
        if self.infill is not None:
            parse_bars(self.infill)
            if self.primer is None:
                raise ValueError(f"primer must be given with infill. Received: infill={self.infill}, no primer")
            for name in NOT_WITH_INFILL:
                if getattr(self, name) not in (None, False, "end"):
                    raise ValueError(f"{name} must be left out with infill. Received: {name}={getattr(self, name)}")
        if self.meter is not None:
            from pianoroll_tf.data.clock import parse_meter  # imports NumPy, which --help does without

            parse_meter(self.meter)


def parse_bars(text: str) -> tuple[int, int]:
    """The first and the last bar of N..M, from 1; ValueError for anything else.

    >>> parse_bars("8..12")
    (8, 12)
    """
    first, dots, last = text.partition("..")
    if not (dots and first.isdecimal() and last.isdecimal() and len(text) < 20 and int(first) <= int(last)):
        raise ValueError(f"infill must be N..M with whole numbers N <= M. Received: infill={text}")
    return int(first), int(last)
