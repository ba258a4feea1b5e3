"""Tests of pianoroll_tf.modeling.tensorboard: pictures whose pixels can be counted, and what a run's log holds."""

import csv

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.plugins.hparams import metadata
from tensorboard_logs import summaries
from tensorflow.python.summary.summary_iterator import summary_iterator
from tiny_run import tiny_config, tiny_records

from pianoroll_tf.data.pipeline import evaluation_dataset, load_corpus
from pianoroll_tf.modeling import run_folder
from pianoroll_tf.modeling.losses import posterior_logits
from pianoroll_tf.modeling.run import load_model
from pianoroll_tf.modeling.tensorboard import TensorBoard, hparams, roll_picture, scalar_tag
from pianoroll_tf.modeling.training import train


def test_high_pitches_are_above_and_certainty_is_black():
    roll, probability = np.zeros((2, 84)), np.zeros((2, 84))
    roll[0, 83] = 1
    probability[1, 0] = 0.6
    picture = roll_picture(roll, probability)[..., 0]
    assert picture.shape == (4 * (84 + 4 + 84), 8)
    assert (picture[:4, :4] == 0).all()
    assert (picture[:4, 4:] == 255).all()
    assert (picture[-4:, 4:] == 102).all()
    assert (picture[4 * 84 : 4 * 88] == 128).all()


def test_settings_are_flat_and_without_none(tmp_path):
    values = hparams(tiny_config(tiny_records(tmp_path / "records")))
    assert values["model.gru_units"] == 6
    assert values["loss.alpha"] == "none"
    assert not any(name.startswith("data.") for name in values)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of two epochs, and its settings."""
    folder = tmp_path_factory.mktemp("run")
    config = tiny_config(tiny_records(folder / "records"), training={"epochs": 2})
    train(config, folder / "run", quiet=True)
    return folder / "run", config


def test_the_log_has_the_scalars_of_the_history(trained):
    folder, _ = trained
    found = summaries(folder / run_folder.TENSORBOARD)
    with (folder / run_folder.HISTORY).open() as file:
        rows = list(csv.DictReader(file))
    for name in set(rows[0]) - {"epoch", "seconds"}:
        assert [step for step, _ in found[scalar_tag(name)]] == [1, 2]
        np.testing.assert_allclose(
            [float(v) for _, v in found[scalar_tag(name)]], [float(row[name]) for row in rows], rtol=1e-6
        )


def test_the_log_has_a_validation_window_above_its_prediction(trained):
    folder, config = trained
    pictures = summaries(folder / run_folder.TENSORBOARD)["quality/validation roll above prediction"]
    assert [step for step, _ in pictures] == [1, 2]
    targets = next(iter(evaluation_dataset(load_corpus(config.data.path, "val"), config.dataset)))["targets"]
    for _, (_, _, content) in pictures:
        picture = tf.io.decode_png(content).numpy()
        steps = config.dataset.window_steps
        assert picture.shape == (4 * (84 + 4 + 84), 4 * steps, 1)
        np.testing.assert_array_equal(picture[: 4 * 84 : 4, ::4, 0] == 0, targets[0].numpy().T[::-1] != 0)
        predicted = picture[4 * 88 :: 4, ::4, 0]
        assert len(np.unique(predicted)) > 2


def test_the_prediction_is_traced_once_and_follows_the_weights(trained, tmp_path):
    folder, config = trained
    validation = evaluation_dataset(load_corpus(config.data.path, "val"), config.dataset)
    model = load_model(folder, config)
    callback = TensorBoard(tmp_path, validation, config)
    callback.set_model(model)
    batch = next(iter(validation))
    window = {name: batch[name][:1] for name in ("inputs", "clock", "targets")}
    found = []
    for factor in (1.0, -2.0):
        model.set_weights([factor * weights for weights in model.get_weights()])
        found.append(callback._predict().numpy())
        eager = tf.sigmoid(posterior_logits(config.loss, model(window, training=False)))[0]
        np.testing.assert_allclose(found[-1], eager, atol=1e-5)
    assert np.abs(found[1] - found[0]).max() > 0.01
    assert callback._predict.experimental_get_tracing_count() == 1


def test_the_log_has_the_settings(trained):
    folder, config = trained
    (settings,) = (
        metadata.parse_session_start_info_plugin_data(value.metadata.plugin_data.content)
        for path in (folder / run_folder.TENSORBOARD).glob("*.tfevents.*")
        for event in summary_iterator(str(path))
        for value in event.summary.value
        if value.tag == metadata.SESSION_START_INFO_TAG
    )
    assert settings.hparams.keys() == hparams(config).keys()
    assert settings.hparams["model.gru_units"].number_value == 6
    assert settings.hparams["loss.loss"].string_value == "bce"
