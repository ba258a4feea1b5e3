"""What generated music keeps to: a range, a scale, chords, silent voices, a polyphony. No framework import."""

import dataclasses
import functools
import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pianoroll_tf.config import HIGHEST_PITCH, LOWEST_PITCH, NUM_PITCHES
from pianoroll_tf.settings import Settings, setting

if TYPE_CHECKING:
    import numpy as np

PITCH_CLASSES = tuple(range(12))  # 0 is C
MAX_CHORDS = 4096
MAX_CHORD_STEP = 10**9
MAX_SILENT = NUM_PITCHES  # ranges


class Chord(NamedTuple):
    """The pitch classes that may sound from a step on, until the next chord."""

    step: int
    pitch_classes: tuple[int, ...]

    @classmethod
    def from_text(cls, text: str) -> "Chord":
        """A chord from STEP:CLASS,CLASS,…; what is not a number stays text, which `Steering` refuses.

        Raises:
            ValueError: There is no colon.

        >>> Chord.from_text("16:5,9,0")
        Chord(step=16, pitch_classes=(5, 9, 0))
        """
        step, colon, classes = text.partition(":")
        if not colon:
            raise ValueError(f"a chord must be STEP:CLASS,CLASS,... with pitch classes 0..11. Received: {_shown(text)}")
        return cls(_number(step), tuple(map(_number, classes.split(","))))


class PitchRange(NamedTuple):
    """MIDI pitches from the lowest to the highest, both included."""

    lowest: int
    highest: int

    @classmethod
    def from_text(cls, text: str) -> "PitchRange":
        """A range from LOWEST-HIGHEST.

        >>> PitchRange.from_text("24-59")
        PitchRange(lowest=24, highest=59)
        """
        lowest, _, highest = text.partition("-")
        return cls(_number(lowest), _number(highest))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Steering(Settings):
    """What the generated music keeps to; the primer need not.

    A note of the primer, or of the chord before, that may not sound is released. `steps` count from the first generated
    step. Which notes sound where more would than the polyphony allows is described at `sampling_loop.limit_polyphony`.
    """

    lowest: int = setting(
        LOWEST_PITCH, "lowest MIDI pitch of the generated notes", minimum=LOWEST_PITCH, maximum=HIGHEST_PITCH
    )
    highest: int = setting(
        HIGHEST_PITCH, "highest MIDI pitch of the generated notes", minimum=LOWEST_PITCH, maximum=HIGHEST_PITCH
    )
    scale: tuple[int, ...] = setting(PITCH_CLASSES, "pitch classes that may sound, 0 is C")
    chords: tuple[Chord, ...] = setting(
        (), "pitch classes that may sound from a generated step on, until the next: 0:0,4,7 16:5,9,0"
    )
    silent: tuple[PitchRange, ...] = setting((), "ranges of MIDI pitches in which nothing sounds: 24-59")
    polyphony: int = setting(NUM_PITCHES, "most notes that sound in a step", minimum=1, maximum=NUM_PITCHES)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.lowest > self.highest:
            received = f"lowest={self.lowest}, highest={self.highest}"
            raise ValueError(f"lowest must be at most highest. Received: {received}")
        _check_classes("scale", self.scale)
        _check_chords(self.chords, self.scale)
        if len(self.silent) > MAX_SILENT:
            raise ValueError(f"silent must be at most {MAX_SILENT} ranges. Received: {len(self.silent)} ranges")
        for low, high in self.silent:
            if not (_is_whole(low, LOWEST_PITCH, HIGHEST_PITCH) and _is_whole(high, low, HIGHEST_PITCH)):
                allowed = f"ranges [lowest, highest] of MIDI pitches {LOWEST_PITCH} to {HIGHEST_PITCH}"
                raise ValueError(f"silent must be {allowed}. Received: silent=[{_shown(low)}, {_shown(high)}]")

    @classmethod
    def of(cls, **values: Any) -> "Steering":
        """Steering from values as in JSON: lists instead of tuples, a chord also as {"step": …, "pitch_classes": …}.

        Raises:
            ValueError: A value is not allowed.

        >>> Steering.of(chords=[{"step": 0, "pitch_classes": [0, 4, 7]}], silent=[[24, 59]]).chords[0].pitch_classes
        (0, 4, 7)
        """
        if "scale" in values:
            values["scale"] = _tuple("scale", "a list of pitch classes 0..11", values["scale"])
        if "chords" in values:
            given = _tuple("chords", CHORDS_ALLOWED, values["chords"])
            values["chords"] = tuple(map(_chord, given))
        if "silent" in values:
            given = _tuple("silent", "a list of ranges [lowest, highest]", values["silent"])
            values["silent"] = tuple(map(_pitch_range, given))
        return cls(**values)

    @functools.cached_property
    def is_free(self) -> bool:
        """Whether everything may sound."""
        return dataclasses.replace(self, scale=tuple(sorted(self.scale))) == Steering()

    def allowed(self, first: int, steps: int) -> "np.ndarray":
        """Whether each pitch may sound, bool [steps, 84], from the generated step `first` on.

        >>> Steering(scale=(0,), silent=(PitchRange(30, 90),)).allowed(first=0, steps=1).nonzero()[1] + 24
        array([24, 96])
        """
        import numpy as np  # which --help does without

        starts, table = self._table
        return table[np.searchsorted(starts, first + np.arange(steps), side="right")]

    @functools.cached_property
    def _table(self) -> "tuple[np.ndarray, np.ndarray]":
        """The steps of the chords [n], and whether each pitch may sound before them and from each on, [n + 1, 84]."""
        import numpy as np

        pitches = np.arange(LOWEST_PITCH, HIGHEST_PITCH + 1)
        always = (pitches >= self.lowest) & (pitches <= self.highest) & np.isin(pitches % 12, self.scale)
        for low, high in self.silent:
            always &= (pitches < low) | (pitches > high)
        classes = np.zeros((len(self.chords) + 1, 12), bool)
        classes[0] = True
        for number, chord in enumerate(self.chords, 1):
            classes[number, list(chord.pitch_classes)] = True
        return np.array([chord.step for chord in self.chords], int), always & classes[:, pitches % 12]


