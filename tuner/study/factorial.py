"""The factorial design of a study: its runs, their settings and their order. Needs no framework.

**Fair tuning.** Every combination may use the same number of tuning runs, of the same length, with the same seed, and
finds its settings, each apart from the others, by `tuner.study.tuning`. A combination whose loss or optimizer has
settings that others lack (gamma and alpha of the focal loss, weight decay of AdamW) gets no additional runs for them.
While the best value of any setting of any combination is at an edge of what was tried, every combination gets
`MORE_RUNS` more. A combination whose search has nothing left to try uses fewer.

**Paired runs.** For each seed, all combinations share initial weights, windows, transposition and dropout. The output
bias of a loss that is not proper starts at another value, whose posterior is the same: the frequency of each pitch.

**Ablations** have the settings of their parent but for one.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
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
from tuner.study import tuning
from tuner.study.ladder import Ladder
from tuner.study.settings import RAW, RUNS, TUNING, ZERO_BIAS, AllSettings, Combination, StudyConfig

TABLES = ("loss", "optimizer")  # a combination is an entry of each
TUNING_SEED = 1_000_003  # not a seed of the second stage, so that tuning does not fit the noise that is measured later

MORE_RUNS = 2  # tuning runs per combination while a best value is at an edge
RATE_RATIO = 2.0  # of the learning rates at two rungs

# Settings that are listed for the tuning runs of every study, whatever it compares
SETTINGS = (
    *("learning_rate", "weight_decay", "gamma", "alpha", "positive_weight"),
    *("rms_momentum", "rms_centered", "rms_epsilon"),
)


def check_choices(study: StudyConfig) -> None:
    """Raises ValueError unless the losses, optimizers and combinations to compare exist."""
    for loss in study.losses:
        check_entry("losses", loss, CHOICES["loss"])
    for optimizer in study.optimizers:
        check_entry("optimizers", optimizer, CHOICES["optimizer"])
    for name in study.combinations:
        check_entry("combinations", name, {each.name: each for each in _possible(study)})


def _possible(study: StudyConfig) -> list[Combination]:
    """All combinations that are tuned for themselves."""
    pairs = list(itertools.product(study.losses, study.optimizers))
    return [Combination(*pair, change=change) for change in ("", ZERO_BIAS) for pair in pairs]


def combinations(study: StudyConfig) -> list[Combination]:
    """What is compared: losses × optimizers, or those that are named; then the ablations."""
    main = [each for each in _possible(study) if each.name in study.combinations or not study.combinations]
    if not study.combinations:
        main = [each for each in main if not each.change]
    if not study.ablations:
        return main
    improper = [each for each in main if not CHOICES["loss"][each.loss].proper]
    raw = [dataclasses.replace(each, ablation=RAW) for each in improper]
    first = [each for each in main if each.optimizer == study.optimizers[0] and not each.change]
    there = {each.name for each in main}
    zero = [dataclasses.replace(each, ablation=ZERO_BIAS) for each in first]
    return main + raw + [each for each in zero if each.name not in there]


def design(study: StudyConfig) -> dict[str, dict[str, dict[str, Any]]]:
    """Combination, without ablations → setting → the fields of its `Ladder`."""
    return {
        each.name: {
            name: dataclasses.asdict(ladder) | {"values": list(ladder.values)}  # as it is read from JSON
            for name, ladder in ladders(study, each).items()
        }
        for each in main_combinations(study)
    }


def main_combinations(study: StudyConfig) -> list[Combination]:
    """The combinations, without ablations."""
    return [each for each in combinations(study) if not each.ablation]


def ladders(study: StudyConfig, combination: Combination) -> dict[str, Ladder]:
    """The settings of a combination that are tuned, the learning rate first → their values."""
    found = {"learning_rate": Ladder(start=study.start_rate, ratio=RATE_RATIO, most=10.0)}
    for table in TABLES:
        for name, field in _own(combination, table).items():
            if "study" in field.metadata:
                found[name] = Ladder.of(field.metadata["study"], field.default, field.metadata.get("maximum"))
    return found


def _own(combination: Combination, table: str) -> dict[str, dataclasses.Field]:
    """The own settings of a combination's loss or optimizer → their fields."""
    return {name: field for name, (keys, field) in own_settings(table).items() if getattr(combination, table) in keys}


