"""Converts settings to command-line flags, and parsed flags to settings."""

import argparse
import dataclasses
import typing
from typing import Any, TypeVar

from pianoroll_tf.settings import field_types

T = TypeVar("T")


def add_flags(parser: argparse.ArgumentParser, cls: type, defaults: Any = None) -> None:
    """Adds one flag per field of `cls`, with the name and help text of the field.

    Args:
        parser: Parser of the command.
        cls: Class of settings.
        defaults: An instance whose values become the defaults. Default: those of the fields.
    """
    group = parser.add_argument_group((cls.__doc__ or cls.__name__).splitlines()[0].rstrip("."))
    for field in dataclasses.fields(cls):
        flag = "--" + field.name.replace("_", "-")
        is_tuple = typing.get_origin(field.type) is tuple
        value = field.default if defaults is None else getattr(defaults, field.name)
        default = " ".join(map(str, value)) if is_tuple else value
        if isinstance(default, bool):
            default = "yes" if default else "no"
        elif default == "":
            default = "none"
        text = field.metadata["help"] + ("" if default is None else f" (default: {default})")
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
            choices=field.metadata.get("choices"),
            metavar=None if "choices" in field.metadata else kind.__name__.upper(),
            help=text.replace("%", "%%"),
        )


def from_args(cls: type[T], args: argparse.Namespace) -> T:
    """Creates settings from the flags that `add_flags` added.

    Raises:
        ValueError: A value is not allowed.
    """
    values = {field.name: getattr(args, field.name) for field in dataclasses.fields(cls)}
    return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
