"""What a study compares, and which settings its tuning tries."""

import dataclasses

import pytest

from pianoroll_tf.choices import own_settings
from pianoroll_tf.modeling.losses import LOSSES
from pianoroll_tf.modeling.optimizers import OPTIMIZERS
from tuner.study import factorial
from tuner.study.results_model import DIVERGED, FINISHED, TuningRun
from tuner.study.settings import Combination, StudyConfig

WHOLE = StudyConfig(losses=tuple(LOSSES), optimizers=tuple(OPTIMIZERS), ablations=True, tuning_runs=4, seeds=3)


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


STARTS = (
    "bce-adam:learning_rate=0.016",
    "focal-adam:gamma=0.0",
    "focal-adam:alpha=0.4",
    "bce-rmsprop:rms_centered=True",
)


def test_tuning_starts_at_given_values():
    study = dataclasses.replace(WHOLE, starts=STARTS, refine=False)
    assert first("bce", "adam", study)["learning_rate"] == 0.016
    focal = first("focal", "adam", study)
    assert (focal["learning_rate"], focal["gamma"], focal["alpha"]) == (0.004, 0.0, 0.366)  # halfway from 0.5 to 0.25
    assert first("bce", "rmsprop", study)["rms_centered"] is True
    changed = Combination("bce", "adam", change="zero-bias")
    assert factorial.chosen(study, changed, [], 0)["learning_rate"] == 0.016
    design = factorial.design(study)
    assert (design["bce-adam"]["learning_rate"]["first"], design["bce-adam"]["learning_rate"]["halves"]) == (2, False)
    assert {"first", "halves"}.isdisjoint(factorial.design(WHOLE)["bce-adam"]["learning_rate"])


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("bce-adam", "starts must be LOSS-OPTIMIZER:SETTING=VALUE. Received: 'bce-adam'"),
        ("bce-lion:learning_rate=1", "starts must be one of bce-adam, .* Received: starts='bce-lion'"),
        ("bce-adam:gamma=1", "starts of bce-adam must be of learning_rate. Received: bce-adam:gamma=1"),
        (
            "bce-adam:learning_rate=fast",
            "learning_rate in starts must be a number. Received: bce-adam:learning_rate=fast",
        ),
        ("bce-rmsprop:rms_centered=0.5", "rms_centered in starts must be one of False, True. Received: .*=0.5"),
    ],
)
def test_starts_that_are_not_allowed(start, message):
    with pytest.raises(ValueError, match=message):
        factorial.check_choices(StudyConfig(starts=(start,)))


def test_combinations_can_be_named():
    names = ("bce-adam", "bce-adam-zero-bias", "focal-rmsprop")
    study = StudyConfig(combinations=names, ablations=True)
    found = factorial.combinations(study)
    assert [each.name for each in found] == ["bce-adam", "focal-rmsprop", "bce-adam-zero-bias", "focal-rmsprop-raw"]
    own = found[2]
    assert (own.parent, own.ablation) == ("bce-adam-zero-bias", "")  # tuned for itself
    with pytest.raises(ValueError, match="combinations must be one of bce-adam, "):
        factorial.check_choices(StudyConfig(combinations=("bce-lion",)))


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
