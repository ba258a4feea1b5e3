"""The export of a run folder: once, with facts about the model."""

import pytest
from tiny_export import not_measured
from tiny_run import tiny_config, tiny_records

from pianoroll_tf.generation import archive, saved_model
from pianoroll_tf.generation.run_export import export_run


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    from pianoroll_tf.modeling.training import train

    folder = tmp_path_factory.mktemp("run")
    train(tiny_config(tiny_records(folder / "records"), training={"epochs": 1}), folder / "run", quiet=True)
    return folder / "run"


def test_a_run_is_exported_once_for_each_calibration(run_dir, tmp_path, monkeypatch):
    measured, announced = [], []

    def measure(*args, **settings):
        measured.append(settings)
        return not_measured()

    monkeypatch.setattr(archive, "calibrate", measure)
    done = export_run(run_dir, tmp_path / "m", lambda: announced.append(True))
    assert (done.version, done.is_new, len(announced)) == (tmp_path / "m" / "1", True, 1)
    assert saved_model.read_config(done.version)["worse_than_copying"] == done.worse_than_copying
    assert not export_run(run_dir, tmp_path / "m").is_new
    quick = export_run(run_dir, tmp_path / "m", rows=4)
    assert (quick.version.name, quick.is_new) == ("2", True)
    assert measured == [{}, {"rows": 4}]
