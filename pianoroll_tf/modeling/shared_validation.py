"""Validation by all workers of a training, each of which evaluates some of the lanes."""

import keras

from pianoroll_tf.config import RunConfig
from pianoroll_tf.data.pipeline import Corpus, evaluation_dataset
from pianoroll_tf.data.stream import Stream
from pianoroll_tf.modeling.callbacks import SwapAverages
from pianoroll_tf.modeling.evaluation import Evaluator, model_evaluator
from pianoroll_tf.modeling.metrics import Statistics
from pianoroll_tf.modeling.team import Team


class SharedValidation:
    """Sums over the validation split, added up over the workers.

    Args:
        team: The workers.
        model: Their model; the averages of its weights are judged, where the optimizer keeps them.
        corpus: The split.
        config: The run's settings.
    """

    def __init__(self, team: Team, model: keras.Model, corpus: Corpus | Stream, config: RunConfig) -> None:
        self._team, self._model, self._loss = team, model, config.loss
        self._dataset = evaluation_dataset(corpus, config.dataset, (team.cluster.rank, team.size))
        self._evaluator: Evaluator | None = None
        self._swap = SwapAverages()
        self._swap.set_model(model)
        self._sums = Statistics()

    def run(self) -> None:
        """Evaluates the model; to be called by all workers."""
        self._evaluator = self._evaluator or model_evaluator(self._model, self._loss)
        own = Statistics()
        if self._dataset.element_spec["reset"].shape[0]:  # there may be fewer lanes than workers
            self._swap.on_epoch_end(0)
            own = self._evaluator.statistics(self._dataset)
            self._swap.on_epoch_end(0)
        self._sums = Statistics.of_vector(self._team.add(own.vector()))

    def sums(self) -> Statistics:
        """Those of the last call of `run`, over the whole split, on every worker."""
        return self._sums