def chosen(study: StudyConfig, combination: Combination, results: Sequence[float | None], run: int) -> dict[str, Any]:
    """The settings of tuning run `run` of a combination, from the results of its earlier runs; None: not used.

    Raises:
        IndexError: Tuning has tried all that there is to try before that run.
    """
    own = ladders(study, combination)
    names = itertools.chain.from_iterable(_own(each, table) for each in main_combinations(study) for table in TABLES)
    every = dict.fromkeys([*SETTINGS, *names])
    return every | tuning.values(own, tuning.points(own, results[:run])[run])


def edges(study: StudyConfig, combination: Combination, runs: Sequence) -> list[tuple[str, int]]:
    """The settings whose best value is at an edge, from the combination's `TuningRun`s; see `tuning.edges`."""
    return tuning.edges(ladders(study, combination), [run.val_nll for run in runs])


def in_order(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of a tuning run in the order of their columns, as JSON sorts them: `SETTINGS`, then others."""
    return {name: settings[name] for name in dict.fromkeys([*SETTINGS, *settings]) if name in settings}


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
    if ZERO_BIAS in (combination.ablation, combination.change):
        model = dataclasses.replace(model, prior_bias=False)
    given = {name: value for name, value in chosen.items() if value is not None}
    loss, optimizer = (
        {table: getattr(combination, table)} | {name: given[name] for name in _own(combination, table) if name in given}
        for table in TABLES
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


Results = Mapping[str, Sequence]  # combination → its `TuningRun`s, by number


def tuning_budget(study: StudyConfig, results: Results) -> int:
    """Tuning runs that every combination gets, as far as the results so far tell."""
    budget = study.tuning_runs
    while budget < study.most_tuning_runs and _needs_more(study, results, budget):
        budget = min(budget + MORE_RUNS, study.most_tuning_runs)
    return budget


def _needs_more(study: StudyConfig, results: Results, budget: int) -> bool:
    """Whether all combinations have used a budget, and one of them has a best value at an edge."""
    main = main_combinations(study)
    if any(tuning_left(study, each, results, budget) for each in main):
        return False
    return any(edges(study, each, results[each.name][:budget]) for each in main)


def tuning_left(study: StudyConfig, combination: Combination, results: Results, budget: int) -> int:
    """Tuning runs of a combination that are left of a budget; 0 where nothing is left to try."""
    done = [run.val_nll for run in results.get(combination.name, ())][:budget]
    is_exhausted = len(tuning.points(ladders(study, combination), done)) <= len(done)
    return 0 if is_exhausted else budget - len(done)


def tuning_tasks(study: StudyConfig, results: Results) -> list[Task]:
    """The tuning runs that are left as far as the results so far tell, combination by combination."""
    budget, epochs = tuning_budget(study, results), study.tuning_epochs or study.epochs
    return [
        Task(each, len(results.get(each.name, ())) + number, True, epochs)
        for each in main_combinations(study)
        for number in range(tuning_left(study, each, results, budget))
    ]


def seed_tasks(study: StudyConfig) -> list[Task]:
    """The runs of the second stage, seed by seed, so that an interrupted study has complete seeds."""
    return [
        Task(each, seed, False, 0 if each.ablation == RAW else study.epochs)
        for seed in range(study.seeds)
        for each in combinations(study)
    ]


def music_seed(study: StudyConfig, seed: int) -> int:
    """The seed of a run's first piece, such that no two pieces of a combination share a seed."""
    return sum(study.pieces_of(before) for before in range(seed))
