"""Which runs a study has: as many of each, tuned alike, in an order that can be cut short."""

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


def test_the_defaults_are_those_of_the_founding_study():
    assert (StudyConfig().losses, StudyConfig().optimizers) == (("bce", "focal"), tuple(OPTIMIZERS))


def test_own_settings_of_the_tables_are_columns():
    own = {name for table in factorial.TABLES for name in own_settings(table)}
    assert own < set(factorial.SETTINGS)
    names = ["learning_rate", "weight_decay", "gamma", "alpha", "margin"]
    assert list(factorial.in_order(dict.fromkeys(sorted(names)))) == names


def test_combinations_are_named_by_loss_optimizer_and_ablation():
    found = factorial.combinations(StudyConfig(optimizers=("adam",), ablations=True))
    names = ["bce-adam", "focal-adam", "focal-adam-raw", "bce-adam-zero-bias", "focal-adam-zero-bias"]
    assert [each.name for each in found] == names


def first(loss, optimizer, study=WHOLE):
    return factorial.chosen(study, Combination(loss, optimizer), [], 0)


def test_every_combination_begins_with_the_start_of_its_ladders():
    assert list(factorial.design(WHOLE)) == [f"{loss}-{optimizer}" for loss in LOSSES for optimizer in OPTIMIZERS]
    assert {first(loss, optimizer)["learning_rate"] for loss in LOSSES for optimizer in OPTIMIZERS} == {0.004}
    focal = first("focal", "rmsprop")
    assert (focal["gamma"], focal["alpha"], focal["weight_decay"]) == (2.0, 0.5, None)
    assert (focal["rms_momentum"], focal["rms_centered"], focal["rms_epsilon"]) == (0.0, False, 1e-7)


def test_each_setting_is_tuned_apart_from_the_others():
    pair = Combination("bce", "adamw")
    found = [factorial.chosen(WHOLE, pair, [5.0, 5.1, 5.2, 4.9, 5.0][:run], run) for run in range(6)]
    tried = [(run["learning_rate"], run["weight_decay"]) for run in found]
    # the rate up, down; the decay up: better; further up; worse; then the rate again beside the new best
    assert tried == [(0.004, 0.01), (0.008, 0.01), (0.002, 0.01), (0.004, 0.04), (0.004, 0.16), (0.008, 0.04)]


def runs_of(study, combination, nll):
    """The tuning runs of a combination as `nll` of their settings would have them, to the end of its search."""
    found = []
    while len(found) < study.most_tuning_runs:
        try:
            settings = factorial.chosen(study, combination, [run.val_nll for run in found], len(found))
        except IndexError:
            break
        found.append(TuningRun(combination.name, len(found), settings, FINISHED, "", nll(settings), 9))
    return found


def test_all_get_more_runs_while_the_best_of_one_is_at_an_edge():
    study = StudyConfig(losses=("bce",), optimizers=("adam", "adamw"), tuning_runs=3)
    adam, adamw = factorial.main_combinations(study)
    results = {
        each.name: runs_of(study, each, lambda chosen: abs(chosen["learning_rate"] - 0.004)) for each in (adam, adamw)
    }
    # after three runs the rate of both lies inside, but the decay of adamw was not tried
    assert factorial.edges(study, adam, results["bce-adam"][:3]) == []
    three = {name: runs[:3] for name, runs in results.items()}
    assert factorial.edges(study, adamw, three["bce-adamw"]) == [("weight_decay", 1), ("weight_decay", -1)]
    assert factorial.tuning_budget(study, three) == 5
    assert [(task.combination.name, task.number) for task in factorial.tuning_tasks(study, three)] == [
        *[("bce-adam", 3), ("bce-adam", 4)],
        *[("bce-adamw", 3), ("bce-adamw", 4)],
    ]
    assert factorial.tuning_budget(study, {name: runs[:5] for name, runs in results.items()}) == 5
    limited = dataclasses.replace(study, most_tuning_runs=3)
    assert factorial.tuning_tasks(limited, three) == []


