"""Tests of pianoroll_tf.modeling.start: a run folder opened, and the same start in a process that has no folder."""

import numpy as np
import pytest
import tensorflow as tf
from tiny_run import tiny_config, tiny_records

from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling import run, run_folder
from pianoroll_tf.modeling.checkpoints import capture
from pianoroll_tf.modeling.start import Start, open_start
from pianoroll_tf.modeling.training import compiled_model
from pianoroll_tf.modeling.training_state import TrainingState
from pianoroll_tf.settings import to_dict


@pytest.fixture
def config(tmp_path):
    return tiny_config(tiny_records(tmp_path / "records"))


def model_of(config):
    return compiled_model(config, 7, tf.distribute.get_strategy())


def opened(config, folder, init=None):
    folder.mkdir(exist_ok=True)
    return open_start(config, folder, init, streamed=False, steps_per_epoch=7)


def test_a_new_run_starts_from_nothing_and_writes_its_settings(tmp_path, config):
    start = opened(config, tmp_path / "run")
    assert (start.state, start.best, start.arrays, start.initial) == (TrainingState(), {}, {}, {})
    assert run_folder.load_config(tmp_path / "run") == config
    model = model_of(config)
    before = [weight.numpy() for weight in model.weights]
    start.assign(model)
    for one, two in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(one, two.numpy())


def test_a_checkpoint_is_told_to_a_process_without_the_folder(tmp_path, config):
    start, model = opened(config, tmp_path / "run"), model_of(config)
    model.get_layer("head").bias.assign(np.full(233, 0.5))
    best = {"head/bias": np.zeros(3)}
    start.store.save(9, capture(model, best), to_dict(TrainingState(epoch=1, batch=2)))
    start = opened(config, tmp_path / "run")
    assert (start.state, start.best.keys()) == (TrainingState(epoch=1, batch=2), best.keys())
    there = Start.from_message(tmp_path / "nowhere", 7, *start.message())
    assert (there.config, there.state, there.best) == (config, start.state, {})
    other = model_of(config)
    there.assign(other)
    assert (other.get_layer("head").bias.numpy() == 0.5).all()
    assert not (tmp_path / "nowhere").exists()


def test_the_weights_of_a_warm_start_are_told_too(tmp_path, config):
    origin, model = opened(config, tmp_path / "origin").folder, model_of(config)
    model.get_layer("head").bias.assign(np.full(233, 0.25))
    run.save_best(origin, run.weight_arrays(model), {"epoch": 1, "val_nll": 2.0})
    start = opened(config, tmp_path / "run", origin)
    there, other = Start.from_message(tmp_path, 7, *start.message()), model_of(config)
    there.assign(other)
    assert (other.get_layer("head").bias.numpy() == 0.25).all()


def test_each_change_of_the_number_of_workers_is_recorded_once(tmp_path, config):
    for workers in (2, 2, 4):
        opened(config, tmp_path / "run").record("workers", workers)
    entries = [{"workers": workers, "epoch": 0, "batch": 0} for workers in (2, 4)]
    assert run_folder.load_config(tmp_path / "run").provenance == {"workers": entries}


def test_another_run_is_refused(tmp_path, config):
    opened(config, tmp_path / "run")
    with pytest.raises(UserError, match=r"training\.seed is 5 there, 6 here"):
        opened(tiny_config(tmp_path / "records", training={"seed": 6}), tmp_path / "run")
