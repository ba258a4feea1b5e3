"""Which runs a study has: as many of each, with the same learning rates, in an order that can be cut short."""

import collections
import dataclasses

import pytest

from pianoroll_tf.choices import own_settings
from pianoroll_tf.config import DataFacts, RecordsConfig
from pianoroll_tf.modeling.losses import LOSSES
from pianoroll_tf.modeling.optimizers import OPTIMIZERS
from pianoroll_tf.modeling.run_folder import differences
from pianoroll_tf.settings import to_dict
from tuner.study import factorial
from tuner.study.results_model import DIVERGED, FINISHED, TuningRun
from tuner.study.settings import RAW, ZERO_BIAS, AllSettings, Combination, StudyConfig

WHOLE = StudyConfig(losses=tuple(LOSSES), optimizers=tuple(OPTIMIZERS), ablations=True, tuning_runs=4, seeds=3)


def config(combination, chosen, seed=0):
    task = factorial.Task(combination, seed, tuning=False, epochs=40)
    return factorial.run_config(AllSettings(), task, chosen, RecordsConfig(), DataFacts())


def test_the_defaults_are_all_entries_of_the_tables():
    assert (StudyConfig().losses, StudyConfig().optimizers) == (tuple(LOSSES), tuple(OPTIMIZERS))


def test_own_settings_of_the_tables_are_columns():
    own = {name for table in factorial.TABLES for name in own_settings(table)}
    assert own < set(factorial.SETTINGS)
    names = ["learning_rate", "weight_decay", "gamma", "alpha", "margin"]
    assert list(factorial.in_order(dict.fromkeys(sorted(names)))) == names


def test_combinations_are_named_by_loss_optimizer_and_ablation():
    found = factorial.combinations(StudyConfig(optimizers=("adam",), ablations=True))
    names = ["bce-adam", "focal-adam", "focal-adam-raw", "bce-adam-zero-bias", "focal-adam-zero-bias"]
    assert [each.name for each in found] == names


def test_the_first_tuning_run_of_all_has_the_middle_rate():
    assert factorial.learning_rates(3, 0.0005, 0.008) == [0.002, 0.0005, 0.008]
    assert factorial.learning_rates(1, 0.0005, 0.008) == [0.002]


def test_every_combination_gets_the_same_tuning():
    design = factorial.design(WHOLE)
    assert len(design) == len(LOSSES) * len(OPTIMIZERS)
    rates = {name: [run["learning_rate"] for run in runs] for name, runs in design.items()}
    assert set(map(tuple, rates.values())) == {(0.00126, 0.00317, 0.0005, 0.008)}
    tried = [(run["gamma"], run["alpha"]) for run in design["focal-adam"]]
    assert tried == [(2.0, None), (1.0, 0.25), (0.5, None), (2.0, 0.25)]
    assert [run["weight_decay"] for run in design["focal-adamw"]] == [0.01, 0.1, 0.004, 0.3]
    assert all(run["weight_decay"] is None for name in ("bce-adam", "focal-rmsprop") for run in design[name])


def test_adamw_has_weight_decay_else_it_would_be_adam():
    assert all(run["weight_decay"] for run in factorial.design(WHOLE)["bce-adamw"])
    chosen = factorial.design(WHOLE)["bce-adamw"][0]
    assert config(Combination("bce", "adamw"), chosen).optimizer.weight_decay == 0.01


def test_settings_that_were_not_chosen_are_the_defaults():
    made = config(Combination("focal", "rmsprop"), dict.fromkeys(factorial.SETTINGS) | {"learning_rate": 0.01})
    assert (made.loss.gamma, made.loss.alpha, made.optimizer.weight_decay) == (2.0, None, 0.0)
    assert (made.optimizer.learning_rate, made.training.epochs) == (0.01, 40)


