"""Tests of pianoroll_tf.modeling.checkpoints: everything is held, two are kept, damage is told and passed over."""

import errno
from pathlib import Path

import keras
import numpy as np
import pytest

from pianoroll_tf.errors import DamagedError
from pianoroll_tf.modeling.checkpoints import (
    CheckpointStore,
    NotFiniteError,
    best_weights,
    capture,
    restore,
    running_metrics,
)


def make_model(units=3):
    """A small compiled model with dropout, trained for a batch."""
    inputs = keras.Input((4,))
    hidden = keras.layers.Dropout(0.5, seed=1)(keras.layers.Dense(units, name="hidden")(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1, name="out")(hidden))
    model.compile(optimizer=keras.optimizers.Adam(0.1), loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


def train_some(model, batches):
    rng = np.random.default_rng(0)
    for _ in range(batches):
        model.train_on_batch(rng.normal(size=(8, 4)).astype("float32"), np.ones((8, 1), "float32"))


def test_a_restored_model_goes_on_bit_for_bit():
    model = make_model()
    train_some(model, 3)
    arrays = capture(model, {"hidden/kernel": np.ones(2)})
    train_some(model, 2)
    other = make_model()
    restore(other, arrays)
    train_some(other, 2)
    for one, two in zip(model.variables, other.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())
    for one, two in zip(model.optimizer.variables, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())
    assert int(other.optimizer.iterations) == 5
    assert best_weights(arrays)["hidden/kernel"].tolist() == [1, 1]


def test_running_metrics_are_those_of_the_epoch_at_work():
    model = make_model()
    train_some(model, 1)
    values = running_metrics(capture(model, {}))
    assert [value.tolist() for value in values] == [variable.numpy().tolist() for variable in model.metrics_variables]
    assert any(value.any() for value in values)


def test_arrays_of_another_model_are_refused_and_change_nothing():
    model, other = make_model(units=3), make_model(units=4)
    before = other.get_weights()
    with pytest.raises(DamagedError, match="must be of this run's model"):
        restore(other, capture(model, {}))
    for one, two in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_model_with_nan_is_not_captured(value):
    model = make_model()
    model.weights[0].assign(np.full(model.weights[0].shape, value))
    with pytest.raises(NotFiniteError, match=model.weights[0].path):
        capture(model, {})


def test_the_last_two_are_kept(tmp_path):
    store = CheckpointStore(tmp_path / "checkpoints")
    assert store.newest(print) is None
    for batch in (5, 10, 100, 1000000):
        store.save(batch, {"x": np.full(2, batch)}, {"epoch": batch})
    assert [path.name for path in store.paths()] == ["batch-000000000100.npz", "batch-000001000000.npz"]
    arrays, meta = store.newest(print)
    assert arrays["x"].tolist() == [1000000] * 2
    assert meta == {"epoch": 1000000}


@pytest.mark.parametrize("damage", ["cut", "bit", "empty"])
def test_a_damaged_checkpoint_is_told_and_the_one_before_is_used(tmp_path, damage):
    store, said = CheckpointStore(tmp_path), []
    for batch in (1, 2):
        store.save(batch, {"x": np.full(2, batch)}, {})
    newest = store.paths()[-1]
    content = newest.read_bytes()
    flipped = content[:50] + bytes([content[50] ^ 1]) + content[51:]
    newest.write_bytes({"cut": content[:-1], "bit": flipped, "empty": b""}[damage])
    assert store.newest(said.append)[0]["x"].tolist() == [1, 1]
    assert len(said) == 1
    assert newest.name in said[0]
    assert "damaged" in said[0]
    assert said[0].endswith("the checkpoint before it is read")
    assert [path.name for path in store.paths()] == ["batch-000000000001.npz"]
    assert newest.with_name(newest.name + ".damaged").exists()


def test_when_all_are_damaged_there_is_none(tmp_path):
    store, said = CheckpointStore(tmp_path), []
    for batch in (1, 2):
        store.save(batch, {}, {})
    for path in store.paths():
        path.write_bytes(b"no")
    assert store.newest(said.append) is None
    assert len(said) == 2
    assert said[0].endswith("the checkpoint before it is read")
    assert said[1].endswith("there is no other, so training starts anew")


def test_what_the_system_cannot_read_stays(tmp_path, monkeypatch):
    store = CheckpointStore(tmp_path)
    for batch in (1, 2):
        store.save(batch, {"x": np.full(2, batch)}, {})
    before = store.paths()

    def fail(_):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", fail)
        with pytest.raises(OSError, match="Input/output"):
            store.newest(print)
    assert store.paths() == before
    assert store.newest(print)[0]["x"].tolist() == [2, 2]