CHORDS_ALLOWED = f"a list of at most {MAX_CHORDS} chords with ascending steps >= 0 and pitch classes 0..11"


def _number(text: str) -> Any:
    """A whole number, or the text itself."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text


def _shown(value: Any) -> str:
    """A value for an error message, cut to 80 characters; a long text or list is not formatted as a whole."""
    if isinstance(value, str | list | tuple):
        value = value[:40]
    return f"{value!r:.80}"


def _listed(values: Sequence[int]) -> str:
    return ",".join(map(str, values))


def _is_whole(value: Any, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def _check_classes(name: str, classes: Sequence[Any]) -> None:
    """Raises ValueError unless these are distinct pitch classes, at least one."""
    good = 1 <= len(classes) <= 12 and all(_is_whole(one, 0, 11) for one in classes)
    if not good or len(set(classes)) < len(classes):
        received = ", ".join(map(_shown, classes[:13])) or "none"
        raise ValueError(f"{name} must be distinct pitch classes 0..11, at least one. Received: {name}={received}")


def _check_chords(chords: Sequence[Chord], scale: Sequence[int]) -> None:
    """Raises ValueError unless the steps ascend and each chord has pitch classes, some of them in the scale."""
    if len(chords) > MAX_CHORDS:
        raise ValueError(f"chords must be {CHORDS_ALLOWED}. Received: {len(chords)} chords")
    for chord in chords:
        _check_classes("pitch_classes of chords", chord.pitch_classes)
        if not _is_whole(chord.step, 0, MAX_CHORD_STEP):
            raise ValueError(f"chords must be {CHORDS_ALLOWED}. Received: step={_shown(chord.step)}")
        if not set(chord.pitch_classes) & set(scale):
            received = f"{_listed(chord.pitch_classes)} at step {chord.step}, scale={_listed(scale)}"
            raise ValueError(f"each chord must have a pitch class of the scale. Received: {received}")
    for one, other in itertools.pairwise(chords):
        if one.step >= other.step:
            raise ValueError(f"chords must be {CHORDS_ALLOWED}. Received: step {other.step} after {one.step}")


def _tuple(name: str, allowed: str, values: Any) -> tuple[Any, ...]:
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise ValueError(f"{name} must be {allowed}. Received: {name}={_shown(values)}")
    if len(values) > MAX_CHORDS:
        raise ValueError(f"{name} must be {allowed}. Received: {len(values)} of them")
    return tuple(values)


def _chord(value: Any) -> Chord:
    if isinstance(value, Mapping) and set(value) == {"step", "pitch_classes"}:
        value = (value["step"], value["pitch_classes"])
    if not isinstance(value, tuple) or len(value) != 2:
        raise ValueError(f"chords must be {CHORDS_ALLOWED}. Received: {_shown(value)}")
    return Chord(value[0], _tuple("pitch_classes of chords", "a list of pitch classes 0..11", value[1]))


def _pitch_range(value: Any) -> PitchRange:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"silent must be a list of ranges [lowest, highest]. Received: {_shown(value)}")
    return PitchRange(*value)


NO_STEERING = Steering()
