"""Our space as KerasTuner's: the same values, the same conditions, and back."""

import pytest

from tuner.search.hyperparameters import DIGITS, hyperparameters, point_at, rounded, settings_of, values_of
from tuner.search.space import Choice, Range, make_space


@pytest.mark.parametrize(
    ("entry", "values"),
    [
        (Range(0.0, 0.5, step=0.1), [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]),  # KerasTuner itself ends at 0.4
        (Range(2, 9, step=3), [2, 5, 8]),
        (Choice((1, 0.5)), [1, 0.5]),
        (Choice((None, 0.25)), [None, 0.25]),
        (Choice((True, False)), [True, False]),
        (Range(0.0, 1.0), []),
    ],
)
def test_values(entry, values):
    assert list(values_of(entry).values()) == values
    assert len({type(word) for word in values_of(entry)}) <= 1  # all that KerasTuner takes


def test_conditions_hold_at_every_point():
    space = make_space({})
    entries = hyperparameters(space).space
    assert [entry.name for entry in entries] == list(space.searched)
    seen = set()
    for place in range(400):
        point = settings_of(
            space, point_at(entries, [(place * (index + 1) * 0.618) % 1 for index in range(len(entries))])
        )
        assert ("gamma" in point) == ("alpha" in point) == (point["loss"] == "focal")
        assert ("weight_decay" in point) == (point["optimizer"] == "adamw")
        assert ("conv_filters" in point) == (point["conv_layers"] > 0)
        seen.add((point["loss"], point["optimizer"], point["conv_layers"]))
    assert len(seen) == 2 * 3 * 3


def test_what_is_fixed_is_no_hyperparameter():
    entries = hyperparameters(make_space({"loss": "bce"})).space
    assert [entry.name for entry in entries][:4] == ["optimizer", "learning_rate", "schedule", "conv_layers"]
    space = make_space({"loss": "focal", "alpha": Choice((None, 0.25))})
    assert settings_of(space, {"alpha": "none", "gamma": 1.5, "tuner/epochs": 3}) == {"gamma": 1.5, "alpha": None}


def test_numbers_are_readable_and_stay_in_their_range():
    space = make_space({"learning_rate": Range(0.00033333, 0.0100004, log=True)})
    entries = hyperparameters(space).space
    cut = rounded(entries, {"learning_rate": 0.0012345678, "loss": "bce"})
    assert cut == {"learning_rate": 0.001235, "loss": "bce"}
    assert DIGITS == 4
    assert rounded(entries, {"learning_rate": 0.00033333})["learning_rate"] == 0.00033333
    assert rounded(entries, {"learning_rate": 0.0100004})["learning_rate"] <= 0.0100004


def test_a_whole_logarithmic_range_gives_whole_numbers():
    space = make_space({"gru_units": Range(8, 512, log=True)})
    entries = hyperparameters(space).space
    found = {settings_of(space, point_at(entries, [place / 50] * len(entries)))["gru_units"] for place in range(50)}
    assert all(isinstance(value, int) and 8 <= value <= 512 for value in found)
    assert len(found) > 30
