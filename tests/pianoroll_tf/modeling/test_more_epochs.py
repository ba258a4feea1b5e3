"""Tests of pianoroll_tf.modeling.more_epochs: another number of epochs is recorded, or refused with the reason."""

import numpy as np
import pytest
from tiny_run import tiny_config, tiny_records

from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling import run_folder
from pianoroll_tf.modeling.checkpoints import CheckpointStore
from pianoroll_tf.modeling.more_epochs import depends_on_epochs, settle
from pianoroll_tf.modeling.training_state import TrainingState
from pianoroll_tf.settings import to_dict


@pytest.fixture
def records(tmp_path):
    return tiny_records(tmp_path / "records")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run"


def settings(records, epochs, schedule="constant", **training):
    return tiny_config(records, optimizer={"schedule": schedule}, training={"epochs": epochs, **training})


def existing(folder, config, **state):
    """A run of seven batches per epoch in some state."""
    run_folder.open_run(folder, config)
    CheckpointStore(folder / run_folder.CHECKPOINTS).save(0, {"a": np.zeros(1)}, to_dict(TrainingState(**state)))


def test_more_epochs_are_written_with_those_before(folder, records):
    assert settle(settings(records, 4), folder, 7) == settings(records, 4)  # a new run
    existing(folder, settings(records, 4), epoch=4, finished="all 4 epochs are done")
    got = settle(settings(records, 6), folder, 7)
    assert got.training.epochs == 6
    assert got.provenance == {"epochs": [{"epochs": 4, "done": 4}]}
    assert run_folder.load_config(folder) == got  # with a checksum that fits
    assert settle(got, folder, 7) == got
    again = settle(tiny_config(records, optimizer={"schedule": "constant"}, training={"epochs": 5}), folder, 7)
    assert again.training.epochs == 5  # fewer than planned, but no fewer than done


def test_fewer_epochs_than_done_are_refused(folder, records):
    existing(folder, settings(records, 6), epoch=3, batch=2)
    with pytest.raises(UserError, match=r"--epochs must be >= 4, as \S+run has begun so many\. Received: --epochs 3"):
        settle(settings(records, 3), folder, 7)
    assert settle(settings(records, 4), folder, 7).training.epochs == 4


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_a_schedule_that_depends_on_the_epochs_is_named_with_the_cure(folder, records, schedule):
    existing(folder, settings(records, 4, schedule), epoch=4)
    before = (folder / run_folder.CONFIG).read_bytes()
    with pytest.raises(UserError) as error:
        settle(settings(records, 6, schedule), folder, 7)
    assert str(error.value) == (
        f"{folder} cannot continue from --epochs 4 to 6: its learning rate follows --schedule {schedule}, which "
        f"depends on the number of epochs. Start a new run in another folder with --init {folder} --epochs 2"
    )
    assert (folder / run_folder.CONFIG).read_bytes() == before


def test_before_the_first_batch_any_number_is_right(folder, records):
    run_folder.open_run(folder, settings(records, 4, "cosine"))
    assert settle(settings(records, 6, "cosine"), folder, 7).training.epochs == 6


def test_a_warm_up_that_is_cut_depends_on_the_epochs(records):
    config = settings(records, 4)  # a warm-up of 3 steps
    assert depends_on_epochs(config, 1, 2, steps_per_epoch=6) == ""
    reason = depends_on_epochs(config, 1, 2, steps_per_epoch=4)
    assert reason == "its warm-up of 3 steps is cut to half of the run, 2 steps with 1 epochs and 3 with 2"
    assert depends_on_epochs(config, 1, 2, steps_per_epoch=5)
    assert "linear" in depends_on_epochs(settings(records, 4, "linear"), 1, 2, steps_per_epoch=60)


@pytest.mark.parametrize("epoch", [3, 4])
def test_a_run_that_stopped_early_says_so_and_stays(caplog, folder, records, epoch):
    there = settings(records, 4, patience=2)
    existing(folder, there, epoch=epoch, waited=2, best_epoch=epoch - 2)
    assert settle(settings(records, 6, patience=2), folder, 7) == there
    (line,) = caplog.messages
    assert f"stopped early, after epoch {epoch} (no better validation NLL for 2 epochs)" in line
    assert f"--init {folder}" in line
    assert run_folder.load_config(folder) == there


def test_other_differences_are_left_to_the_run_folder(folder, records):
    existing(folder, settings(records, 4), epoch=4)
    other = settings(records, 6, seed=9)
    assert settle(other, folder, 7) == other
    with pytest.raises(UserError, match=r"training\.epochs is 4 there, 6 here; training\.seed is 5 there, 9 here"):
        run_folder.open_run(folder, other)
