"""Converts settings to command-line flags, and parsed flags to settings."""

import argparse
import dataclasses
import json
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pianoroll_tf.settings import field_types

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def add_flags(parser: argparse.ArgumentParser, cls: "type[DataclassInstance]", defaults: Any = None) -> None:
    """Adds one flag per field of `cls`, with the name and help text of the field.

    Args:
        parser: Parser of the command.
        cls: Class of settings.
        defaults: An instance whose values become the defaults. Default: those of the fields.
    """
    group = parser.add_argument_group((cls.__doc__ or cls.__name__).splitlines()[0].rstrip("."))
    for field in dataclasses.fields(cls):
        name = _dest(field)
        flag = "--" + name.replace("_", "-")
        if typing.get_origin(field.type) is dict:
            text = field.metadata["help"].replace("%", "%%")
            group.add_argument(
                flag, dest=name, type=_pair, action="append", default=[], metavar="NAME=VALUE", help=text
            )
            continue
        is_tuple = typing.get_origin(field.type) is tuple
        value: Any = field.default if defaults is None else getattr(defaults, field.name)
        default = " ".join(map(str, value)) if is_tuple else value
        if isinstance(default, bool):
            default = "yes" if default else "no"
        elif default == "":
            default = "none"
        choices = field.metadata.get("choices")
        if isinstance(choices, Mapping):  # a table that may grow: the settings check it
            text, choices = f"{field.metadata['help']}: {', '.join(choices)}", None
        else:
            text = field.metadata["help"]
        text += "" if default is None else f" (default: {default})"
        if bool in field_types(field):
            group.add_argument(flag, action=argparse.BooleanOptionalAction, default=value, help=text)
            continue
        kinds = typing.get_args(field.type) if is_tuple else field_types(field)
        kind = next(kind for kind in kinds if kind is not type(None))
        group.add_argument(
            flag,
            type=kind,
            nargs="+" if is_tuple else None,
            default=value,
            choices=choices,
            metavar=None if choices else kind.__name__.upper(),
            help=text.replace("%", "%%"),
        )


def from_args(cls: type[T], args: argparse.Namespace) -> T:
    """Creates settings from the flags that `add_flags` added.

    Raises:
        ValueError: A value is not allowed.
    """
    values = {}
    for field in dataclasses.fields(cls):
        value, kind = getattr(args, _dest(field)), typing.get_origin(field.type)
        values[field.name] = kind(value) if kind in (tuple, dict) else value
    return cls(**values)


def _dest(field: dataclasses.Field) -> str:
    """Name of the field's value among the arguments."""
    return field.metadata.get("flag", field.name)


def _pair(text: str) -> tuple[str, Any]:
    """Name and value of NAME=VALUE; the value is a number, true, false, none, or a text."""
    name, equals, word = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE. Received: {text}")
    try:
        return name, None if word == "none" else json.loads(word)
    except ValueError:
        return name, word
