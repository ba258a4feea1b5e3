"""Tests of pianoroll_tf.modeling.tensorboard: pictures whose pixels can be counted, flat settings."""

import numpy as np
from tiny_run import tiny_config, tiny_records

from pianoroll_tf.modeling.tensorboard import hparams, roll_picture


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
