"""Tests of pianoroll_tf.generation.training_samples: picture and sound are in the log and are the model's."""

import numpy as np
import tensorflow as tf
from tensorboard_logs import summaries
from tiny_run import tiny_config, tiny_records

from pianoroll_tf.generation.training_samples import SECONDS, TrainingSamples
from pianoroll_tf.modeling.run import run_model


def test_each_epoch_leaves_a_picture_and_a_sound(tmp_path):
    config = tiny_config(tiny_records(tmp_path / "records"))
    callback = TrainingSamples(tmp_path / "logs", config)
    callback.set_model(run_model(config))
    callback.on_epoch_end(0)
    callback.on_epoch_end(1)
    found = summaries(tmp_path / "logs")
    assert [step for step, _ in found["generated"]] == [1, 1, 2, 2]
    picture = tf.io.decode_png(found["generated"][0][1][2]).numpy()
    assert picture.shape == (84 * 4, SECONDS * 8 * 4, 1)
    share = (picture < 255).mean()
    assert 0.02 < share < 0.1  # density of the records: 0.05
    sound, rate = tf.audio.decode_wav(found["generated"][1][1][0][0])
    assert rate == 44100
    assert np.abs(sound).max() > 0.5


def test_silence_is_a_picture_without_a_sound(tmp_path):
    config = tiny_config(tiny_records(tmp_path / "records"))
    callback = TrainingSamples(tmp_path / "logs", config)
    callback.set_model(run_model(config))
    head = callback.model.get_layer("head")
    head.kernel.assign(0 * head.kernel)
    head.bias.assign(0 * head.bias - 100)
    callback.on_epoch_end(0)
    assert len(summaries(tmp_path / "logs")["generated"]) == 1
