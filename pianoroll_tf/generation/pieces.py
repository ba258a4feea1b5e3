"""Generates pieces with an exported model and writes them as MIDI files, pictures and sound."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from pianoroll_tf.config import MAX_STEPS, RecordsConfig, SamplingConfig
from pianoroll_tf.data.clock import Meter, parse_meter
from pianoroll_tf.generation import audio, continuation, render
from pianoroll_tf.generation.continuation import Primer, primer_dynamics
from pianoroll_tf.generation.dynamics import Dynamics
from pianoroll_tf.generation.music import piece_report, roll_statistics
from pianoroll_tf.generation.music.piece_report import ReportedPiece, ReportRecords
from pianoroll_tf.generation.musicxml import musicxml_bytes
from pianoroll_tf.generation.piece_options import MAX_PRIMER_STEPS, PieceOptions
from pianoroll_tf.generation.saved_model import MusicModel
from pianoroll_tf.generation.steering import NO_STEERING, Steering
from pianoroll_tf.storage.files import write_whole

MAX_PICTURE_STEPS = 4096
PICTURE_PRIMER_STEPS = 128  # of the primer, in a picture that does not show the whole piece
MAX_WAV_SECONDS = 3600


@dataclasses.dataclass(frozen=True)
class PiecePlan:
    """What to generate, in steps of the model's grid.

    Attributes:
        primer: Music to continue.
        written_primer: Music that precedes the generated music in the files; `primer` or empty.
        steps: Steps to generate; None: until the model ends the piece.
        grid: Grid of the model.
        tempo: Quarters per minute.
        meter: Time signature of the generated music.
        bar_position: Position in its bar, in steps, of the first step of the primer, or of the music without a primer.
        dynamics: Velocities of the generated music.
    """

    primer: Primer
    written_primer: Primer
    steps: int | None
    grid: RecordsConfig
    tempo: float
    meter: Meter
    bar_position: int
    dynamics: Dynamics

    @property
    def steps_per_beat(self) -> int | None:
        """Steps per quarter note; None on the grid of seconds."""
        return self.grid.steps_per_beat if self.grid.grid == "beats" else None

    def meters(self) -> list[tuple[int, Meter]]:
        """(step, time signature) of the written piece; a new one may cut the last bar of the primer short.

        The first is before step 0 if the piece begins within a bar.
        """
        begin = len(self.written_primer.roll)
        if self.steps_per_beat is None:
            return [(0, self.meter)]
        if not begin:
            return [
                (-((self.bar_position + len(self.primer.roll)) % self.meter.bar_steps(self.steps_per_beat)), self.meter)
            ]
        changes = [change for change in self.written_primer.meters if change[0] < begin]
        if changes and changes[-1][1] == self.meter:
            return changes
        return [*changes, (begin, self.meter)]

    def bars(self, steps: int) -> list[int]:
        """Steps at which the bars of a written piece of `steps` steps begin; empty on the grid of seconds."""
        if self.steps_per_beat is None:
            return []
        changes = self.meters()
        ends = [*(step for step, _ in changes[1:]), steps]
        return [
            bar
            for (begin, meter), end in zip(changes, ends, strict=True)
            for bar in range(begin, end, meter.bar_steps(self.steps_per_beat))
            if bar >= 0
        ]


@dataclasses.dataclass(frozen=True)
class WrittenPiece:
    """A piece whose files have been written.

    Attributes:
        path: MIDI file.
        music: The generated steps without the primer, 0 silent, 1 held, 2 struck, uint8 [steps, 84].
        cut_off: Whether the piece reached the longest length although the model had not ended it.
        description: The files and facts about the music, for a person to read.
    """

    path: Path
    music: np.ndarray
    cut_off: bool
    description: str

    @property
    def density(self) -> float:
        """Share of active cells."""
        return float((self.music != 0).mean())

    @property
    def lines(self) -> list[str]:
        """What to say of it: the description, and a note if it was cut off."""
        length = f"{len(self.music)} steps, the longest training piece"
        note = f"note: {self.path} ends at {length}: the model had not ended it"
        return [self.description, *([note] if self.cut_off else [])]


def plan_pieces(model: MusicModel, primer: Primer, options: PieceOptions) -> PiecePlan:
    """Determines lengths, tempo and time signature of the pieces.

    Args:
        model: An exported model.
        primer: The whole of `options.primer`, or `continuation.NO_PRIMER`.
        options: Those of the user. Without a tempo or time signature, those of the primer are used, or else the usual
            ones of the training data.

    Raises:
        ValueError: A length is not allowed.
    """
    tempo = options.tempo or primer.tempo or model.tempo
    rate = model.grid.rate(tempo)
    steps, primer_steps = options.steps, options.primer_steps or model.window_steps
    if options.seconds is not None:
        steps = seconds_to_steps(options.seconds, rate, MAX_STEPS, "seconds")
    if options.primer_seconds is not None:
        primer_steps = seconds_to_steps(options.primer_seconds, rate, MAX_PRIMER_STEPS, "primer_seconds")
    from_start = options.primer_from == "start"
    primer = primer.first(primer_steps) if from_start else primer.last(primer_steps, model.steps_per_beat)
    meter, position = primer.clock(model.steps_per_beat)
    requested = parse_meter(options.meter) if options.meter else None
    if requested and requested != meter and model.steps_per_beat is not None:
        position = -len(primer.roll) % requested.bar_steps(model.steps_per_beat)  # a bar begins with the new music
    written = continuation.NO_PRIMER if options.without_primer else primer
    duration = (len(written.roll) + (steps or model.longest_piece)) / rate
    check_files(model, options, duration)
    dynamics = primer_dynamics(primer, model.dynamics, model.steps_per_beat)
    return PiecePlan(primer, written, steps, model.grid, tempo, requested or meter or model.meter, position, dynamics)


def check_files(model: MusicModel, options: PieceOptions, seconds: float) -> None:
    """Raises ValueError if a piece that lasts so many seconds cannot be written as the files that are requested."""
    if options.musicxml and model.steps_per_beat is None:
        raise ValueError("musicxml must be left out for a model on the grid of seconds. Received: musicxml=True")
    if (options.wav or options.report) and seconds > MAX_WAV_SECONDS:
        name = "wav" if options.wav else "the sound of a report"
        raise ValueError(f"{name} must be of at most {MAX_WAV_SECONDS} s. Received: {seconds:g} s")


def seconds_to_steps(seconds: float, rate: float, max_steps: int, name: str) -> int:
    """A length of 1 to `max_steps` steps, otherwise ValueError, in which `name` is that of the setting.

    >>> seconds_to_steps(2.5, rate=8, max_steps=1000, name="seconds")
    20
    """
    if not 1 <= seconds * rate < max_steps + 0.5:
        raise ValueError(f"{name} must be >= {1 / rate:g} and <= {max_steps / rate:g}. Received: {name}={seconds}")
    return round(seconds * rate)


def write_pieces(
    model: MusicModel,
    plan: PiecePlan,
    sampling: SamplingConfig,
    out: Path,
    options: PieceOptions,
    steering: Steering = NO_STEERING,
) -> Iterator[WrittenPiece]:
    """Generates pieces and writes the files of each as soon as it is complete.

    Args:
        model: An exported model.
        plan: Made by `plan_pieces`.
        sampling: Temperature, top-p, density; piece i is drawn with `seed` + i.
        out: MIDI file; see `piece_paths` for several pieces.
        options: `count`, and which files are written besides.
        steering: What the music keeps to.

    Raises:
        OSError: A file cannot be written.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    generated = continuation.continue_music(
        model, plan.primer.roll, plan.steps, sampling, options.count, plan.meter, plan.bar_position, steering
    )
    for path, (music, ended) in zip(piece_paths(out, options.count), generated, strict=True):
        roll, first = np.concatenate([plan.written_primer.roll, music]), len(plan.written_primer.roll)
        description = write_files(path, roll, music, plan, options, (first, len(roll)))
        yield WrittenPiece(path, music, plan.steps is None and not ended, description)


