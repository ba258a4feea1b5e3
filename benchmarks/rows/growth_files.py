"""Growth of build_records with the number of files: time, and memory of the parent and of its reader processes."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks import plots
from benchmarks.harness import ROOT, Experiment, Measurements, Spread, Variant
from benchmarks.results_table import Row, number
from benchmarks.worker import Stopwatch

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
QUICK_SIZES = (100, 300)
MAX_QUARTERS = 64  # of an excerpt: about 20 to 60 seconds
POLL_SECONDS = 0.05


def make_files(midi: str, folder: Path, count: int) -> None:
    """Writes transposed excerpts of MIDI files, no two alike, 1,000 per folder.

    Args:
        midi: Folder of the MIDI files that the excerpts are from.
        folder: The folder to create.
        count: Number of excerpts.
    """
    from symusic import Score

    sources = [Score(path) for path in sorted(Path(midi).rglob("*")) if path.suffix.lower() == ".mid"]
    rng = np.random.default_rng(0)
    index, seen = 0, set()
    while index < count:
        which, quarters = int(rng.integers(len(sources))), int(rng.integers(8, MAX_QUARTERS))
        score = sources[which]
        begin = int(rng.integers(max(1, score.end() - quarters * score.tpq)))
        shift = int(rng.integers(-6, 6))
        part = score.clip(begin, begin + quarters * score.tpq).shift_pitch(shift)
        if (which, begin, quarters, shift) in seen or not part.note_num():
            continue
        seen.add((which, begin, quarters, shift))
        place = folder / f"{index // 1000:03d}"
        if index % 1000 == 0:
            place.mkdir(parents=True)
        part.dump_midi(place / f"{index:06d}.mid")
        index += 1


def _first(files: Path, count: int, folder: Path) -> Path:
    """Creates a folder of hard links to the first `count` files, 1,000 per subfolder."""
    for index in range(count):
        source = files / f"{index // 1000:03d}" / f"{index:06d}.mid"
        target = folder / source.relative_to(files)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(source, target)
    return folder


def build(midi: str, scratch: str, sizes: list[int]) -> Iterator[dict[str, float]]:
    """Seconds of the whole command for each number of files, and the peak memory of its processes in MB."""
    files = Path(scratch) / "files"
    make_files(midi, files, max(sizes))
    folders = {size: _first(files, size, Path(scratch) / f"first-{size}") for size in sizes}
    yield {"bytes": sum(path.stat().st_size for path in files.rglob("*.mid"))}
    for repetition in range(1_000_000):
        values = {}
        for size, folder in folders.items():
            out = Path(scratch) / f"records-{size}-{repetition}"
            watch = Stopwatch()
            command = [sys.executable, "-m", "pianoroll_tf.build_records", str(folder), str(out)]
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            parent, reader = _peak_memory(process)
            if process.returncode:
                raise RuntimeError(f"build_records ended with exit code {process.returncode}")
            values |= {f"seconds {size}": watch.lap(), f"parent {size}": parent, f"reader {size}": reader}
            values[f"rate {size}"] = size / values[f"seconds {size}"]
        yield values


def _peak_memory(process: subprocess.Popen) -> tuple[float, float]:
    """Waits for a process; returns its peak resident memory and the largest of its children's, in MB."""
    parent, reader = 0.0, 0.0
    while process.poll() is None:
        parent = max(parent, _peak_so_far(process.pid))
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        try:
            pids = children.read_text().split()
        except OSError:  # the process has just ended
            pids = []
        reader = max([reader, *(_peak_so_far(int(pid)) for pid in pids)])
        time.sleep(POLL_SECONDS)
    return parent, reader


def _peak_so_far(pid: int) -> float:
    """The peak resident memory of a process so far, in MB; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM")), 0.0)


def experiments(fixtures) -> Iterator[Experiment]:
    """The experiment `growth_files`, without repetitions: each size confirms the one before it."""
    sizes = list(QUICK_SIZES if fixtures.quick else SIZES)
    arguments = {"midi": fixtures.midi, "scratch": fixtures.folder("growth"), "sizes": sizes}
    variants = {"build": Variant(function="benchmarks.rows.growth_files:build", arguments=arguments)}
    yield Experiment(name="growth_files", variants=variants, repeats=1)


def rows() -> list[Row]:
    """The largest size compared with the smallest."""
    first, last = SIZES[0], SIZES[-1]
    words = f"{last:,} files beside {first:,}"
    shared = {"peer_name": f"{first:,} files"}

    def references(metric: str) -> dict:
        ends = (f"growth_files/build.{metric} {size}" for size in (last, first))
        return {"ours": next(ends), "peers": tuple(ends)}

    note = "not slower per file, except for the start of the command"
    return [
        Row(name=f"build_records, {words}", unit="files/s", goal=0.95, note=note, **references("rate"), **shared),
        Row(name=f"its parent's memory, {words}", unit="MB", more=False, goal=0.8, **references("parent"), **shared),
        Row(name=f"a reader's memory, {words}", unit="MB", more=False, goal=0.8, **references("reader"), **shared),
    ]


def details(results: dict[str, dict[str, Measurements]], folder: Path) -> str:
    """A plot of time, a plot of memory, and a table of all numbers."""
    measured = results["growth_files"]["build"]
    if measured.missing:
        return ""
    seconds = plots.points(measured.values, "seconds")
    plots.draw(folder / "growth-files.png", "build_records", ("files", "seconds"), {"whole command": seconds})
    memory = {
        words: plots.points(measured.values, name) for name, words in (("parent", "parent"), ("reader", "a reader"))
    }
    picture = "growth-files-memory.png"
    plots.draw(folder / picture, "Peak memory of a process", ("files", "MB"), memory, reference=False)
    lines = ["| files | seconds | files/s | parent, MB | a reader, MB |", "| ---: " * 5 + "|"]
    for size, spread in seconds:
        rest = (Spread.of(measured.values[f"{name} {size}"]) for name in ("rate", "parent", "reader"))
        numbers = " | ".join(number(one.median) for one in (spread, *rest))
        lines.append(f"| {size:,} | {numbers} |")
    pictures = "![build_records: seconds by files](growth-files.png)\n\n![Memory by files](growth-files-memory.png)"
    return "\n\n".join([pictures, "\n".join(lines)])
