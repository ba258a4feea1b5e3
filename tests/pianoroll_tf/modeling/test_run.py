"""Tests of pianoroll_tf.modeling.run: the model of a run is made, saved and loaded; what is wrong is named."""

import dataclasses

import numpy as np
import pytest
from tiny_run import tiny_config, tiny_records

from pianoroll_tf.config import LossConfig, ModelConfig, OptimizerConfig
from pianoroll_tf.errors import DamagedError, UserError
from pianoroll_tf.modeling import run, run_folder
from pianoroll_tf.modeling.gru import RECURRENT_LAYERS
from pianoroll_tf.modeling.losses import LOSSES, posterior_logits
from pianoroll_tf.modeling.network import start_bias
from pianoroll_tf.modeling.optimizers import OPTIMIZERS, SCHEDULES


@pytest.fixture
def records(tmp_path):
    return tiny_records(tmp_path / "records")


@pytest.fixture
def trained(tmp_path, records):
    """A run folder with best weights, and the model they are of."""
    config = tiny_config(records)
    run_folder.open_run(tmp_path / "run", config)
    model = run.run_model(config)
    run.save_best(tmp_path / "run", run.weight_arrays(model), {"epoch": 1})
    return tmp_path / "run", config, model


def test_a_run_is_loaded_as_it_was_saved(trained):
    folder, config, model = trained
    loaded_config, loaded = run.load_run(folder)
    assert loaded_config == config
    for one, two in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), two.numpy())


def test_a_run_in_bfloat16_is_loaded_in_float32(tmp_path, records):
    config = tiny_config(records, training={"precision": "bfloat16"})
    run_folder.open_run(tmp_path / "run", config)
    run.save_best(tmp_path / "run", run.weight_arrays(run.run_model(config)), {})
    _, loaded = run.load_run(tmp_path / "run")
    assert {layer.compute_dtype for layer in loaded.layers} == {"float32"}


def test_damaged_weights_are_noticed(trained):
    folder, _, model = trained
    content = bytearray((folder / run_folder.BEST).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / run_folder.BEST).write_bytes(content)
    with pytest.raises(UserError, match=r"best\.npz is damaged"):
        run.load_run(folder)
    weights = run.weight_arrays(model)
    weights.pop("head/bias")
    run.save_best(folder, weights, {})
    with pytest.raises(DamagedError, match="names or shapes differ"):
        run.load_run(folder)


@pytest.mark.parametrize("loss", [{}, {"loss": "focal", "gamma": 2.0}, {"loss": "focal", "gamma": 1.0, "alpha": 0.25}])
def test_a_fresh_model_starts_at_the_prior_whatever_the_loss(records, loss):
    config = tiny_config(records, loss=loss)
    bias = run.run_model(config).get_layer("head").bias
    started = posterior_logits(config.loss, bias[config.model.head_units :]).numpy()
    np.testing.assert_allclose(started, start_bias(config.data.pitch_frequency, True), rtol=1e-3)


@pytest.mark.parametrize(
    ("section", "name"),
    [
        ("loss", "loss"),
        ("optimizer", "optimizer"),
        ("optimizer", "schedule"),
        ("model", "recurrent"),
        ("model", "head"),
    ],
)
def test_an_entry_that_no_table_has_is_named(records, section, name):
    config = tiny_config(records, **{section: {name: "magic"}})
    with pytest.raises(ValueError, match=rf"{name} must be one of \w+.*\. Received: {name}='magic'"):
        run.check_choices(config)


def test_settings_name_every_entry_of_every_table():
    tables = {"loss": LOSSES, "optimizer": OPTIMIZERS, "schedule": SCHEDULES, "recurrent": RECURRENT_LAYERS}
    settings = [*dataclasses.fields(LossConfig), *dataclasses.fields(OptimizerConfig), *dataclasses.fields(ModelConfig)]
    for name, table in tables.items():
        (field,) = (field for field in settings if field.name == name)
        assert field.metadata["help"].rpartition(": ")[2].split(", ") == list(table)
        run.check_entry(name, field.default, table)