def test_a_search_with_nothing_left_to_try_uses_fewer_runs():
    study = StudyConfig(losses=("bce",), optimizers=("adam",), tuning_runs=20)
    [adam] = factorial.main_combinations(study)
    runs = runs_of(study, adam, lambda chosen: abs(chosen["learning_rate"] - 0.004))
    assert sorted(run.settings["learning_rate"] for run in runs) == [0.002, 0.00283, 0.004, 0.00566, 0.008]
    assert factorial.tuning_tasks(study, {"bce-adam": runs}) == []


def test_adamw_has_weight_decay_else_it_would_be_adam():
    assert config(Combination("bce", "adamw"), first("bce", "adamw")).optimizer.weight_decay == 0.01


def test_combinations_can_be_named():
    names = ("bce-adam", "bce-adam-zero-bias", "focal-rmsprop")
    study = StudyConfig(combinations=names, ablations=True)
    found = factorial.combinations(study)
    assert [each.name for each in found] == ["bce-adam", "focal-rmsprop", "bce-adam-zero-bias", "focal-rmsprop-raw"]
    own = found[2]
    assert (own.parent, own.ablation) == ("bce-adam-zero-bias", "")  # tuned for itself
    assert not config(own, first("bce", "adam")).model.prior_bias
    with pytest.raises(ValueError, match="combinations must be one of bce-adam, "):
        factorial.check_choices(StudyConfig(combinations=("bce-lion",)))


def test_settings_that_were_not_chosen_are_the_defaults():
    made = config(Combination("focal", "rmsprop"), dict.fromkeys(factorial.SETTINGS) | {"learning_rate": 0.01})
    assert (made.loss.gamma, made.loss.alpha, made.optimizer.weight_decay) == (2.0, None, 0.0)
    assert (made.optimizer.learning_rate, made.training.epochs) == (0.01, 40)


def test_an_ablation_changes_one_thing():
    chosen = first("focal", "adam")
    parent, other = (config(Combination("focal", "adam", ablation), chosen) for ablation in ("", ZERO_BIAS))
    assert differences(to_dict(parent), to_dict(other)) == ["model.prior_bias is True there, False here"]
    assert config(Combination("focal", "adam", RAW), chosen) == parent


def test_seeds_differ_in_the_seed_alone():
    chosen = first("bce", "adam")
    one, other = (config(Combination("bce", "adam"), chosen, seed) for seed in (0, 1))
    assert differences(to_dict(one), to_dict(other)) == ["training.seed is 0 there, 1 here"]


def test_the_second_stage_has_every_run_once_and_whole_seeds():
    tasks = factorial.seed_tasks(WHOLE)
    main, raw, zero = 9, 6, 3
    assert len({task.folder for task in tasks}) == len(tasks) == 3 * (main + raw + zero)
    assert [task.number for task in tasks] == [0] * 18 + [1] * 18 + [2] * 18
    assert set(collections.Counter(task.combination.name for task in tasks).values()) == {3}
    for place, task in enumerate(tasks):
        if task.combination.ablation == RAW:
            assert task.epochs == 0
            before = [(other.combination.name, other.number) for other in tasks[:place]]
            assert (task.combination.parent, task.number) in before  # its model is there


def test_tuning_goes_combination_by_combination():
    tasks = factorial.tuning_tasks(StudyConfig(losses=("bce",), optimizers=("adam", "rmsprop"), tuning_runs=1), {})
    assert [str(task.folder) for task in tasks] == ["tuning/bce-adam/0", "tuning/bce-rmsprop/0"]


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


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"losses": ()}, "losses must be one or more, each once"),
        (
            {"optimizers": ("adam", "adam")},
            "optimizers must be one or more, each once. Received: optimizers='adam adam'",
        ),
        ({"seeds": 5, "pieces": 4}, "pieces must be at least seeds. Received: pieces=4, seeds=5"),
        ({"tuning_runs": 9, "most_tuning_runs": 8}, "most_tuning_runs must be at least tuning_runs"),
        ({"seeds": 0}, "seeds must be a whole number >= 1"),
    ],
)
def test_settings_that_are_not_allowed(values, message):
    with pytest.raises(ValueError, match=message):
        StudyConfig(**values)
