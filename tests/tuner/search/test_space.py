"""The space of a search: its entries fit the settings, and what counts only beside others does only there."""

import dataclasses
import json
import re

import pytest

from pianoroll_tf.config import LossConfig, RunConfig
from tuner.search.parsing import read_entry
from tuner.search.space import Choice, Range, conditions, default_space, make_space, place_of


def test_heads_may_be_compared():
    assert read_entry("head", ["independent", "nade"]) == Choice(("independent", "nade"))
    with pytest.raises(ValueError, match="head must be one of independent, nade"):
        read_entry("head", "chords")


@pytest.mark.parametrize("name", default_space())
def test_the_ends_of_every_default_are_allowed(name):
    entry = default_space()[name]
    _, cls = place_of(name)
    for value in entry.values if isinstance(entry, Choice) else (entry.min, entry.max):
        assert getattr(cls(**{name: value}), name) == value


def test_settings_have_a_section_and_perhaps_a_condition():
    assert [place_of(name)[0] for name in ("gamma", "dropout")] == ["loss", "model"]
    assert conditions()["gamma"] == ("loss", ("focal",))


def test_parents_stand_before_what_depends_on_them():
    names = list(make_space({"conv_kernel": Range(2, 5)}).searched)
    assert len(names) == len(default_space()) + 1
    for name in conditions().keys() & set(names):
        parent, _ = conditions()[name]
        assert names.index(parent) < names.index(name)


def test_trials_have_the_same_precision_whatever_machine_they_are_on():
    assert make_space({}).fixed["precision"] == "float32"
    assert make_space({"precision": "bfloat16"}).fixed["precision"] == "bfloat16"


def test_what_cannot_count_is_not_searched():
    assert "gamma" not in make_space({"loss": "bce"}).searched
    assert "weight_decay" not in make_space({"optimizer": Choice(("adam", "rmsprop"))}).searched
    assert "conv_filters" not in make_space({"conv_layers": 0}).searched
    space = make_space({"loss": "focal", "optimizer": "adamw", "conv_layers": Range(1, 2)})
    assert {"gamma", "alpha", "weight_decay", "conv_filters"} <= set(space.searched)
    assert "gamma" not in make_space({"loss": "bce", "gamma": Range(1.0, 2.0)}).searched


def test_a_value_that_counts_nowhere_is_refused():
    with pytest.raises(ValueError, match=r"gamma must be left out: it counts only with loss=focal\. Received: gamma=1"):
        make_space({"loss": "bce", "gamma": 1.0})
    line = "weight_decay must be left out: it counts only with optimizer=adamw. Received: weight_decay=0.1"
    with pytest.raises(ValueError, match=re.escape(line)):
        make_space({"loss": "focal", "gamma": 1.5, "optimizer": "adam", "weight_decay": 0.1})
    with pytest.raises(ValueError, match="all are fixed"):
        make_space({name: value for name, value in RunConfigValues().items() if name in default_space()})


def RunConfigValues():  # noqa: N802
    """The default value of every setting that counts by default."""
    whole = dataclasses.asdict(RunConfig())
    flat = {name: value for section in whole.values() for name, value in section.items()}
    return {name: value for name, value in flat.items() if name not in ("gamma", "alpha", "positive_weight")}


def test_a_trial_has_what_counts_and_else_the_default():
    space = make_space({"weight_decay": 0.05, "gamma": 3.0, "batch_size": 32})
    adam = space.run_config(RunConfig(), {"optimizer": "adam", "loss": "bce", "gru_units": 128})
    assert (adam.optimizer.optimizer, adam.optimizer.weight_decay, adam.loss.gamma) == ("adam", 0.0, 2.0)
    assert (adam.model.gru_units, adam.dataset.batch_size) == (128, 32)
    adamw = space.run_config(RunConfig(), {"optimizer": "adamw", "loss": "focal"})
    assert (adamw.optimizer.weight_decay, adamw.loss.gamma) == (0.05, 3.0)
    focal = make_space({"loss": "focal", "gamma": 1.5}).run_config(RunConfig(), {"gru_units": 64})
    assert focal.loss == LossConfig(loss="focal", gamma=1.5, alpha=None)


def test_json_holds_a_space():
    changes = {
        "alpha": None,
        "loss": "focal",
        "dropout": Range(0.0, 0.4, step=0.2),
        "gru_units": Range(8, 64, log=True),
    }
    space = make_space(changes)
    there = json.loads(json.dumps(space.to_dict()))
    assert make_space({name: read_entry(name, value) for name, value in there.items()}) == space
    assert there["dropout"] == {"min": 0.0, "max": 0.4, "step": 0.2}
