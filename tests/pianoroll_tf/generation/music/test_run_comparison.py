"""The music of a run: the generated files are kept, and copied passages are looked for in its own training split."""

import shutil

import numpy as np
from tiny_export import not_measured
from tiny_run import random_piece, tiny_config, write_records

from pianoroll_tf.data.roll import as_states, to_dense
from pianoroll_tf.generation import archive
from pianoroll_tf.generation.music import comparison, run_comparison
from pianoroll_tf.modeling import run


def test_pieces_are_written_and_judged(tmp_path, monkeypatch):
    measured = []

    def calibrate(*_, **__):
        measured.append(not_measured())
        return measured[-1]

    monkeypatch.setattr(archive, "calibrate", calibrate)
    pieces = [random_piece(40, seed=seed) for seed in range(3)]
    records = write_records(tmp_path / "records", {"train": pieces, "val": pieces, "test": pieces})
    config = tiny_config(records)
    compared, picture = run_comparison.compare_run(run.run_model(config), config, tmp_path, records, "test", pieces=2)
    assert sorted(path.name for path in (tmp_path / "evaluation" / "music").iterdir()) == ["01.mid", "02.mid"]
    assert compared["pieces"] == {"generated": 2, "real": 3}
    assert 0 <= compared["ended"] <= 2
    assert compared["copying"]["real"]["longest"] == 40  # the test pieces are the training pieces
    assert compared["copying"]["generated"]["longest"] < 40
    assert compared["generated"]["steps"] <= 40  # no piece is longer than the longest of the training split
    assert picture[:4] == b"\x89PNG"
    again, _ = run_comparison.compare_run(run.run_model(config), config, tmp_path, records, "test", pieces=2)
    assert again == compared
    assert (tmp_path / "calibration.json").exists()
    assert len(measured) == 1


def test_copies_are_looked_for_in_the_training_split_of_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "calibrate", not_measured)
    pieces = [random_piece(40, seed=seed) for seed in range(6)]
    records = write_records(tmp_path / "records", {"train": pieces[:3], "val": pieces[:1], "test": pieces[3:4]})
    others = write_records(tmp_path / "others", {"train": pieces[3:], "val": [], "test": [pieces[0], pieces[5]]})
    config = tiny_config(records)
    words = run.run_model(config), config, tmp_path, others, "test", 2
    compared, _ = run_comparison.compare_run(*words)
    assert compared["copying"]["real"]["longest"] == 40  # the first is a training piece of the run
    assert compared["copying"]["real"]["median"] < 30  # the other is a training piece of the other records alone
    shutil.rmtree(records)
    compared, _ = run_comparison.compare_run(*words)
    assert compared["copying"] is None
    assert "not known, as the run's own records are not found" in comparison.comparison_table(compared)


def test_a_copy_of_a_training_piece_is_named(tmp_path):
    pieces = [as_states(random_piece(60, seed=seed)) for seed in range(4)]
    pieces[1][:, 82:] = 0  # so that it can be transposed by 2 semitones
    records = write_records(tmp_path / "records", {"train": pieces[:3], "val": [], "test": pieces[3:]})
    copy = np.roll(pieces[1][10:50], 2, axis=1)
    real = list(run_comparison.read_split(records, "test"))
    found = run_comparison.compare_with_training([copy], real, records)
    assert found["generated"]["longest"] >= 30
    training = list(run_comparison.read_split(records, "train"))
    np.testing.assert_array_equal(to_dense(training[found["most"]["source"]].roll), pieces[1])
    assert found["most"]["semitones"] == 2
    assert found["real"]["longest"] < 10
    table = comparison._copying_lines(found)
    assert table[-1].endswith(f"of {found['most']['name']}, 2 semitones higher")
