"""A search without training: settings of a small space, and trials whose result follows from their settings."""

import dataclasses
from pathlib import Path

from pianoroll_tf import config
from pianoroll_tf.settings import to_dict
from pianoroll_tf.storage.checksummed_json import write_checksummed
from tuner.search.settings import SearchSettings
from tuner.search.space import Choice, Range, make_space
from tuner.search.trials import OUTCOME, RUN, Outcome

SMALL = {
    "gru_units": Choice((4, 6)),
    "gru_layers": 1,
    "conv_layers": 1,
    "conv_filters": Choice((3, 4)),
    "conv_kernel": 3,
    "learning_rate": Range(1e-3, 1e-2, log=True),
    "warmup_steps": 0,
    "window_steps": 16,
    "batch_size": 4,
    "steps_per_epoch": 3,
}


def search_settings(
    tuner: str = "random", objective: str = "nll", epochs: int = 9, seed: int = 0, **changes: object
) -> SearchSettings:
    """Settings of a search that reads no records."""
    training = config.TrainingConfig(epochs=epochs, seed=seed, objective=objective)
    base = config.RunConfig(training=training)
    return SearchSettings(tuner=tuner, base=base, space=make_space(SMALL | changes))


def objective_of(settings: config.RunConfig, epochs: int) -> float:
    """The objective of a fake trial: lower with more epochs, and with a learning rate near 0.003."""
    return abs(settings.optimizer.learning_rate - 0.003) * 100 + settings.model.dropout + 1.0 / epochs


def fake_run(settings, folder: Path, until=None, origin=None, callbacks=(), cause="") -> Outcome:
    """Replaces `run_trial`: writes the files of a run without training."""
    until = until or settings.training.epochs
    (folder / RUN).mkdir(parents=True, exist_ok=True)
    write_checksummed(folder / RUN / "config.json", to_dict(settings))
    (folder / RUN / "best.npz").write_text(folder.name)
    value = objective_of(settings, until)
    outcome = Outcome(until=until, cause=cause, objective=value, nll=value, best_epoch=until, epochs=until, seconds=6.0)
    write_checksummed(folder / OUTCOME, dataclasses.asdict(outcome))
    return outcome
