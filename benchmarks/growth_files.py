"""How build_records grows with the number of files: time, and memory of the parent and of its readers."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks import plots
from benchmarks.harness import ROOT, Experiment, Measured, Side, Spread
from benchmarks.rows import Row, number
from benchmarks.worker import Stopwatch

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
QUICK_SIZES = (100, 300)
LONGEST_QUARTERS = 64  # of a cut-out: some 20 to 60 seconds
POLL_SECONDS = 0.05


def make_files(midi: str, folder: Path, count: int) -> None:
    """Writes MIDI files that are cut out of others and transposed, no two alike, 1,000 a folder.

    Args:
        midi: Folder of the MIDI files that are cut.
        folder: To be made.
        count: How many to write.
    """
    from symusic import Score

    sources = [Score(path) for path in sorted(Path(midi).rglob("*")) if path.suffix.lower() == ".mid"]
    rng = np.random.default_rng(0)
    index, seen = 0, set()
    while index < count:
        which, quarters = int(rng.integers(len(sources))), int(rng.integers(8, LONGEST_QUARTERS))
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
    """A folder of hard links to the first `count` files, 1,000 a folder."""
    for index in range(count):
        source = files / f"{index // 1000:03d}" / f"{index:06d}.mid"
        target = folder / source.relative_to(files)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(source, target)
    return folder


def build(midi: str, scratch: str, sizes: list[int]) -> Iterator[dict[str, float]]:
    """Seconds of the whole command for so many files, and the most memory that its processes had, in MB."""
    files = Path(scratch) / "files"
    make_files(midi, files, max(sizes))
    folders = {size: _first(files, size, Path(scratch) / f"first-{size}") for size in sizes}
    yield {"bytes": sum(path.stat().st_size for path in files.rglob("*.mid"))}
    for repetition in range(1_000_000):
        found = {}
        for size, folder in folders.items():
            out = Path(scratch) / f"records-{size}-{repetition}"
            watch = Stopwatch()
            command = [sys.executable, "-m", "pianoroll_tf.build_records", str(folder), str(out)]
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            parent, reader = _most_memory(process)
            if process.returncode:
                raise RuntimeError(f"build_records left with {process.returncode}")
            found |= {f"seconds {size}": watch.lap(), f"parent {size}": parent, f"reader {size}": reader}
            found[f"rate {size}"] = size / found[f"seconds {size}"]
        yield found


def _most_memory(process: subprocess.Popen) -> tuple[float, float]:
    """Waits for a process; the most resident memory that it had and that any of its children had, in MB."""
    parent, reader = 0.0, 0.0
    while process.poll() is None:
        parent = max(parent, _peak(process.pid))
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        try:
            pids = children.read_text().split()
        except OSError:  # it has just ended
            pids = []
        reader = max([reader, *(_peak(int(pid)) for pid in pids)])
        time.sleep(POLL_SECONDS)
    return parent, reader


def _peak(pid: int) -> float:
    """The most resident memory of a process so far, in MB; 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM")), 0.0)


def experiments(materials) -> Iterator[Experiment]:
    """The experiment `growth_files`, once: a size repeats the one before it."""
    sizes = list(QUICK_SIZES if materials.quick else SIZES)
    arguments = {"midi": materials.midi, "scratch": materials.folder("growth"), "sizes": sizes}
    sides = {"build": Side(function="benchmarks.growth_files:build", arguments=arguments)}
    yield Experiment(name="growth_files", sides=sides, repeats=1)


def rows() -> list[Row]:
    """The ends of the axis as lines of the table."""
    first, last = SIZES[0], SIZES[-1]
    words = f"{last:,} files beside {first:,}"
    shared = {"peer_name": f"{first:,} files"}

    def references(metric: str) -> dict:
        ends = (f"growth_files/build.{metric} {size}" for size in (last, first))
        return {"ours": next(ends), "peers": tuple(ends)}

    slower = "no slower a file but for the command's start"
    return [
        Row(name=f"build_records, {words}", unit="files/s", goal=0.95, note=slower, **references("rate"), **shared),
        Row(name=f"its parent's memory, {words}", unit="MB", more=False, goal=0.8, **references("parent"), **shared),
        Row(name=f"a reader's memory, {words}", unit="MB", more=False, goal=0.8, **references("reader"), **shared),
    ]


def details(results: dict[str, dict[str, Measured]], folder: Path) -> str:
    """A plot of time and one of memory, and all numbers."""
    found = results["growth_files"]["build"]
    if found.missing:
        return ""
    seconds = plots.points(found.values, "seconds")
    plots.draw(folder / "growth-files.png", "build_records", ("files", "seconds"), {"whole command": seconds})
    memory = {words: plots.points(found.values, name) for name, words in (("parent", "parent"), ("reader", "a reader"))}
    picture = "growth-files-memory.png"
    plots.draw(folder / picture, "Most memory of a process", ("files", "MB"), memory, straight=False)
    lines = ["| files | seconds | files/s | parent, MB | a reader, MB |", "| ---: " * 5 + "|"]
    for size, spread in seconds:
        rest = (Spread.of(found.values[f"{name} {size}"]) for name in ("rate", "parent", "reader"))
        numbers = " | ".join(number(one.median) for one in (spread, *rest))
        lines.append(f"| {size:,} | {numbers} |")
    pictures = "![build_records: seconds by files](growth-files.png)\n\n![Memory by files](growth-files-memory.png)"
    return "\n\n".join([pictures, "\n".join(lines)])