def piece_paths(out: Path, count: int) -> list[Path]:
    """The MIDI files of several pieces.

    >>> [str(path) for path in piece_paths(Path("a/b.mid"), 2)]
    ['a/b-1.mid', 'a/b-2.mid']
    """
    return [out] if count == 1 else [out.with_stem(f"{out.stem}-{number}") for number in range(1, count + 1)]


def check_outputs(out: Path, options: PieceOptions) -> None:
    """Raises ValueError if a file of the pieces exists and may not be replaced, such as the primer itself."""
    suffixes = [out.suffix, *(f".{name}" for name in ("png", "wav", "musicxml") if getattr(options, name))]
    suffixes += [".html"] if options.report else []
    paths = [path.with_suffix(suffix) for path in piece_paths(out, options.count) for suffix in suffixes]
    existing = [str(path) for path in paths if path.exists()]
    if existing and not options.overwrite:
        raise ValueError(f"out must be a new file, or be given with --overwrite. Received: {existing[0]}, which exists")


def read_report_records(model: MusicModel, folder: Path) -> ReportRecords:
    """The records for the reports on the pieces of a model, see `piece_report.read_report_records`."""
    return piece_report.read_report_records(folder, model.grid, model.config["run"]["data"]["manifest_sha256"])


def write_reports(pieces: Sequence[WrittenPiece], plan: PiecePlan, records: ReportRecords) -> Iterator[str]:
    """Writes a report beside each piece, NAME.html; yields its name and what it says of copied passages."""
    rate, first = plan.grid.rate(plan.tempo), len(plan.written_primer.roll)
    reported = []
    for piece in pieces:
        roll = np.concatenate([plan.written_primer.roll, piece.music])
        sound, _ = audio.wav_bytes(piece.path.read_bytes(), len(roll) / rate)
        reported.append(ReportedPiece(piece.path, piece.music, first, _picture(roll, plan, first, len(roll)), sound))
    for piece, (page, sentence) in zip(pieces, piece_report.write_reports(reported, records, rate), strict=True):
        write_whole(piece.path.with_suffix(".html"), page)
        yield f"{piece.path.with_suffix('.html')}: {sentence}"