def test_an_ablation_changes_one_thing():
    chosen = factorial.design(WHOLE)["focal-adam"][1]
    parent, other = (config(Combination("focal", "adam", ablation), chosen) for ablation in ("", ZERO_BIAS))
    assert differences(to_dict(parent), to_dict(other)) == ["model.prior_bias is True there, False here"]
    assert config(Combination("focal", "adam", RAW), chosen) == parent


def test_seeds_differ_in_the_seed_alone():
    chosen = factorial.design(WHOLE)["bce-adam"][0]
    one, other = (config(Combination("bce", "adam"), chosen, seed) for seed in (0, 1))
    assert differences(to_dict(one), to_dict(other)) == ["training.seed is 0 there, 1 here"]


def test_the_plan_has_every_run_once_and_whole_seeds():
    tasks = factorial.plan(WHOLE)
    assert len({task.folder for task in tasks}) == len(tasks) == 6 * 4 + 3 * (6 + 3 + 2)
    assert [task.tuning for task in tasks] == [True] * 24 + [False] * 33
    assert [task.number for task in tasks[24:]] == [0] * 11 + [1] * 11 + [2] * 11
    assert set(collections.Counter(task.combination.name for task in tasks[24:]).values()) == {3}
    for place, task in enumerate(tasks):
        if task.combination.ablation == RAW:
            assert task.epochs == 0
            before = [(other.combination.name, other.number) for other in tasks[:place] if not other.tuning]
            assert (task.combination.parent, task.number) in before  # its model is there


def test_the_plan_begins_with_tuning_and_goes_on_seed_by_seed():
    tasks = factorial.plan(StudyConfig(losses=("bce",), tuning_runs=1, seeds=2))
    assert [str(task.folder) for task in tasks][2:5] == ["tuning/bce-rmsprop/0", "runs/bce-adam/0", "runs/bce-adamw/0"]


def test_no_two_pieces_of_a_combination_have_the_same_seed():
    study = StudyConfig(seeds=3, pieces=10)
    assert [study.pieces_of(seed) for seed in range(3)] == [4, 3, 3]
    assert [factorial.music_seed(study, seed) for seed in range(3)] == [0, 4, 7]
    study = StudyConfig(seeds=3, pieces=100)
    seeds = [factorial.music_seed(study, run) + piece for run in range(3) for piece in range(study.pieces_of(run))]
    assert seeds == list(range(100))


def test_the_best_tuning_run():
    run = TuningRun("bce-adam", 0, {"learning_rate": 0.01}, FINISHED, "", 5.0, 9)
    other = dataclasses.replace(run, run=1, val_nll=4.0)
    broken = dataclasses.replace(run, run=2, val_nll=None, outcome=DIVERGED, settings={"learning_rate": 0.001})
    assert factorial.best([run, other, broken]) == 1
    worse = dataclasses.replace(broken, run=0, settings={"learning_rate": 0.1})
    assert factorial.best([worse, broken]) == 2  # all diverged: the lowest rate


@pytest.mark.parametrize("count", range(1, 9))
def test_learning_rates_span_the_range(count):
    rates = factorial.learning_rates(count, 0.001, 0.1)
    assert len(set(rates)) == count
    assert all(0.001 <= rate <= 0.1 for rate in rates)
    if count > 2:
        assert {min(rates), max(rates)} == {0.001, 0.1}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"losses": ()}, "losses must be one or more, each once"),
        (
            {"optimizers": ("adam", "adam")},
            "optimizers must be one or more, each once. Received: optimizers='adam adam'",
        ),
        ({"seeds": 5, "pieces": 4}, "pieces must be at least seeds. Received: pieces=4, seeds=5"),
        ({"lowest_rate": 0.1, "highest_rate": 0.01}, "lowest_rate must be at most highest_rate"),
        ({"seeds": 0}, "seeds must be a whole number >= 1"),
    ],
)
def test_settings_that_are_not_allowed(values, message):
    with pytest.raises(ValueError, match=message):
        StudyConfig(**values)
