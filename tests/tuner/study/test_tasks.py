"""The runs of a study: as many of each combination, in an order that can be cut short, with their settings."""

import collections
import dataclasses

from pianoroll_tf.config import DataFacts, RecordsConfig
from pianoroll_tf.modeling.losses import LOSSES
from pianoroll_tf.modeling.optimizers import OPTIMIZERS
from pianoroll_tf.modeling.run_folder import differences
from pianoroll_tf.settings import to_dict
from tuner.study import factorial, tasks
from tuner.study.results_model import FINISHED, TuningRun
from tuner.study.settings import RAW, ZERO_BIAS, AllSettings, Combination, StudyConfig

WHOLE = StudyConfig(losses=tuple(LOSSES), optimizers=tuple(OPTIMIZERS), ablations=True, tuning_runs=4, seeds=3)


def config(combination, chosen, seed=0):
    task = tasks.Task(combination, seed, tuning=False, epochs=40)
    return tasks.run_config(AllSettings(), task, chosen, RecordsConfig(), DataFacts())


def first(loss, optimizer, study=WHOLE):
    return factorial.chosen(study, Combination(loss, optimizer), [], 0)


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
    assert tasks.tuning_budget(study, three) == 5
    assert [(task.combination.name, task.number) for task in tasks.tuning_tasks(study, three)] == [
        *[("bce-adam", 3), ("bce-adam", 4)],
        *[("bce-adamw", 3), ("bce-adamw", 4)],
    ]
    assert tasks.tuning_budget(study, {name: runs[:5] for name, runs in results.items()}) == 5
    limited = dataclasses.replace(study, most_tuning_runs=3)
    assert tasks.tuning_tasks(limited, three) == []


def test_a_search_with_nothing_left_to_try_uses_fewer_runs():
    study = StudyConfig(losses=("bce",), optimizers=("adam",), tuning_runs=20)
    [adam] = factorial.main_combinations(study)
    runs = runs_of(study, adam, lambda chosen: abs(chosen["learning_rate"] - 0.004))
    assert sorted(run.settings["learning_rate"] for run in runs) == [0.002, 0.00283, 0.004, 0.00566, 0.008]
    assert tasks.tuning_tasks(study, {"bce-adam": runs}) == []


def test_adamw_has_weight_decay_else_it_would_be_adam():
    assert config(Combination("bce", "adamw"), first("bce", "adamw")).optimizer.weight_decay == 0.01


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
    found = tasks.seed_tasks(WHOLE)
    main, raw, zero = 9, 6, 3
    assert len({task.folder for task in found}) == len(found) == 3 * (main + raw + zero)
    assert [task.number for task in found] == [0] * 18 + [1] * 18 + [2] * 18
    assert set(collections.Counter(task.combination.name for task in found).values()) == {3}
    for place, task in enumerate(found):
        if task.combination.ablation == RAW:
            assert task.epochs == 0
            before = [(other.combination.name, other.number) for other in found[:place]]
            assert (task.combination.parent, task.number) in before  # its model is there


def test_tuning_goes_combination_by_combination():
    found = tasks.tuning_tasks(StudyConfig(losses=("bce",), optimizers=("adam", "rmsprop"), tuning_runs=1), {})
    assert [str(task.folder) for task in found] == ["tuning/bce-adam/0", "tuning/bce-rmsprop/0"]


def test_no_two_pieces_of_a_combination_have_the_same_seed():
    study = StudyConfig(seeds=3, pieces=10)
    assert [study.pieces_of(seed) for seed in range(3)] == [4, 3, 3]
    assert [tasks.music_seed(study, seed) for seed in range(3)] == [0, 4, 7]
    study = StudyConfig(seeds=3, pieces=100)
    seeds = [tasks.music_seed(study, run) + piece for run in range(3) for piece in range(study.pieces_of(run))]
    assert seeds == list(range(100))


def test_a_combination_with_a_zero_bias_has_no_prior_bias():
    own = Combination("bce", "adam", change=ZERO_BIAS)
    assert not config(own, first("bce", "adam")).model.prior_bias
