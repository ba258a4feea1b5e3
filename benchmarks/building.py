"""From MIDI files to records: build_records beside the obvious script; reading alone beside the libraries."""

import itertools
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.harness import ROOT, Experiment, Side
from benchmarks.rows import Row
from benchmarks.worker import MissingPeerError, Stopwatch, cpus

NAMES = ("building", "reading")
EVERY = 8  # `reading` takes every eighth file


def our_work(midi: str, scratch: str) -> Iterator[dict[str, float]]:
    """Seconds of the build itself: our modules are imported, the reader processes are not started yet."""
    from pianoroll_tf.config import RecordsConfig
    from pianoroll_tf.data.build import build

    for number in itertools.count():
        out = Path(scratch) / f"work-{number}"
        watch = Stopwatch()
        build(Path(midi), out, RecordsConfig(), cpus())
        seconds = watch.lap()
        shutil.rmtree(out)
        yield {"seconds": seconds} if number else {}


def our_command(midi: str, scratch: str) -> Iterator[dict[str, float]]:
    """Seconds of the whole command."""
    for number in itertools.count():
        out = Path(scratch) / f"command-{number}"
        seconds, _ = _run("-m", "pianoroll_tf.build_records", midi, str(out))
        shutil.rmtree(out)
        yield {"seconds": seconds} if number else {}


def obvious(midi: str, scratch: str) -> Iterator[dict[str, float]]:
    """Seconds of the obvious script: of its loop, and of the whole."""
    yield {}
    while True:
        out = Path(scratch) / "obvious.tfrecord"
        seconds, said = _run(str(ROOT / "benchmarks" / "obvious_build.py"), midi, str(out))
        out.unlink()
        yield {"work": float(said.split()[-1]), "seconds": seconds}


def _run(*arguments: str) -> tuple[float, str]:
    """Seconds and output of a Python program."""
    watch = Stopwatch()
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=ROOT, check=True)
    return watch.lap(), done.stdout


def bare_parse(midi: str) -> Iterator[dict[str, float]]:
    """Seconds in which symusic parses all files, one process, and nothing else is done."""
    from symusic import Score

    yield from _over(midi, lambda path: Score(path, ttype="tick"))


def our_reading(midi: str, every: int) -> Iterator[dict[str, float]]:
    """Seconds of our conversion of files to records, in this one process."""
    from pianoroll_tf.config import RecordsConfig
    from pianoroll_tf.data.conversion import convert

    config = RecordsConfig()
    yield from _over(midi, lambda path: convert(path, config), every)


def pretty_midi_reading(midi: str, every: int) -> Iterator[dict[str, float]]:
    """Seconds of pretty_midi from files to rolls at 8 steps a second."""
    import pretty_midi

    warnings.simplefilter("ignore")
    yield from _over(midi, lambda path: pretty_midi.PrettyMIDI(path).get_piano_roll(fs=8)[24:108] > 0, every)


def pypianoroll_reading(midi: str, every: int) -> Iterator[dict[str, float]]:
    """Seconds of pypianoroll from files to binary rolls on its own grid, that of beats."""
    try:
        import pypianoroll
    except ImportError as error:
        raise MissingPeerError(f"pypianoroll is not installed ({error})") from error
    warnings.simplefilter("ignore")
    yield from _over(midi, lambda path: pypianoroll.read(path, resolution=4).blend() > 0, every)


def _over(midi: str, work: Callable[[str], object], every: int = 1) -> Iterator[dict[str, float]]:
    """Measures `work` over every so manieth MIDI file, the first once before."""
    paths = sorted(os.fspath(path) for path in Path(midi).rglob("*") if path.suffix.lower() == ".mid")[::every]
    work(paths[0])
    yield {"files": len(paths)}
    while True:
        watch = Stopwatch()
        for path in paths:
            work(path)
        yield {"seconds": watch.lap()}


def experiments(materials) -> Iterator[Experiment]:
    """`building`, twice as the obvious script takes half a minute; `reading`."""
    midi = materials.midi
    place = {"midi": midi, "scratch": materials.folder("building")}
    sides = {
        "work": Side(function="benchmarks.building:our_work", arguments=place),
        "command": Side(function="benchmarks.building:our_command", arguments=place),
        "obvious": Side(function="benchmarks.building:obvious", arguments=place),
        "symusic": Side(function="benchmarks.building:bare_parse", arguments={"midi": midi}),
    }
    yield Experiment(name="building", sides=sides, repeats=materials.repeats(3))
    some = {"midi": midi, "every": EVERY}
    readers = {"ours": "our_reading", "pretty_midi": "pretty_midi_reading", "pypianoroll": "pypianoroll_reading"}
    sides = {name: Side(function=f"benchmarks.building:{side}", arguments=some) for name, side in readers.items()}
    yield Experiment(name="reading", sides=sides, repeats=materials.repeats(2))


def rows() -> list[Row]:
    """Their lines of the table."""
    obvious_script = "pretty_midi, dense Example, one process"
    shared = {"unit": "s", "more": False}
    found = [
        Row(
            name="build_records, 295 files, the work",
            ours="building/work.seconds",
            peers=("building/obvious.work",),
            peer_name=obvious_script,
            goal=50,
            limit="building/symusic.seconds",
            limit_name="symusic's bare parse in one process",
            note=(
                "without the interpreter's start and its imports on either side; ours with the start of its reader"
                " processes (one a CPU) and their imports, and with the records on disk (fsync) at the end"
            ),
            cause=(
                "a third of it is the start of the reader processes, 0.2 to 0.4 s here, once a build: 47 to 54 times"
                " was seen with these files"
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
        found.append(
            Row(
                name=f"reading file by file beside {library}",
                ours="reading/ours.seconds",
                peers=(f"reading/{library}.seconds",),
                peer_name=library,
                note=f"every {EVERY}th classical file, one process, from the file to a binary roll, ours to a record",
                **shared,
            )
        )
    return found
