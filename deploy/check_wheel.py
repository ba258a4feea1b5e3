"""Uses the installed package as a new user would: MIDI files → records → training → export → a piece of music.

Usage: python check_wheel.py, in an environment that holds only the wheel and its dependencies.
"""

import subprocess
import sys
import tempfile
from importlib.metadata import files
from pathlib import Path

import symusic

PAGE = "pianoroll_tf/serving/page/dist/index.html"


def write_tunes(folder: Path, count: int) -> None:
    """Writes scales that begin on different pitches."""
    folder.mkdir()
    for number in range(count):
        score, track = symusic.Score(480), symusic.Track()
        for step in range(64):
            track.notes.append(symusic.Note(240 * step, 240, 50 + number + (2 * step) % 13, 80))
        score.tracks.append(track)
        score.dump_midi(folder / f"{number}.mid")


def run(*words: str | Path) -> None:
    """Runs a command of the package; raises CalledProcessError if it fails."""
    print("pianoroll-tf", *words, flush=True)
    subprocess.run([Path(sys.executable).with_name("pianoroll-tf"), *words], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Runs every step."""
    assert any(str(path) == PAGE for path in files("pianoroll_tf") or ()), f"the wheel must hold {PAGE}: make page"
    run("--help")
    for command in ("build", "train", "evaluate", "export", "generate", "serve"):
        run(command, "--help")
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        write_tunes(root / "midi", 12)
        run("build", root / "midi", root / "records", "--test", "0.2")
        small = ("--conv-filters", "8", "--gru-units", "8", "--head-units", "4", "--epochs", "1")
        run("train", root / "records", root / "run", *small)
        run("export", root / "run", root / "models")
        run("generate", root / "models", root / "out.mid", "--steps", "64")
        assert (root / "out.mid").read_bytes().startswith(b"MThd")
    print("the wheel works")


if __name__ == "__main__":
    main()