def write_files(
    path: Path, roll: np.ndarray, music: np.ndarray, plan: PiecePlan, options: PieceOptions, new: tuple[int, int]
) -> str:
    """Writes a MIDI file and, if requested, picture, sound and score beside it; the files and facts about `music`.

    `new` are the first step of the music in `roll`, and the step after its last.
    """
    rate = plan.grid.rate(plan.tempo)
    midi = render.midi_bytes(
        roll,
        rate,
        plan.tempo,
        plan.meters(),
        steps_per_beat=plan.steps_per_beat,
        dynamics=plan.dynamics,
        velocities=plan.written_primer.velocities,
    )
    write_whole(path, midi)
    files = [str(path)]
    if options.png:
        write_whole(path.with_suffix(".png"), _picture(roll, plan, *new))
        files.append(".png")
    if options.wav:
        sound, synthesizer = audio.wav_bytes(midi, len(roll) / rate)
        write_whole(path.with_suffix(".wav"), sound)
        files.append(f".wav (by {synthesizer})")
    if options.musicxml:
        score = musicxml_bytes(roll, plan.grid.steps_per_beat, plan.tempo, plan.meters(), path.stem)
        write_whole(path.with_suffix(".musicxml"), score)
        files.append(".musicxml")
    facts = roll_statistics.in_words(music, rate)
    return f"{', '.join(files)}: {len(music) / rate:.0f} s of new music, {facts}"


def _picture(roll: np.ndarray, plan: PiecePlan, primer_steps: int, music_end: int) -> bytes:
    """The picture of a piece as a PNG file; of a long piece, the part where the new music begins."""
    grid = plan.grid
    first = max(0, min(primer_steps - PICTURE_PRIMER_STEPS, len(roll) - MAX_PICTURE_STEPS))
    last = min(first + MAX_PICTURE_STEPS, len(roll))
    title = ""
    if last - first < len(roll):
        begin, end, whole = (step / grid.steps_per_unit for step in (first, last, len(roll)))
        title = f"{grid.grid} {begin:g} to {end:g} of {whole:g}"
    shown = min(last, primer_steps) - first
    bars = [bar - first for bar in plan.bars(len(roll)) if first <= bar < last]
    return render.png_bytes(
        roll[first:last], shown, grid.steps_per_unit, grid.grid, title, first, bars, music_end=music_end - first
    )
