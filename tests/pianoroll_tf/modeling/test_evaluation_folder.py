"""Results in the folder of a run: found while nothing has changed, and what their table shows."""

from pianoroll_tf.modeling.evaluation_folder import COLUMNS, LABELS, read_results, table, write_results


def test_a_model_worse_than_copying_is_marked():
    numbers = dict.fromkeys(COLUMNS, 0.5)
    results = {"split": "test", "pieces": 2, "steps": 9, **dict.fromkeys(LABELS, numbers)}
    results |= {"note_frequency": numbers | {"nll": 0.9}}
    assert "It predicts" not in table(results)
    worse = table(results | {"model": numbers | {"nll": 0.6}}).splitlines()[-1]
    assert worse.startswith("It predicts worse than copying the last step (0.5000): train longer (--epochs)")
    none = table(results | {"model": numbers | {"density_predicted": 0.1}}).splitlines()[-1]
    assert none.startswith("It predicts almost silence: 10.0 % of the cells, where 50.0 % sound")


def test_a_number_that_is_missing_is_a_dash():
    numbers = dict.fromkeys(COLUMNS, 0.5)
    del numbers["nll_strikes"]
    lines = table({"split": "val", "pieces": 1, "steps": 1, **dict.fromkeys(LABELS, numbers)}).splitlines()
    assert lines[1].split()[2:5] == ["0.5000", "–", "0.5000"]


def test_results_are_read_while_they_belong_to_the_subject_and_are_complete(tmp_path):
    subject = {"weights": "12"}
    results = {"model": {"nll": 0.5}, "subject": subject}
    assert read_results(tmp_path, "test", subject) is None
    write_results(tmp_path, "test", results, b"picture")
    assert read_results(tmp_path, "test", subject) == results
    assert read_results(tmp_path, "test", {"weights": "13"}) is None
    assert read_results(tmp_path, "val", subject) is None
    (tmp_path / "test.png").unlink()
    assert read_results(tmp_path, "test", subject) is None
    write_results(tmp_path, "test", results, b"picture")
    (tmp_path / "test.json").write_bytes((tmp_path / "test.json").read_bytes().replace(b"0.5", b"0.6"))
    assert read_results(tmp_path, "test", subject) is None
