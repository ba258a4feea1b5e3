"""The runs of a study: their settings, their order, and which are left. Needs no framework.

**Paired runs.** For each seed, all combinations share initial weights, windows, transposition and dropout. The output
bias of a loss that is not proper starts at another value, whose posterior is the same: the frequency of each pitch.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from pianoroll_tf.config import (
    DataFacts,
    LossConfig,
    OptimizerConfig,
    RecordsConfig,
    RunConfig,
    TrainingConfig,
    as_fields,
)
from tuner.study import factorial, tuning
from tuner.study.settings import RAW, RUNS, TUNING, ZERO_BIAS, AllSettings, Combination, StudyConfig

TUNING_SEED = 1_000_003  # not a seed of the second stage, so that tuning does not fit the noise that is measured later
MORE_RUNS = 2  # tuning runs per combination while a best value is at an edge


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


def run_config(
    settings: AllSettings, task: Task, chosen: dict[str, float | None], records: RecordsConfig, data: DataFacts
) -> RunConfig:
    """The settings of one run; the training of `RAW` is that of its parent.

    Args:
        settings: Of the study.
        task: The run.
        chosen: An entry of `design`; None: the setting's default.
        records, data: From `run_folder.data_facts`.
    """
    study, model, combination = settings.study, settings.model, task.combination
    if ZERO_BIAS in (combination.ablation, combination.change):
        model = dataclasses.replace(model, prior_bias=False)
    given = {name: value for name, value in chosen.items() if value is not None}
    loss, optimizer = (
        {table: getattr(combination, table)}
        | {name: given[name] for name in factorial.own_fields(combination, table) if name in given}
        for table in factorial.TABLES
    )
    plain = {"weight_decay": 0.0, "ema": study.ema}  # no optimizer but AdamW has a weight decay
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


Results = Mapping[str, Sequence]  # combination → its `TuningRun`s, by number


def tuning_budget(study: StudyConfig, results: Results) -> int:
    """Tuning runs that every combination gets, as far as the results so far tell."""
    budget = study.tuning_runs
    while budget < study.most_tuning_runs and _needs_more(study, results, budget):
        budget = min(budget + MORE_RUNS, study.most_tuning_runs)
    return budget


def _needs_more(study: StudyConfig, results: Results, budget: int) -> bool:
    """Whether all combinations have used a budget, and one of them has a best value at an edge."""
    main = factorial.main_combinations(study)
    if any(tuning_left(study, each, results, budget) for each in main):
        return False
    return any(factorial.edges(study, each, results[each.name][:budget]) for each in main)


def tuning_left(study: StudyConfig, combination: Combination, results: Results, budget: int) -> int:
    """Tuning runs of a combination that are left of a budget; 0 where nothing is left to try."""
    done = [run.val_nll for run in results.get(combination.name, ())][:budget]
    is_exhausted = len(tuning.points(factorial.ladders(study, combination), done)) <= len(done)
    return 0 if is_exhausted else budget - len(done)


def tuning_tasks(study: StudyConfig, results: Results) -> list[Task]:
    """The tuning runs that are left as far as the results so far tell, combination by combination."""
    budget, epochs = tuning_budget(study, results), study.tuning_epochs or study.epochs
    return [
        Task(each, len(results.get(each.name, ())) + number, True, epochs)
        for each in factorial.main_combinations(study)
        for number in range(tuning_left(study, each, results, budget))
    ]


def seed_tasks(study: StudyConfig) -> list[Task]:
    """The runs of the second stage, seed by seed, so that an interrupted study has complete seeds."""
    return [
        Task(each, seed, False, 0 if each.ablation == RAW else study.epochs)
        for seed in range(study.seeds)
        for each in factorial.combinations(study)
    ]


def music_seed(study: StudyConfig, seed: int) -> int:
    """The seed of a run's first piece, such that no two pieces of a combination share a seed."""
    return sum(study.pieces_of(before) for before in range(seed))
