"""Parses the settings of a search given in a file or on the command line."""

import contextlib
import dataclasses
import json
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pianoroll_tf.choices import CHOICES
from pianoroll_tf.errors import UserError
from tuner.search.space import FIXED_ONLY, Choice, Range, place_of, shown

TUNERS = ("random", "bayesian", "hyperband")
DIRECTIONS = {"nll": "min", "pr_auc": "max"}  # of the objectives


def read_space(path: Path) -> dict[str, Any]:
    """Reads a space file, TOML (`.toml`) or JSON (`.json`); raises UserError if it is missing or not allowed."""
    if path.suffix not in (".toml", ".json"):
        raise UserError(f"the space's file must be named .toml or .json. Received: {path}")
    try:
        text = path.read_text(encoding="utf-8")
        values = (
            tomllib.loads(text) if path.suffix == ".toml" else json.loads(text, object_pairs_hook=_without_duplicates)
        )
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} must be {path.suffix[1:].upper()}: {error}") from error
    if not isinstance(values, dict):
        raise UserError(f"{path} must hold a table of settings. Received: {type(values).__name__}")
    try:
        return {name: read_entry(name, value) for name, value in values.items()}
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error


def parse_fixes(texts: Iterable[str]) -> dict[str, Any]:
    """What `--fix key=value` fixes settings to; raises ValueError if a text is not of that form or not allowed."""
    values: dict[str, Any] = {}
    for text in texts:
        name, equals, given = text.partition("=")
        if not equals:
            raise ValueError(f"--fix must be key=value. Received: {text}")
        if name in values:
            raise ValueError(f"--fix must name a setting once. Received: {name} twice")
        value: Any = None if given == "none" else given
        with contextlib.suppress(ValueError, RecursionError):
            value = json.loads(given)
        values[name] = read_entry(name, value)
    return values


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The dict of a JSON object, in which JSON itself allows a name twice."""
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError(f"{max(names, key=names.count)} comes twice")
    return dict(pairs)


def read_entry(name: str, wanted: Any) -> Any:
    """Parses one setting of a space file or a flag to a `Choice`, a `Range`, or the one value that it is fixed to.

    `wanted` is one value, a list of values, or a dict with `min`, `max` and perhaps `step` or `log`.

    Raises:
        ValueError: The setting or a value is not allowed; the text names it and what is.
    """
    place_of(name)
    if isinstance(wanted, dict):
        entry = _range(name, wanted)
    elif isinstance(wanted, list):
        values = tuple(dict.fromkeys(_value(name, value) for value in wanted))
        if not values:
            raise ValueError(f"{name} must have a value. Received: {name}=[]")
        entry = Choice(values) if len(values) > 1 else values[0]
    else:
        entry = _value(name, wanted)
    if name in FIXED_ONLY and isinstance(entry, Choice | Range):
        raise ValueError(f"{name} must have one value, the same for all trials. Received: {name}={shown(entry)}")
    return entry


def _value(name: str, value: Any) -> Any:
    """One value, checked as the setting checks it."""
    value = None if value == "none" else value
    _, cls = place_of(name)
    return getattr(cls(**{name: value}), name)


def _range(name: str, wanted: dict[str, Any]) -> Any:
    allowed = [field.name for field in dataclasses.fields(Range)]
    if not {"min", "max"} <= set(wanted) <= set(allowed):
        raise ValueError(f"{name} must be a range with min, max, and perhaps step or log. Received: {name}={wanted}")
    if name in CHOICES or any(not _is_number(wanted[key]) for key in wanted if key != "log"):
        raise ValueError(f"{name} must be a list of values or a range of numbers. Received: {name}={wanted}")
    low, high = _value(name, wanted["min"]), _value(name, wanted["max"])
    step, log = wanted.get("step"), wanted.get("log", False)
    _, cls = place_of(name)
    whole = isinstance(getattr(cls(), name), int)
    if not isinstance(log, bool) or (log and (low <= 0 or step is not None)):
        raise ValueError(f"{name} must have log = true only with min > 0 and without step. Received: {name}={wanted}")
    if low > high or (step is not None and (step <= 0 or (whole and not isinstance(step, int)))):
        raise ValueError(f"{name} must have min <= max and a step > 0 of its kind. Received: {name}={wanted}")
    return low if low == high else Range(low, high, step, log)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
