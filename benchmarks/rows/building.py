"""From MIDI files to records: build_records compared with a simple script, and reading compared with libraries."""

import itertools
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.harness import ROOT, Experiment, Variant, run_python
from benchmarks.results_table import Row
from benchmarks.worker import MissingPeerError, Stopwatch, cpu_count

NAMES = ("building", "reading")
EVERY = 8  # `reading` takes every eighth file


def our_work(midi: str, scratch: str) -> Iterator[dict[str, float]]:
    """Seconds of the build itself: our modules are imported, but the reader processes are not started."""
    from pianoroll_tf.config import RecordsConfig
    from pianoroll_tf.data.build import build

    for number in itertools.count():
        out = Path(scratch) / f"work-{number}"
        watch = Stopwatch()
        build(Path(midi), out, RecordsConfig(), cpu_count())
        seconds = watch.lap()
        shutil.rmtree(out)
        yield {"seconds": seconds} if number else {}


def our_command(midi: str, scratch: str) -> Iterator[dict[str, float]]:
    """Seconds of the whole command."""
    for number in itertools.count():
        out = Path(scratch) / f"command-{number}"
        seconds, _ = run_python("-m", "pianoroll_tf.build_records", midi, str(out))
        shutil.rmtree(out)
        yield {"seconds": seconds} if number else {}


def obvious(midi: str, scratch: str) -> Iterator[dict[str, float]]:
    """Seconds of the simple script: of its loop, and of the whole process."""
    yield {}
    while True:
        out = Path(scratch) / "obvious.tfrecord"
        seconds, output = run_python(str(ROOT / "benchmarks" / "rows" / "simple_build.py"), midi, str(out))
        out.unlink()
        yield {"work": float(output.split()[-1]), "seconds": seconds}


def bare_parse(midi: str) -> Iterator[dict[str, float]]:
    """Seconds of symusic's parsing of all files, in one process, and of nothing else."""
    from symusic import Score

    yield from _over(midi, lambda path: Score(path, ttype="tick"))


def our_reading(midi: str, every: int) -> Iterator[dict[str, float]]:
    """Seconds of our conversion of files to records, in one process."""
    from pianoroll_tf.config import RecordsConfig
    from pianoroll_tf.data.conversion import convert

    config = RecordsConfig()
    yield from _over(midi, lambda path: convert(path, config), every)


def pretty_midi_reading(midi: str, every: int) -> Iterator[dict[str, float]]:
    """Seconds of pretty_midi from files to rolls at 8 steps per second."""
    import pretty_midi

    warnings.simplefilter("ignore")
    yield from _over(midi, lambda path: pretty_midi.PrettyMIDI(path).get_piano_roll(fs=8)[24:108] > 0, every)


def pypianoroll_reading(midi: str, every: int) -> Iterator[dict[str, float]]:
    """Seconds of pypianoroll from files to binary rolls on its own grid, which counts beats."""
    try:
        import pypianoroll
    except ImportError as error:
        raise MissingPeerError(f"pypianoroll is not installed ({error})") from error
    warnings.simplefilter("ignore")
    yield from _over(midi, lambda path: pypianoroll.read(path, resolution=4).blend() > 0, every)


def _over(midi: str, work: Callable[[str], object], every: int = 1) -> Iterator[dict[str, float]]:
    """Measures `work` on every `every`-th MIDI file, after a warm-up on the first."""
    paths = sorted(os.fspath(path) for path in Path(midi).rglob("*") if path.suffix.lower() == ".mid")[::every]
    work(paths[0])
    yield {"files": len(paths)}
    while True:
        watch = Stopwatch()
        for path in paths:
            work(path)
        yield {"seconds": watch.lap()}


def experiments(fixtures) -> Iterator[Experiment]:
    """`building` and `reading`; few repetitions, because the simple script takes half a minute."""
    midi = fixtures.midi
    folders = {"midi": midi, "scratch": fixtures.folder("building")}
    variants = {
        "work": Variant(function="benchmarks.rows.building:our_work", arguments=folders),
        "command": Variant(function="benchmarks.rows.building:our_command", arguments=folders),
        "obvious": Variant(function="benchmarks.rows.building:obvious", arguments=folders),
        "symusic": Variant(function="benchmarks.rows.building:bare_parse", arguments={"midi": midi}),
    }
    yield Experiment(name="building", variants=variants, repeats=fixtures.repeats(3))
    selection = {"midi": midi, "every": EVERY}
    readers = {"ours": "our_reading", "pretty_midi": "pretty_midi_reading", "pypianoroll": "pypianoroll_reading"}
    variants = {
        name: Variant(function=f"benchmarks.rows.building:{function}", arguments=selection)
        for name, function in readers.items()
    }
    yield Experiment(name="reading", variants=variants, repeats=fixtures.repeats(2))


def rows() -> list[Row]:
    """Their rows of the table."""
    obvious_script = "pretty_midi, dense Example, one process"
    shared = {"unit": "s", "more": False}
    rows = [
        Row(
            name="build_records, 295 files, the work",
            ours="building/work.seconds",
            peers=("building/obvious.work",),
            peer_name=obvious_script,
            goal=50,
            limit="building/symusic.seconds",
            limit_name="symusic's bare parse in one process",
            note=(
                "both without the start of the interpreter and its imports; ours with the start of its reader"
                " processes (one per CPU) and their imports, and with the records written to disk (fsync)"
            ),
            **shared,
        ),
        Row(
            name="build_records, 295 files, whole command",
            ours="building/command.seconds",
            peers=("building/obvious.seconds",),
            peer_name=obvious_script,
            **shared,
        ),
    ]
    for library in ("pretty_midi", "pypianoroll"):
        rows.append(
            Row(
                name=f"reading file by file beside {library}",
                ours="reading/ours.seconds",
                peers=(f"reading/{library}.seconds",),
                peer_name=library,
                note=f"every {EVERY}th classical file, one process, from the file to a binary roll, ours to a record",
                **shared,
            )
        )
    return rows
