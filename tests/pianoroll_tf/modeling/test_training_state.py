"""The state of a training: what is best, when it ends, its history as CSV."""

import pytest

from pianoroll_tf.modeling.training_state import TrainingState, write_history
from pianoroll_tf.settings import from_dict, to_dict


def test_an_epoch_is_best_only_if_its_objective_is_lower():
    state = TrainingState()
    assert [state.end_epoch({"val_nll": nll}, 9, 2) for nll in (3.0, 2.0, 2.0, 2.5)] == [True, True, False, False]
    assert (state.best_nll, state.best_epoch, state.waited) == (2.0, 2, 2)
    assert state.finished == "no better validation NLL for 2 epochs"


def test_the_last_epoch_ends_the_run_whatever_the_patience():
    state = TrainingState()
    assert state.end_epoch({"val_nll": 1.0}, epochs=1, patience=0)
    assert state.finished == "all 1 epochs are done"


def test_a_state_survives_json():
    state = TrainingState()
    state.end_epoch({"val_nll": 1.0, "loss": 2.0}, 9, 2)
    assert from_dict(TrainingState, to_dict(state)) == state
    with pytest.raises(ValueError, match="Received: lost"):
        from_dict(TrainingState, to_dict(state) | {"lost": 1})


def test_history_keeps_all_digits_and_leaves_out_what_is_not_finite(tmp_path):
    path = tmp_path / "history.csv"
    write_history(path, [{"epoch": 1, "loss": 1 / 3}, {"epoch": 2, "loss": float("nan")}])
    assert path.read_text() == "epoch,loss\n1,0.3333333333333333\n2,\n"
    write_history(path, [])
    assert path.read_text() == "epoch\n"
