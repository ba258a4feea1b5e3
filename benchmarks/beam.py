"""Compares the runners of `build_records`: files per second of a whole build, with the start of all processes.

Usage: python -m benchmarks.beam MIDI_DIR --times 10

Each file of MIDI_DIR is read `--times` times, under other names. The runners take turns; all must make the same bytes.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pianoroll_tf.data.discover import find_files

RUNNERS = {"direct": ["--runner", "direct"], "beam": ["--runner", "beam"]}


def build(paths: Path, out: Path, runner: str, workers: int) -> float:
    """Seconds of a build by the command."""
    command = [sys.executable, "-m", "pianoroll_tf.build_records", str(paths), str(out), "--grid", "beats"]
    start = time.perf_counter()
    subprocess.run([*command, "--workers", str(workers), *RUNNERS[runner]], check=True, capture_output=True)
    return time.perf_counter() - start


def compare(midi: Path, folder: Path, times: int, workers: int, rounds: int) -> tuple[int, dict[str, list[float]]]:
    """Number of files, and seconds of each round of each runner."""
    names = [str(midi.resolve() / found.path) for found in find_files(midi) if not found.reason]
    paths = folder / "paths.txt"
    paths.write_text("\n".join(names * times))
    seconds: dict[str, list[float]] = {runner: [] for runner in RUNNERS}
    for index in range(rounds):
        for runner in RUNNERS:
            seconds[runner].append(build(paths, folder / f"{runner}-{index}", runner, workers))
    manifests = {
        (folder / f"{runner}-{index}" / "manifest.json").read_bytes() for runner in RUNNERS for index in range(rounds)
    }
    if len(manifests) != 1:
        raise RuntimeError("the runners have made different records")
    return len(names) * times, seconds


def main(argv: list[str] | None = None) -> int:
    """Prints a table; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.beam", description=__doc__.splitlines()[0])
    parser.add_argument("midi", type=Path, metavar="MIDI_DIR")
    parser.add_argument("--times", type=int, default=1, help="how often each file is read (default: 1)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--rounds", type=int, default=3, help="builds by each runner (default: 3)")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        files, seconds = compare(args.midi, Path(folder), args.times, args.workers, args.rounds)
    print(f"{files} files, {args.workers} workers, median of {args.rounds}")
    middle = {runner: statistics.median(each) for runner, each in seconds.items()}
    for runner, each in middle.items():
        print(f"{runner:8}{each:8.1f} s{files / each:10.0f} files per second{each / middle['direct']:8.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
