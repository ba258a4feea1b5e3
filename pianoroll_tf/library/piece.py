"""A piece of music: a piano-roll that knows its grid, tempo and time signatures; saved, shown, played."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np

from pianoroll_tf.config import GRIDS, NUM_PITCHES, RecordsConfig
from pianoroll_tf.data.clock import Meter, parse_meter
from pianoroll_tf.data.roll import as_states, roll_to_notes
from pianoroll_tf.data.velocities import dense_velocities
from pianoroll_tf.generation.dynamics import Dynamics
from pianoroll_tf.settings import check_entry
from pianoroll_tf.storage.files import write_whole

PICTURE_STEPS = 4096  # of a piece that `plot` shows by default
SUFFIXES = (".mid", ".midi", ".png", ".wav", ".musicxml")


@dataclasses.dataclass(frozen=True, eq=False)
class Piece:
    """A piece of music on a grid; a notebook shows it as a picture and a player.

    Attributes:
        roll: Cells, uint8 [steps, 84]: 0 silent, 1 held, 2 struck; column p is MIDI pitch 24 + p. A roll of 0 and 1, or
            of bool, is converted: a cell is struck where its pitch begins to sound.
        grid: Unit of the steps, "beats" or "seconds".
        steps_per_unit: Steps per quarter note or per second.
        tempo: Quarter notes per minute.
        meters: (first step, time signature), ascending; a text, such as "3/4", is that of the whole piece.
        primer_steps: Number of steps at its start that were given, not generated; they have another colour.
        cut_off: Whether generation stopped at the longest length although the model had not ended the piece.
        name: Where it comes from.
        dynamics: Velocities of its notes by metre and voice, for MIDI and sound.
        velocities: Those of its first steps, which were played, uint8 [<= steps, 84]; None: not known.

    Raises:
        ValueError: The roll has another shape, or a value is not allowed.

    >>> piece = Piece(np.eye(32, 84, dtype=np.uint8), tempo=120, meters="3/4")
    >>> piece
    Piece(4.0 s, 32 steps, 4 per beat, tempo 120, 3/4)
    """

    roll: np.ndarray
    _: dataclasses.KW_ONLY
    grid: str = "beats"
    steps_per_unit: int = 4
    tempo: float = 120.0
    meters: Any = ((0, Meter()),)
    primer_steps: int = 0
    cut_off: bool = False
    name: str = ""
    dynamics: Dynamics = Dynamics()  # noqa: RUF009 (frozen)
    velocities: np.ndarray | None = None

    def __post_init__(self) -> None:
        roll = np.asarray(self.roll)
        if roll.ndim != 2 or roll.shape[1] != NUM_PITCHES or roll.dtype.kind not in "biuf":
            allowed = f"numbers of shape [steps, {NUM_PITCHES}]"
            raise ValueError(f"roll must be {allowed}. Received: shape={roll.shape}, dtype={roll.dtype}")
        if not np.isin(roll, (0, 1, 2)).all():
            odd = roll[~np.isin(roll, (0, 1, 2))][0]
            raise ValueError(f"cells of the roll must be 0, 1 or 2. Received: {odd}")
        if isinstance(self.tempo, str) or not 0 < self.tempo < np.inf:
            raise ValueError(f"tempo must be a number > 0. Received: tempo={self.tempo!r}")
        one = parse_meter(self.meters) if isinstance(self.meters, str) else self.meters
        meters = ((0, one),) if isinstance(one, Meter) else tuple(one)
        if not all(isinstance(change, tuple) and isinstance(change[-1], Meter) for change in meters):
            raise ValueError(f"meters must be N/D, or pairs of a step and a Meter. Received: meters={self.meters!r}")
        played = self.velocities
        if played is not None and (played.ndim != 2 or played.shape[1] != NUM_PITCHES or len(played) > len(roll)):
            allowed = f"of shape [up to {len(roll)}, {NUM_PITCHES}]"
            raise ValueError(f"velocities must be {allowed}. Received: shape={played.shape}")
        object.__setattr__(self, "roll", as_states(roll))
        object.__setattr__(self, "meters", meters or ((0, Meter()),))
        check_entry("grid", self.grid, GRIDS)
        _ = self.settings  # which checks the steps

    @classmethod
    def from_midi(cls, path: str | os.PathLike, grid: str = "auto", **settings: Any) -> "Piece":
        """Reads a MIDI file, in a process with limits on time and memory.

        Args:
            path: The file.
            grid: "beats", "seconds", or "auto": beats if those of the file carry a metre, else seconds.
            **settings: Others of `RecordsConfig`, such as `steps_per_beat=4`, `steps_per_second=8`, `pedal=True`.

        Raises:
            ValueError: There is no such file, it cannot be read soundly, or a setting is not allowed.
        """
        from pianoroll_tf.data.grid import decide

        config = RecordsConfig(grid=grid, **settings)
        if grid != "auto":
            return cls._from_file(_read(path, config), config, os.fspath(path))
        config = dataclasses.replace(config, grid="beats")
        read = _read(path, config)
        if decide([read.evidence])[0] == "beats":
            return cls._from_file(read, config, os.fspath(path))
        return cls.from_midi(path, "seconds", **settings)

    @classmethod
    def from_record(cls, record: Any, config: RecordsConfig, name: str = "") -> "Piece":
        """The piece of a record, a `data.records.PieceRecord`, that was made with these settings."""
        from pianoroll_tf.data.roll import to_dense

        return cls(
            to_dense(record.roll),
            grid=config.grid,
            steps_per_unit=config.steps_per_unit,
            tempo=record.tempo,
            meters=record.meters,
            name=name,
        )

    @classmethod
    def _from_file(cls, read: Any, config: RecordsConfig, name: str) -> "Piece":
        """The piece of a file that was read, with the velocities of its notes."""
        record = read.record
        played = None if record.velocities is None else dense_velocities(record.roll, record.velocities)
        return dataclasses.replace(cls.from_record(record, config, name), velocities=played)

    def __repr__(self) -> str:
        unit = self.grid[:-1]
        facts = f"{self.seconds:.1f} s, {len(self)} steps, {self.steps_per_unit} per {unit}, tempo {self.tempo:g}"
        return f"Piece({facts}, {self.meter})"

    def __len__(self) -> int:
        """Number of steps."""
        return len(self.roll)

    @property
    def settings(self) -> RecordsConfig:
        """The grid as settings of records."""
        steps: dict[str, Any] = {f"steps_per_{self.grid.removesuffix('s')}": self.steps_per_unit}
        return RecordsConfig(grid=self.grid, **steps)

    @property
    def steps_per_beat(self) -> int | None:
        """Steps per quarter note; None on the grid of seconds."""
        return self.steps_per_unit if self.grid == "beats" else None

    @property
    def steps_per_second(self) -> float:
        """Steps per second, on the grid of beats at its tempo."""
        return self.settings.rate(self.tempo)

    @property
    def seconds(self) -> float:
        """Its duration."""
        return len(self.roll) / self.steps_per_second

    @property
    def meter(self) -> str:
        """The time signature at its start, such as "4/4"."""
        return str(self.meters[0][1])

    @property
    def notes(self) -> dict[str, np.ndarray]:
        """The notes by start, then pitch, int64 [notes] each: `start` and `end` in steps, `pitch` as MIDI number."""
        return dict(zip(("start", "end", "pitch"), roll_to_notes(self.roll), strict=True))

    def part(self, first: int = 0, steps: int | None = None) -> "Piece":
        """The steps from `first`, `steps` of them or all; on the grid of beats, best from a bar line on.

        A note that sounds already is struck at its first step.
        """
        if not 0 <= first <= len(self) or (steps is not None and steps < 0):
            allowed = f"first must be >= 0 and <= {len(self)}, and steps >= 0"
            raise ValueError(f"{allowed}. Received: first={first}, steps={steps}")
        last = len(self) if steps is None else min(first + steps, len(self))
        past = [meter for step, meter in self.meters if step <= first][-1:]
        later = [(step - first, meter) for step, meter in self.meters if first < step < last]
        meters = (*((0, meter) for meter in past), *later)
        primer_steps = max(0, min(self.primer_steps, last) - first)
        played = None if self.velocities is None else self.velocities[first:last]
        return dataclasses.replace(
            self, roll=self.roll[first:last], meters=meters, primer_steps=primer_steps, velocities=played
        )

    def statistics(self) -> dict[str, Any]:
        """Density, polyphony, share of silent steps, longest note in steps, lowest and highest pitch.

        Raises:
            ValueError: The piece has no steps.
        """
        from pianoroll_tf.generation.music.roll_statistics import roll_statistics

        return dataclasses.asdict(roll_statistics(self.roll))

    def midi(self) -> bytes:
        """The content of a MIDI file."""
        from pianoroll_tf.generation.render import midi_bytes

        return midi_bytes(
            self.roll,
            self.steps_per_second,
            self.tempo,
            self.meters,
            steps_per_beat=self.steps_per_beat,
            dynamics=self.dynamics,
            velocities=self.velocities,
        )

    def wav(self) -> bytes:
        """The content of a WAV file: 44.1 kHz, 16 bit, one channel, a sampled piano."""
        from pianoroll_tf.generation.audio import wav_bytes

        return wav_bytes(self.midi(), self.seconds)[0]

    def musicxml(self) -> bytes:
        """The content of a MusicXML file; needs music21, `pip install 'pianoroll_tf[demo]'`.

        Raises:
            ValueError: The piece is on the grid of seconds.
            UserError: music21 is not installed.
        """
        from pianoroll_tf.generation.musicxml import musicxml_bytes

        if self.steps_per_beat is None:
            raise ValueError("a score needs the grid of beats. Received: grid='seconds'")
        return musicxml_bytes(self.roll, self.steps_per_beat, self.tempo, self.meters, Path(self.name).stem or "piece")

    def save(self, path: str | os.PathLike, overwrite: bool = False) -> Path:
        """Writes the piece as a file, whole or not at all.

        Args:
            path: The file; its suffix says what it is: .mid (.midi), .png, .wav or .musicxml.
            overwrite: Whether to replace a file that exists.

        Returns:
            The path.

        Raises:
            ValueError: Another suffix, or a score of a piece on the grid of seconds.
            FileExistsError: The file exists, and `overwrite` is False.
        """
        from pianoroll_tf.generation.render import as_png

        path = Path(path)
        suffix = path.suffix.lower()
        if suffix not in SUFFIXES:
            raise ValueError(f"path must end in one of {', '.join(SUFFIXES)}. Received: path={path}")
        if path.exists() and not overwrite:
            raise FileExistsError(f"path must be a new file, or overwrite be True. Received: {path}, which exists")
        path.parent.mkdir(parents=True, exist_ok=True)
        if suffix == ".png":
            content = as_png(self.plot())
        else:
            content = {".wav": self.wav, ".musicxml": self.musicxml}.get(suffix, self.midi)()
        write_whole(path, content)
        return path

    def plot(self, first: int = 0, steps: int = PICTURE_STEPS) -> Any:
        """Draws the piano-roll, or `steps` of it from the step `first`.

        Returns:
            A `matplotlib.figure.Figure`, which a notebook shows.

        Raises:
            ValueError: There are no such steps.
        """
        from pianoroll_tf.library.display import draw

        return draw(self, first, steps)

    def audio(self) -> Any:
        """The whole piece as an `IPython.display.Audio`, a player in a notebook.

        Raises:
            ModuleNotFoundError: IPython is not installed.
        """
        from IPython.display import Audio

        return Audio(data=self.wav())

    def _repr_html_(self) -> str:
        """Picture and player, as IPython shows them; of a long piece, the start."""
        from pianoroll_tf.library.display import as_html

        return as_html(self)


def _read(path: str | os.PathLike, config: RecordsConfig) -> Any:
    """A MIDI file, converted by a process with limits: a `data.conversion.Piece` with a record."""
    from pianoroll_tf.data.workers import convert_all

    if not Path(path).is_file():
        raise ValueError(f"path must be a MIDI file. Received: path={path} (there is no such file)")
    [(_, piece)] = convert_all([os.path.realpath(path)], config, workers=1)  # a reader follows no links
    if piece.reason or piece.record is None:
        raise ValueError(f"path must be a MIDI file. Received: path={path} ({piece.reason})")
    return piece
