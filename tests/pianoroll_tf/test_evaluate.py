"""The command: table, JSON and picture of a run beside the baselines, and what it refuses."""

import json
import shutil

import numpy as np
import pytest
from tiny_export import not_measured
from tiny_run import random_piece, tiny_config, write_records

from pianoroll_tf import evaluate
from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.modeling import run, run_folder
from pianoroll_tf.modeling.evaluation_folder import LABELS
from pianoroll_tf.storage.arrays import read_arrays

NUMBERS = {
    "nll",
    "nll_strikes",
    "nll_ends",
    "pr_auc",
    "f1",
    "onset_f1",
    "threshold",
    "onset_threshold",
    "ece",
    "density_predicted",
    "density_true",
}


def make_run(folder, **changes):
    """Records of random pieces, and a run on them whose best weights are its first."""
    pieces = {"train": [30, 40, 25], "val": [20, 12], "test": [33, 5]}
    records = write_records(
        folder / "records", {split: [random_piece(n, seed=n) for n in steps] for split, steps in pieces.items()}
    )
    config = tiny_config(records, **changes)
    run_folder.open_run(folder / "run", config)
    run.save_best(folder / "run", run.weight_arrays(run.run_model(config)), {})
    return folder / "run"


def test_table_json_and_picture(tmp_path, capsys):
    folder = make_run(tmp_path, loss={"loss": "focal"})
    assert evaluate.main([str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:5] == ["test:", "2", "pieces,", "38", "steps"]
    results = json.loads((folder / "evaluation" / "test.json").read_text())
    assert results.keys() >= {"model", "copy_last_step", "note_frequency", "uncorrected_ece"}
    for line, name in zip(lines[1:4], ("model", "copy_last_step", "note_frequency"), strict=True):
        assert results[name].keys() == NUMBERS
        assert np.isfinite(list(results[name].values())).all()
        assert f"{results[name]['nll']:.4f}" in line
        assert line.startswith(LABELS[name])
    assert (folder / "evaluation" / "test.png").read_bytes()[:4] == b"\x89PNG"
    # The cells are independent of each other and of the past, so nothing beats the frequencies by much.
    truth = results["note_frequency"]
    assert truth["density_true"] == pytest.approx(0.05, abs=0.01)
    assert truth["density_predicted"] == pytest.approx(0.05, abs=0.015)


def test_thresholds_come_from_the_validation_split(tmp_path):
    folder = make_run(tmp_path)
    for split in ("val", "test", "train"):
        assert evaluate.main([str(folder), "--split", split]) == 0
    judged = {
        split: json.loads((folder / "evaluation" / f"{split}.json").read_text()) for split in ("val", "test", "train")
    }
    assert "uncorrected_ece" not in judged["test"]
    for name in LABELS:
        assert len({results[name]["threshold"] for results in judged.values()}) == 1
    assert [judged[split]["steps"] for split in ("val", "test", "train")] == [32, 38, 95]


def refused(capsys, *words):
    """The one line on stderr of a command that fails."""
    assert evaluate.main([str(word) for word in words]) == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("python -m")]
    assert len(lines) == 1
    return lines[0]


def test_changed_or_moved_records_are_refused_unless_they_are_named(tmp_path, capsys):
    folder = make_run(tmp_path)
    records = tmp_path / "records"
    moved = shutil.move(records, tmp_path / "moved")
    assert "no longer at" in refused(capsys, folder)
    assert evaluate.main([str(folder), "--records", str(moved)]) == 0
    assert "note:" not in capsys.readouterr().out
    pieces = {split: [random_piece(20, seed=number)] for number, split in enumerate(("train", "val", "test"))}
    write_records(records, pieces)
    assert "has changed since the training" in refused(capsys, folder)
    assert evaluate.main([str(folder), "--records", str(records)]) == 0
    assert "is not what the run was trained on" in capsys.readouterr().out


def test_what_is_not_a_run_or_has_an_empty_split_is_refused_in_one_line(tmp_path, capsys):
    assert "must be the folder of a run" in refused(capsys, tmp_path)
    folder = make_run(tmp_path)
    empty = write_records(tmp_path / "empty", {"train": [random_piece(9, seed=0)], "val": [], "test": []})
    assert "the val split" in refused(capsys, folder, "--records", empty)
    (folder / run_folder.BEST).unlink()
    assert "must hold a trained model" in refused(capsys, folder)


