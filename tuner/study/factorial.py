"""The factorial design of a study: its runs, their settings and their order. Needs no framework.

**Fair tuning.** Every combination gets the same number of tuning runs, of the same length, with the same seed. Run k
has the same learning rate in all of them, at even ratios between the lowest and the highest. A combination whose loss
or optimizer has settings that others lack (gamma and alpha of the focal loss, weight decay of AdamW) gets no additional
runs for them: each of its learning rates is combined with another value of these, in the fixed order of
`pianoroll_tf.choices`. So a loss with more settings must be tuned within the same budget, as its user would have to.

**Paired runs.** For each seed, all combinations share initial weights, windows, transposition and dropout. The output
bias of a loss that is not proper starts at another value, whose posterior is the same: the frequency of each pitch.

**Ablations** have the settings of their parent but for one.
"""

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pianoroll_tf.choices import CHOICES, own_settings
from pianoroll_tf.config import (
    DataFacts,
    LossConfig,
    OptimizerConfig,
    RecordsConfig,
    RunConfig,
    TrainingConfig,
    as_fields,
)
from pianoroll_tf.settings import check_entry
from tuner.study.settings import RAW, RUNS, TUNING, ZERO_BIAS, AllSettings, Combination, StudyConfig

TABLES = ("loss", "optimizer")  # a combination is an entry of each
TUNING_SEED = 1_000_003  # not a seed of the second stage, so that tuning does not fit the noise that is measured later

# Settings that are listed for the tuning runs of every study, whatever it compares
SETTINGS = ("learning_rate", "weight_decay", "gamma", "alpha")


def check_choices(study: StudyConfig) -> None:
    """Raises ValueError unless the losses and optimizers to compare are in the tables."""
    for loss in study.losses:
        check_entry("losses", loss, CHOICES["loss"])
    for optimizer in study.optimizers:
        check_entry("optimizers", optimizer, CHOICES["optimizer"])


def combinations(study: StudyConfig) -> list[Combination]:
    """What is compared: losses × optimizers, then the ablations."""
    main = [Combination(loss, optimizer) for loss in study.losses for optimizer in study.optimizers]
    if not study.ablations:
        return main
    raw = [Combination(each.loss, each.optimizer, RAW) for each in main if not CHOICES["loss"][each.loss].proper]
    return main + raw + [Combination(loss, study.optimizers[0], ZERO_BIAS) for loss in study.losses]


def learning_rates(count: int, low: float, high: float) -> list[float]:
    """`count` learning rates at even ratios from `low` to `high`, the middle ones first."""
    shares = [(2 * k + 1) / (2 * count) for k in range(count)] if count < 3 else [k / (count - 1) for k in range(count)]
    rates = [float(f"{low * (high / low) ** share:.3g}") for share in shares]
    return sorted(rates, key=lambda rate: abs(rates.index(rate) - (count - 1) / 2))


def design(study: StudyConfig) -> dict[str, list[dict[str, float | None]]]:
    """Combination, without ablations → the settings of each of its tuning runs."""
    rates = learning_rates(study.tuning_runs, study.lowest_rate, study.highest_rate)
    own = {
        each.name: {name: values for table in TABLES for name, values in _own(each, table).items()}
        for each in combinations(dataclasses.replace(study, ablations=False))
    }
    every = dict.fromkeys([*SETTINGS, *itertools.chain.from_iterable(own.values())])
    return {
        combination: [
            every | {"learning_rate": rate} | {name: values[k % len(values)] for name, values in settings.items()}
            for k, rate in enumerate(rates)
        ]
        for combination, settings in own.items()
    }


def _own(combination: Combination, table: str) -> dict[str, Sequence[Any]]:
    """The own settings of a combination's loss or optimizer → the values that tuning runs try."""
    return {
        name: field.metadata.get("study", (None,))
        for name, (keys, field) in own_settings(table).items()
        if getattr(combination, table) in keys
    }


def in_order(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of a tuning run in the order of their columns, as JSON sorts them: `SETTINGS`, then others."""
    return {name: settings[name] for name in dict.fromkeys([*SETTINGS, *settings])}


def best(runs: Sequence) -> int:
    """The number of a combination's best `TuningRun`: the lowest validation NLL; if all diverged, the lowest rate."""
    alive = [run for run in runs if run.val_nll is not None]
    if alive:
        return min(alive, key=lambda run: run.val_nll).run
    return min(runs, key=lambda run: run.settings["learning_rate"]).run


def run_config(
    settings: AllSettings, task: "Task", chosen: dict[str, float | None], records: RecordsConfig, data: DataFacts
) -> RunConfig:
    """The settings of one run; the training of `RAW` is that of its parent.

    Args:
        settings: Of the study.
        task: The run.
        chosen: An entry of `design`; None: the setting's default.
        records, data: From `run_folder.data_facts`.
    """
    study, model, combination = settings.study, settings.model, task.combination
    if combination.ablation == ZERO_BIAS:
        model = dataclasses.replace(model, prior_bias=False)
    given = {name: value for name, value in chosen.items() if value is not None}
    loss, optimizer = (
        {table: getattr(combination, table)} | {name: given[name] for name in _own(combination, table) if name in given}
        for table in TABLES
    )
    plain = {"weight_decay": 0.0, "ema": 0.0}  # optimizers are compared without additions
    return RunConfig(
        records=records,
        data=data,
        dataset=settings.dataset,
        model=model,
        loss=LossConfig(**as_fields(LossConfig, loss)),
        optimizer=OptimizerConfig(
            learning_rate=given["learning_rate"],
            clip_norm=study.clip_norm,
            schedule=study.schedule,
            warmup_steps=study.warmup_steps,
            **as_fields(OptimizerConfig, plain | optimizer),
        ),
        training=TrainingConfig(
            epochs=task.epochs or study.epochs,
            steps_per_epoch=study.steps_per_epoch,
            patience=study.patience,
            precision=study.precision,
            seed=TUNING_SEED if task.tuning else task.number,
        ),
    )


@dataclasses.dataclass(frozen=True)
class Task:
    """One run of a study.

    Attributes:
        combination: What is trained.
        number: Of the tuning run, or the seed.
        tuning: Whether it is a tuning run, the first stage.
        epochs: Maximum number; 0 for an ablation without training.
    """

    combination: Combination
    number: int
    tuning: bool
    epochs: int

    @property
    def folder(self) -> Path:
        """Its folder, relative to that of the study."""
        return Path(TUNING if self.tuning else RUNS, self.combination.name, str(self.number))


def plan(study: StudyConfig) -> list[Task]:
    """All runs in their order: tuning, then seed by seed, so that an interrupted study has complete seeds."""
    everything = combinations(study)
    main = [each for each in everything if not each.ablation]
    tuning_epochs = study.tuning_epochs or study.epochs
    tuning = [Task(each, number, True, tuning_epochs) for each in main for number in range(study.tuning_runs)]
    return tuning + [
        Task(each, seed, False, 0 if each.ablation == RAW else study.epochs)
        for seed in range(study.seeds)
        for each in everything
    ]


def music_seed(study: StudyConfig, seed: int) -> int:
    """The seed of a run's first piece, such that no two pieces of a combination share a seed."""
    return sum(study.pieces_of(before) for before in range(seed))
