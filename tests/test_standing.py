"""Tests of pianoroll_tf.modeling.standing: best, patience, the end of a run, history."""

import json

import pytest

from pianoroll_tf.modeling.standing import Standing, write_history


def test_the_best_epoch_is_the_first_of_the_lowest():
    standing = Standing()
    for nll in (3.0, 2.0, 2.5, 2.0):
        standing.end_epoch({"val_nll": nll}, epochs=10, patience=0)
    assert (standing.best_nll, standing.best_epoch, standing.waited) == (2.0, 2, 2)
    assert not standing.finished


def test_a_run_ends_after_its_last_epoch_or_its_patience():
    standing = Standing(batch=7)
    assert standing.end_epoch({"val_nll": 1.0}, epochs=1, patience=1)
    assert standing.finished == "all 1 epochs are done"
    assert standing.batch == 0
    standing = Standing()
    for nll in (1.0, 2.0, 3.0):
        assert not standing.finished
        standing.end_epoch({"val_nll": nll}, epochs=10, patience=2)
    assert standing.finished == "no better validation NLL for 2 epochs"


def test_a_standing_survives_json():
    standing = Standing()
    standing.end_epoch({"loss": 0.1, "val_nll": 1 / 3, "seconds": 2.0}, epochs=9, patience=1)
    again = Standing.from_meta(json.loads(json.dumps(standing.to_meta())))
    assert again == standing
    assert list(again.rows[0]) == ["epoch", "loss", "val_nll", "seconds"]
    with pytest.raises(ValueError, match="Standing must hold only"):
        Standing.from_meta({"epochs": 1})


def test_history_keeps_all_digits(tmp_path):
    path = tmp_path / "history.csv"
    write_history(path, [{"epoch": 1, "loss": 1 / 3}, {"epoch": 2, "loss": float("nan")}])
    assert path.read_text() == f"epoch,loss\n1,{1 / 3!r}\n2,\n"
    write_history(path, [])
    assert path.read_text() == "epoch\n"
