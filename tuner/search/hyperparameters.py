"""Converts a search space to KerasTuner's hyper-parameters, and their values to settings."""

import contextlib
import math
from collections.abc import Sequence
from typing import Any

import keras_tuner

from tuner.search.space import Choice, Range, Space, conditions

DIGITS = 4  # significant ones of a number drawn from a range
HYPERBAND_PREFIX = "tuner/"  # of Hyperband's own entries among the values


def hyperparameters(space: Space) -> keras_tuner.HyperParameters:
    """The searched settings; one that has an effect only with some values of another gets these as its condition."""
    made = keras_tuner.HyperParameters()
    for name, entry in space.searched.items():
        parent, needed = conditions().get(name, (None, ()))
        is_child, values = parent in space.searched, values_of(entry)
        with made.conditional_scope(parent, list(needed)) if is_child else contextlib.nullcontext():
            if isinstance(entry, Choice) or values:
                made.Choice(name, list(values))
            else:
                whole = isinstance(entry.min, int) and isinstance(entry.max, int)
                kind, number = (made.Int, int) if whole else (made.Float, float)
                kind(name, number(entry.min), number(entry.max), sampling="log" if entry.log else "linear")
    return made


def values_of(entry: Choice | Range) -> dict[Any, Any]:
    """KerasTuner's name of each value of an entry → the value; empty for a range without steps.

    KerasTuner itself leaves out 0.5 of 0 to 0.5 by 0.1, as 0.5 // 0.1 is 4; and its choices must be of one type.
    """
    if isinstance(entry, Range):
        if entry.step is None:
            return {}
        count = math.floor((entry.max - entry.min) / entry.step * (1 + 1e-9)) + 1
        values = [_round(entry.min + index * entry.step) for index in range(count)]
    else:
        values = list(entry.values)
    if all(type(value) is int for value in values):
        return {value: value for value in values}
    if all(type(value) in (int, float) for value in values):
        return {float(value): value for value in values}
    return {"none" if value is None else str(value): value for value in values}


def _round(value: float) -> float:
    return value if isinstance(value, int) else float(f"{value:.{DIGITS}g}")


def point_at(space: list, positions: Sequence[float]) -> dict[str, Any]:
    """The point of KerasTuner's space at given positions, 0 (the lowest value) to 1, one for each entry.

    Entries whose conditions are not met are left out.
    """
    values: dict[str, Any] = {}
    for entry, position in zip(space, positions, strict=True):
        if all(condition.is_active(values) for condition in entry.conditions):
            values[entry.name] = entry.prob_to_value(position)
    return values


def rounded(space: list, values: dict[str, Any]) -> dict[str, Any]:
    """A proposal with the numbers drawn from ranges cut to `DIGITS` significant digits, within the range."""
    ranges = {entry.name: entry for entry in space if isinstance(entry, keras_tuner.engine.hyperparameters.Float)}
    return {
        name: min(max(_round(value), ranges[name].min_value), ranges[name].max_value) if name in ranges else value
        for name, value in values.items()
    }


def settings_of(space: Space, values: dict[str, Any]) -> dict[str, Any]:
    """The settings that the hyper-parameters of a trial stand for, without Hyperband's own entries."""
    settings = {}
    for name, entry in space.searched.items():
        if name in values:
            named = values_of(entry)
            settings[name] = named[values[name]] if named else values[name]
    return settings