def never(_):
    """Replaces the loading of TensorFlow where it must not be reached."""
    raise AssertionError


def test_a_missing_run_is_reported_before_tensorflow_is_loaded(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(evaluate, "load_tensorflow", never)
    assert "must be the folder of a run" in refused(capsys, tmp_path / "none")
    folder = make_run(tmp_path)
    assert "must hold records" in refused(capsys, folder, "--records", tmp_path / "none")
    (folder / run_folder.BEST).unlink()
    assert "must hold a trained model" in refused(capsys, folder)


@pytest.mark.parametrize(
    "settings", [{"grid": "seconds", "steps_per_second": 4}, {"grid": "beats", "steps_per_beat": 8}]
)
def test_records_on_another_grid_are_refused(tmp_path, capsys, settings):
    folder = make_run(tmp_path)
    pieces = {split: [random_piece(20, seed=1)] for split in ("train", "val", "test")}
    other = write_records(tmp_path / "other", pieces, settings=RecordsConfig(**settings))
    theirs = "4 steps a second" if settings["grid"] == "seconds" else "8 steps a beat"
    line = refused(capsys, folder, "--records", other)
    assert line.endswith(f"{other} must have the grid of the run, 8 steps a second. Received: {theirs}")


def test_results_are_reused_while_nothing_changes(tmp_path, capsys, monkeypatch):
    folder = make_run(tmp_path)
    files = [folder / "evaluation" / name for name in ("test.json", "test.png")]
    assert evaluate.main([str(folder)]) == 0
    first = capsys.readouterr().out.splitlines()
    before = [path.stat().st_mtime_ns for path in files]
    moved = shutil.move(tmp_path / "records", tmp_path / "moved")
    with monkeypatch.context() as patch:
        patch.setattr(evaluate, "load_tensorflow", never)
        assert evaluate.main([str(folder), "--records", str(moved)]) == 0
    again = capsys.readouterr().out.splitlines()
    assert again[:-1] == first[:-1]
    assert "are up to date" in again[-1]
    assert [path.stat().st_mtime_ns for path in files] == before


def test_music_is_judged_beside_the_split_and_not_twice(tmp_path, capsys, monkeypatch):
    folder = make_run(tmp_path)
    monkeypatch.setattr("pianoroll_tf.generation.archive.calibrate", not_measured)
    assert evaluate.main([str(folder), "--music", "--pieces", "2"]) == 0
    output = capsys.readouterr().out
    assert "onsets that share their step with another" in output
    assert "pieces were ended by the model" in output
    judged = json.loads((folder / "evaluation" / "test-music.json").read_text())
    assert judged["pieces"] == {"generated": 2, "real": 2}
    assert judged["test"] is None  # a classifier needs five pieces of either side
    assert (folder / "evaluation" / "test-music.png").read_bytes()[:4] == b"\x89PNG"
    assert len(list((folder / "evaluation" / "music").glob("*.mid"))) == 2
    monkeypatch.setattr(evaluate, "load_tensorflow", never)
    assert evaluate.main([str(folder), "--music", "--pieces", "2"]) == 0
    assert "are up to date" in capsys.readouterr().out


@pytest.mark.parametrize("change", ["weights", "settings", "results", "picture", "split"])
def test_results_are_computed_anew_when_something_has_changed(tmp_path, capsys, change):
    folder = make_run(tmp_path)
    results = folder / "evaluation" / "test.json"
    assert evaluate.main([str(folder)]) == 0
    content = results.read_bytes()
    if change == "weights":
        weights, meta = read_arrays(folder / run_folder.BEST)
        run.save_best(folder, weights | {"head/bias": weights["head/bias"] + 1}, meta)
    elif change == "settings":
        text = (folder / run_folder.CONFIG).read_text()
        values = json.loads(text)
        del values["seal"]
        (folder / run_folder.CONFIG).write_text(json.dumps(values | {"loss": {"loss": "focal"}}))
    elif change == "results":
        results.write_bytes(content.replace(b'"f1": 0', b'"f1": 9', 1))
    elif change == "picture":
        results.with_suffix(".png").unlink()
    capsys.readouterr()
    assert evaluate.main([str(folder), *(["--split", "val"] if change == "split" else [])]) == 0
    assert "written: " in capsys.readouterr().out
    assert (results.read_bytes() == content) == (change in ("results", "picture", "split"))
