"""The export command on a run that was trained for three tiny epochs."""

import contextlib
import dataclasses
import functools
import io

import pytest
from tiny_export import limited_files, not_measured
from tiny_run import tiny_config, tiny_records

from pianoroll_tf import export
from pianoroll_tf.generation import archive, saved_model


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    from pianoroll_tf.config import TrainingConfig
    from pianoroll_tf.modeling.training import train

    folder = tmp_path_factory.mktemp("run")
    config = tiny_config(tiny_records(folder / "records"))
    config = dataclasses.replace(config, training=TrainingConfig(epochs=1))
    train(config, folder / "run")
    return folder / "run"


def test_exports_once(run_dir, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(archive, "calibrate", functools.partial(archive.calibrate, rows=4, window_steps=32))
    folder = tmp_path / "saved_models" / "tiny"
    assert export.main([str(run_dir), str(folder)]) == 0
    printed = capsys.readouterr().out
    assert f"exported {folder / '1'}" in printed
    assert "active cells: data " in printed
    assert saved_model.load(folder).density > 0
    assert export.main([str(run_dir), str(folder)]) == 0
    assert f"{folder / '1'} holds this run already" in capsys.readouterr().out
    assert [path.name for path in folder.iterdir()] == ["1"]


@pytest.mark.parametrize("limit", [0, 1, 500, 10_000, 30_000, 300_000])
def test_full_disk_leaves_nothing(run_dir, tmp_path, limit, monkeypatch):
    """At most `limit` bytes a file: TensorFlow's writers of weights and graph fail as Python's do."""
    monkeypatch.setattr(archive, "calibrate", not_measured)
    words = [str(run_dir), str(tmp_path / "m")]
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()) as printed,
        limited_files(limit),
    ):
        assert export.main(words) == 1
    assert "File too large" in printed.getvalue()
    assert "unexpected" not in printed.getvalue()
    assert printed.getvalue().count("\n") == 1
    assert list((tmp_path / "m").iterdir()) == []
    assert export.main(words) == 0
    saved_model.read_config(tmp_path / "m" / "1")


def test_no_run(tmp_path, capsys):
    assert export.main([str(tmp_path), str(tmp_path / "m")]) == 1
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert str(tmp_path) in printed.err
    assert not (tmp_path / "m").exists()


def test_output_is_a_file(run_dir, tmp_path, capsys):
    (tmp_path / "m").touch()
    assert export.main([str(run_dir), str(tmp_path / "m")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
