"""Tests of pianoroll_tf.modeling.run: the folder is made, recognised, loaded; what is wrong is named."""

import dataclasses

import numpy as np
import pytest
from tiny_run import random_piece, tiny_config, tiny_records, write_records

from pianoroll_tf.cli import UserError
from pianoroll_tf.modeling import run
from pianoroll_tf.modeling.arrays import DamagedError
from pianoroll_tf.modeling.losses import posterior_logits
from pianoroll_tf.modeling.network import prior_log_odds


@pytest.fixture
def records(tmp_path):
    return tiny_records(tmp_path / "records")


@pytest.fixture
def trained(tmp_path, records):
    """A run folder with best weights, and the model they are of."""
    config = tiny_config(records)
    run.open_run(tmp_path / "run", config)
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
    run.open_run(tmp_path / "run", config)
    run.save_best(tmp_path / "run", run.weight_arrays(run.run_model(config)), {})
    _, loaded = run.load_run(tmp_path / "run")
    assert {layer.compute_dtype for layer in loaded.layers} == {"float32"}


def test_data_facts_are_those_of_the_training_split(tmp_path):
    rolls = [random_piece(steps, seed=steps) for steps in (10, 30)]
    records = write_records(tmp_path / "records", {"train": rolls, "val": [np.ones((9, 84), np.uint8)]})
    _, facts = run.data_facts(records)
    together = np.concatenate(rolls)
    assert facts.density == pytest.approx(together.mean())
    np.testing.assert_allclose(facts.pitch_frequency, together.mean(axis=0))
    assert len(facts.manifest_sha256) == 64


def test_records_without_training_pieces_are_refused(tmp_path):
    records = write_records(tmp_path / "records", {"train": [], "val": [random_piece(4, 0)]})
    with pytest.raises(UserError, match="training split is empty"):
        run.data_facts(records)


def test_an_existing_run_with_the_same_settings_is_opened(trained):
    folder, config, _ = trained
    before = (folder / run.CONFIG).read_bytes()
    run.open_run(folder, config)
    assert (folder / run.CONFIG).read_bytes() == before


def test_records_may_be_moved(trained):
    folder, config, _ = trained
    moved = dataclasses.replace(config, data=dataclasses.replace(config.data, path="/elsewhere"))
    run.open_run(folder, moved)
    assert run.load_config(folder).data.path == "/elsewhere"


def test_other_settings_are_refused_and_named(trained, records):
    folder, _, _ = trained
    other = tiny_config(records, training={"seed": 6}, model={"gru_units": 8})
    with pytest.raises(UserError, match=r"model\.gru_units is 6 there, 8 here; training\.seed is 5 there, 6 here"):
        run.open_run(folder, other)


def test_other_records_are_refused(tmp_path, trained):
    folder, _, _ = trained
    others = write_records(tmp_path / "others", {"train": [random_piece(9, 1)], "val": [random_piece(9, 2)]})
    with pytest.raises(UserError, match="other settings: the records are others"):
        run.open_run(folder, tiny_config(others))


def test_a_folder_of_something_else_is_refused(tmp_path, records):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="must be a folder"):
        run.open_run(tmp_path / "file", tiny_config(records))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match=r"must be a run or an empty folder"):
        run.open_run(tmp_path / "folder", tiny_config(records))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}x", '{"epochs": 1}', '{"training": {"epochs": 0}}', '{"model": 3}'])
def test_a_damaged_config_is_named(trained, text):
    folder, _, _ = trained
    (folder / run.CONFIG).write_text(text)
    with pytest.raises(UserError, match=r"config\.json is damaged"):
        run.load_run(folder)


def test_a_folder_without_a_run_or_a_model_is_named(tmp_path, records):
    with pytest.raises(UserError, match=r"must be the folder of a run"):
        run.load_run(tmp_path)
    run.open_run(tmp_path / "run", tiny_config(records))
    with pytest.raises(UserError, match="no epoch has ended yet"):
        run.load_run(tmp_path / "run")


def test_damaged_weights_are_noticed(trained):
    folder, _, model = trained
    content = bytearray((folder / run.BEST).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / run.BEST).write_bytes(content)
    with pytest.raises(UserError, match=r"best\.npz is damaged"):
        run.load_run(folder)
    weights = run.weight_arrays(model)
    weights.pop("logits/bias")
    run.save_best(folder, weights, {})
    with pytest.raises(DamagedError, match="names or shapes differ"):
        run.load_run(folder)


@pytest.mark.parametrize("loss", [{}, {"loss": "focal", "gamma": 2.0}, {"loss": "focal", "gamma": 1.0, "alpha": 0.25}])
def test_a_fresh_model_starts_at_the_prior_whatever_the_loss(records, loss):
    config = tiny_config(records, loss=loss)
    bias = run.run_model(config).get_layer("logits").bias
    started = posterior_logits(config.loss, bias).numpy()
    np.testing.assert_allclose(started, prior_log_odds(config.data.pitch_frequency), rtol=1e-3)
