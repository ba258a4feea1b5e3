"""Tests of pianoroll_tf.modeling.callbacks, each alone; together they are tested with the training."""

import os
import signal
import threading

import numpy as np
import pytest
from tiny_run import tiny_config, tiny_records

from pianoroll_tf.modeling import run, run_folder
from pianoroll_tf.modeling.callbacks import Bookkeeping, Checkpointing, DivergedError, StoppedError, Termination
from pianoroll_tf.modeling.checkpoints import CheckpointStore
from pianoroll_tf.modeling.training import compiled_model, default_strategy
from pianoroll_tf.modeling.training_state import TrainingState


@pytest.fixture
def books(tmp_path):
    """The bookkeeping of a run of seven batches an epoch."""
    config = tiny_config(tiny_records(tmp_path / "records"))
    run_folder.open_run(tmp_path / "run", config)
    books = Bookkeeping(tmp_path / "run", config, TrainingState(), {})
    books.set_model(compiled_model(config, 7, default_strategy()))
    books.on_epoch_begin(0)
    return books


@pytest.fixture
def store(tmp_path):
    return CheckpointStore(tmp_path / "checkpoints")


def checkpointing(books, store, termination=None, every_seconds=999.0, running=()):
    callback = Checkpointing(store, books, 7, termination or Termination(), every_seconds, list(running))
    callback.set_model(books.model)
    return callback


def test_sigterm_is_noted_and_the_old_handler_comes_back():
    termination, before = Termination(), signal.getsignal(signal.SIGTERM)
    with termination.watched():
        assert not termination.requested
        os.kill(os.getpid(), signal.SIGTERM)
        assert termination.requested
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_training_in_a_thread_leaves_signals_alone():
    seen = []

    def watch():
        with Termination().watched():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=watch)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


def test_books_keep_the_best_weights(books, tmp_path):
    bias = books.model.get_layer("head").bias
    size = bias.shape[0]
    for epoch, (value, nll) in enumerate([(1.0, 5.0), (2.0, 4.0), (3.0, 4.5)]):
        bias.assign(np.full(size, value))
        books.on_train_batch_end(0, {"loss": 6.0})
        books.on_epoch_end(epoch, {"loss": 6.0, "val_nll": nll, "val_f1": 0.5})
    assert books.best["head/bias"].tolist() == [2.0] * size
    _, model = run.load_run(tmp_path / "run")
    assert model.get_layer("head").get_weights()[1].tolist() == [2.0] * size
    assert books.model.stop_training  # three epochs are all
    header, *rows = (tmp_path / "run" / run_folder.HISTORY).read_text().splitlines()
    assert header == "epoch,loss,learning_rate,val_nll,val_f1,seconds"
    assert [row.split(",")[3] for row in rows] == ["5.0", "4.0", "4.5"]


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_stops(books, loss):
    books.on_train_batch_end(0, {"loss": 1.0})
    with pytest.raises(DivergedError, match=r"the loss became (nan|inf) in epoch 1, step 2"):
        books.on_train_batch_end(1, {"loss": loss})


def test_a_validation_that_is_not_finite_stops(books):
    books.on_train_batch_end(0, {"loss": 1.0})
    with pytest.raises(DivergedError, match="the validation NLL became nan in epoch 1, step 1"):
        books.on_epoch_end(0, {"loss": 1.0, "val_nll": np.nan})


def test_checkpoints_come_when_they_are_due(books, store):
    seldom, often = checkpointing(books, store), checkpointing(books, store, every_seconds=0)
    books.state.batch = 3
    seldom.on_train_batch_end(2)
    assert store.paths() == []
    often.on_train_batch_end(2)
    assert [path.name for path in store.paths()] == ["batch-000000000003.npz"]
    books.state.batch = 7
    often.on_train_batch_end(6)  # is left to the end of the epoch
    assert len(store.paths()) == 1
    books.state.epoch, books.state.batch = 1, 0
    seldom.on_epoch_end(0)
    assert [path.name for path in store.paths()] == ["batch-000000000003.npz", "batch-000000000007.npz"]


def test_a_termination_saves_and_leaves(books, store):
    termination = Termination()
    callback = checkpointing(books, store, termination)
    books.state.batch = 2
    termination.requested = True
    with pytest.raises(StoppedError, match="stopped by SIGTERM, everything is saved; the same command resumes"):
        callback.on_train_batch_end(1)
    assert store.newest(print)[1]["batch"] == 2
    books.state.finished = "all is done"
    callback.on_epoch_end(0)  # nothing to resume


def test_an_interrupted_epoch_gets_its_running_loss_back(books, store):
    variables = books.model.metrics_variables
    callback = checkpointing(books, store, running=[np.full(variable.shape, 3.0) for variable in variables])
    callback.on_epoch_begin(0)
    assert not any(variable.numpy().any() for variable in variables)
    books.state.batch = 2
    callback.on_epoch_begin(0)
    assert variables
    assert all(float(variable.numpy()) == 3.0 for variable in variables)
