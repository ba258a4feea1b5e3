"""Uses the installed package as a new user would.

Usage: python check_wheel.py train FOLDER: MIDI files → records → training → an export in FOLDER/models → a piece.
       python check_wheel.py serve FOLDER: generates with that export and serves it; needs the extra serve alone.
"""

import contextlib
import importlib.util
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from importlib.metadata import files
from pathlib import Path

import symusic

PAGE = "pianoroll_tf/serving/page/dist/index.html"
COMMANDS = ("build", "train", "evaluate", "export", "generate", "serve")
OF_OTHER_EXTRAS = ("keras_tuner", "matplotlib", "music21", "scipy", "sklearn", "tensorboard")


def write_tunes(folder: Path, count: int) -> None:
    """Writes tunes of different intervals: transpositions of one tune would all be in one split."""
    folder.mkdir()
    for number in range(count):
        score, track = symusic.Score(480), symusic.Track()
        for step in range(64):
            track.notes.append(symusic.Note(240 * step, 240, 50 + (number + 1) * step % 17, 80))
        score.tracks.append(track)
        score.dump_midi(folder / f"{number}.mid")


def run(*words: str | Path) -> None:
    """Runs a command of the package; raises CalledProcessError if it fails."""
    print("pianoroll-tf", *words, flush=True)
    subprocess.run([Path(sys.executable).with_name("pianoroll-tf"), *words], check=True, stdout=subprocess.DEVNULL)


def generate(model: Path, out: Path) -> None:
    """Generates a piece as MIDI and WAV."""
    run("generate", model, out, "--steps", "64", "--wav", "--overwrite")
    assert out.read_bytes().startswith(b"MThd")


def train(folder: Path) -> None:
    """From MIDI files to a piece of music."""
    write_tunes(folder / "midi", 12)
    run("build", folder / "midi", folder / "records", "--val", "0.3", "--test", "0.2")
    small = ("--conv-filters", "8", "--gru-units", "8", "--head-units", "4", "--epochs", "1")
    run("train", folder / "records", folder / "run", *small)
    run("evaluate", folder / "run")
    run("export", folder / "run", folder / "models")
    generate(folder / "models", folder / "out.mid")


@contextlib.contextmanager
def server(model: Path) -> Iterator[str]:
    """Serves a model within a `with` statement, whose value is the address; the server then exits with 0."""
    command = [sys.executable, "-m", "pianoroll_tf.serve", model, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()
    assert process.returncode == 0, process.returncode


def serve(folder: Path) -> None:
    """The page, and a piece by the API."""
    assert any(str(path) == PAGE for path in files("pianoroll_tf") or ()), f"the wheel must hold {PAGE}: make page"
    found = [name for name in OF_OTHER_EXTRAS if importlib.util.find_spec(name)]
    assert not found, f"serving must not bring {found}"
    run("--help")
    for command in COMMANDS:
        run(command, "--help")
    generate(folder / "models", folder / "served.mid")
    with server(folder / "models") as url:
        print("serving at", url, flush=True)
        with urllib.request.urlopen(url) as response:
            assert b'<script type="module"' in response.read()
        body, headers = json.dumps({"steps": 64, "seed": 1}).encode(), {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"{url}generate", body, headers)) as response:
            assert response.read().startswith(b"MThd")


def main() -> None:
    """Runs one of the two."""
    steps, folder = {"train": train, "serve": serve}[sys.argv[1]], Path(sys.argv[2])
    steps(folder)
    print(f"{steps.__name__}: the package works")


if __name__ == "__main__":
    main()
