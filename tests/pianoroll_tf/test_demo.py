"""The demo: the whole main job at a tiny size, from the embedded corpus to music, and again without doing it twice."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pianoroll_tf import demo
from pianoroll_tf.modeling.evaluation_folder import LABELS

ENDINGS = (".mid", ".png", ".wav")


def run_demo(folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "pianoroll_tf.demo", "--works", "12", "--epochs", "1"],
        capture_output=True,
        text=True,
        cwd=folder,
    )


@pytest.mark.slow
def test_the_demo_makes_all_it_says_and_does_not_redo_it(tmp_path: Path) -> None:
    pytest.importorskip("music21")
    first = run_demo(tmp_path)
    assert first.returncode == 0, first.stderr
    made = [tmp_path / "demo" / f"{name}{ending}" for name in ("continuation", "from_scratch") for ending in ENDINGS]
    made += [path for name in ("tfrecords", "runs", "saved_models") for path in (tmp_path / name).rglob("*.*")]
    before = {path: path.stat().st_mtime_ns for path in made if path.is_file()}
    scores = json.loads((tmp_path / "runs/demo/evaluation/test.json").read_text())
    for key, label in LABELS.items():
        assert f"{label:<20}{scores[key]['nll']:>14.3f}" in first.stdout
    assert "python -m pianoroll_tf.build_records MY_MIDI_FOLDER tfrecords/mine" in first.stdout
    assert "How its music compares with Bach's" in first.stdout
    assert "begin together with another; in Bach" in first.stdout
    second = run_demo(tmp_path)
    assert second.returncode == 0, second.stderr
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert "Epoch" not in second.stdout


def test_a_failed_step_stops_the_demo_with_one_line(capsys) -> None:
    with pytest.raises(demo.UserError, match=r"exit code 1.*pianoroll_tf.train nowhere"):
        demo.run_command("train", "nowhere", "runs/x")


@pytest.mark.parametrize("name", ["works", "epochs"])
def test_wrong_usage_is_reported_before_any_work(name, tmp_path: Path, capsys) -> None:
    assert demo.main([str(tmp_path / "demo"), f"--{name}", "0"]) == 2
    assert capsys.readouterr().err.endswith(f": {name} must be a whole number >= 1. Received: {name}=0\n")
    assert not (tmp_path / "demo").exists()


def test_a_folder_of_another_kind_is_left_alone(tmp_path: Path, capsys) -> None:
    (tmp_path / "continuation.mid").write_bytes(b"mine")
    assert demo.main([str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "must be a folder that the demo has made or an empty folder: it has continuation.mid but no bach" in error
    assert [path.name for path in tmp_path.iterdir()] == ["continuation.mid"]
