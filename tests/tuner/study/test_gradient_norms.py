"""The norm of the gradient of every step, against gradients counted by hand, through kills and in parts of an epoch."""

import keras
import numpy as np
import pytest

from tuner.study.gradient_norms import GradientNorms, read_norms


def fit(path, steps, start=0, callback=None):
    """Fits y = a x + b to (3, 0), one sample per step, from a = 4 and b = 5 and with a rate of 0.

    The gradient of (3 a + b - 0)^2 is 2 * 17 * (3, 1), its norm 34 sqrt(10).
    """
    layer = keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(4), bias_initializer="ones")
    model = keras.Sequential([keras.Input((1,)), layer])
    layer.bias.assign([5.0])
    optimizer = keras.optimizers.SGD(learning_rate=0.0, global_clipnorm=1.0)
    model.compile(optimizer=optimizer, loss="mse", jit_compile=False)
    optimizer.build(model.trainable_variables)
    optimizer.iterations.assign(start)
    callback = callback or GradientNorms(path)
    data = np.array([[3.0]] * steps)
    model.fit(data, np.zeros((steps, 1)), batch_size=1, shuffle=False, verbose=0, callbacks=[callback])
    return callback


def test_the_norm_is_of_the_gradient_before_it_is_clipped(tmp_path):
    path = tmp_path / "norms.csv"
    fit(path, steps=3).close()
    assert [step for step, _ in read_norms(path)] == [1, 2, 3]
    assert [norm for _, norm in read_norms(path)] == pytest.approx([34 * 10**0.5] * 3)
    assert path.read_text().startswith("step,norm\n1,107.5")


def test_lines_after_the_checkpoint_and_half_lines_are_dropped(tmp_path):
    path = tmp_path / "norms.csv"
    path.write_text("step,norm\n1,1.0\n2,2.0\n3,3.0\n4,4.")
    assert read_norms(path) == [(1, 1.0), (2, 2.0), (3, 3.0)]
    fit(path, steps=2, start=2).close()
    assert [step for step, _ in read_norms(path)] == [1, 2, 3, 4]
    assert [norm for _, norm in read_norms(path)][:2] == [1.0, 2.0]


def test_no_file_no_norms(tmp_path):
    assert read_norms(tmp_path / "none.csv") == []
    GradientNorms(tmp_path / "none.csv").close()  # a training that never began
