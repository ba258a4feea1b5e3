"""Tests of pianoroll_tf.modeling.shared_validation: workers together find what one does; here they are threads."""

import numpy as np
import pytest
import tensorflow as tf
from team_threads import everyone
from tiny_run import tiny_config, tiny_records

from pianoroll_tf.data.opening import open_split
from pianoroll_tf.data.pipeline import evaluation_dataset
from pianoroll_tf.modeling.callbacks import SwapAverages
from pianoroll_tf.modeling.evaluation import model_evaluator
from pianoroll_tf.modeling.shared_validation import SharedValidation
from pianoroll_tf.modeling.training import compiled_model


@pytest.mark.parametrize(("workers", "stream"), [(1, False), (2, True), (4, False)])
def test_workers_together_find_what_one_does(tmp_path, workers, stream):
    """Of the averages of weights, which differ from the weights here; four workers have three pieces in two lanes."""
    config = tiny_config(tiny_records(tmp_path / "records"))
    corpus = open_split(tmp_path / "records", "val", stream)
    models = [compiled_model(config, 7, tf.distribute.get_strategy()) for _ in range(workers)]
    for model in models:
        for average in model.optimizer._model_variables_moving_average:
            average.assign(average * 0.5)
    weights = [weight.numpy() for weight in models[0].weights]

    def validate(team):
        shared = SharedValidation(team, models[team.cluster.rank], corpus, config)
        shared.run()
        shared.run()  # sums are those of the last call
        return shared.sums()

    found = everyone(workers, validate)
    for one, two in zip(weights, models[0].weights, strict=True):
        np.testing.assert_array_equal(one, two.numpy())
    swap = SwapAverages()
    swap.set_model(models[0])
    swap.on_epoch_end(0)
    expected = model_evaluator(models[0], config.loss).statistics(evaluation_dataset(corpus, config.dataset))
    for sums in found:
        assert (sums.steps, sums.others.keys()) == (expected.steps, expected.others.keys())
        assert sums.cells.sum() == expected.cells.sum()
        for name, value in sums.results().items():
            assert value == pytest.approx(expected.results()[name], rel=1e-4), name
