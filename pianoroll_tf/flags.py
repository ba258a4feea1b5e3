"""Converts settings to command-line flags, and parsed flags to settings."""

import argparse
import dataclasses
import json
import typing
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pianoroll_tf.choices import own_settings
from pianoroll_tf.settings import field_types

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def add_flags(parser: argparse.ArgumentParser, cls: "type[DataclassInstance]", defaults: Any = None) -> None:
    """Adds one flag per field of `cls`, with the name and help text of the field.

    A section with `options` gets a flag for each of these as well: `--weight 3` is `--loss-option weight=3`.

    Args:
        parser: Parser of the command.
        cls: Class of settings.
        defaults: An instance whose values become the defaults. Default: those of the fields.
    """
    group = parser.add_argument_group((cls.__doc__ or cls.__name__).splitlines()[0].rstrip("."))
    for field in dataclasses.fields(cls):
        default = field.default if defaults is None else getattr(defaults, field.name)
        name = field.metadata.get("flag", field.name)
        group.add_argument("--" + name.replace("_", "-"), **_arguments(field, default))
    for name, (table, keys, field) in _option_fields(cls).items():
        flag = "--" + name.replace("_", "-")
        if flag in parser._option_string_actions:  # a flag of the command itself; `options` can still hold the setting
            continue
        arguments = _arguments(field, field.default)
        arguments["help"] += f"; of {table} {', '.join(keys)}"
        group.add_argument(flag, **arguments | {"default": argparse.SUPPRESS, "dest": _dest(table, name)})


def _option_fields(cls: type) -> dict[str, tuple[str, tuple[str, ...], dataclasses.Field]]:
    """Settings that are `options` of a section: name → table, keys of the entries that have it, dataclass field."""
    fields = {field.name: field for field in dataclasses.fields(cls)}
    table = fields["options"].metadata["table"] if "options" in fields else None
    own = own_settings(table) if table else {}
    return {name: (str(table), *found) for name, found in own.items() if name not in fields}


def _dest(table: str, name: str) -> str:
    """The name of an option in the parsed arguments, which no positional argument can have."""
    return f"{table}:{name}"


def _arguments(field: dataclasses.Field, default: Any) -> dict[str, Any]:
    """What `add_argument` takes for a field."""
    text, choices = field.metadata["help"].replace("%", "%%"), field.metadata.get("choices")
    kind = next(kind for kind in field_types(field) if kind is not type(None))
    if kind is dict:
        return {"type": _pair, "action": "append", "default": [], "metavar": "NAME=VALUE", "help": text}
    if isinstance(choices, Mapping):  # a table that may grow: the settings check it
        text, choices = f"{text}: {', '.join(choices)}", None
    shown = " ".join(map(str, default)) if kind is tuple else default
    if isinstance(shown, bool):
        shown = "yes" if shown else "no"
    if shown is not None:
        text += f" (default: {'none' if shown == '' else shown})"
    arguments = {"default": default, "help": text}
    if kind is bool:
        return arguments | {"action": argparse.BooleanOptionalAction}
    if kind is tuple:
        kind, arguments["nargs"] = typing.get_args(field.type)[0], "+"
    parse = _parser_of(kind) if hasattr(kind, "from_text") else kind
    return arguments | {"type": parse, "choices": choices, "metavar": None if choices else kind.__name__.upper()}


def _parser_of(kind: Any) -> Callable[[str], Any]:
    """`from_text` of an entry that is more than a number or a text, whose errors argparse shows as they are."""

    def parse(text: str) -> Any:
        try:
            return kind.from_text(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parse


def tell_apart(parser: argparse.ArgumentParser, cls: "type[DataclassInstance]") -> None:
    """Lets the flags of `add_flags` that are not given be None, for which `from_args` takes its `defaults`."""
    parser.set_defaults(**{field.metadata.get("flag", field.name): None for field in dataclasses.fields(cls)})


def from_args(cls: type[T], args: argparse.Namespace, defaults: T | None = None) -> T:
    """Creates settings from the flags that `add_flags` added.

    Args:
        cls: Class of settings.
        args: The parsed flags.
        defaults: Values of flags that are not given, after `tell_apart`. Default: those of the fields.

    Raises:
        ValueError: A value is not allowed.
    """
    values = {}
    for field in dataclasses.fields(cls):
        value = getattr(args, field.metadata.get("flag", field.name))
        kind = typing.get_origin(field.type)
        if value is None and defaults is not None:
            value = getattr(defaults, field.name)
        elif value is None:
            value = {} if kind is dict else field.default
        values[field.name] = kind(value) if kind in (tuple, dict) else value
    own = _option_fields(cls)
    if own:
        values["options"] = _options(cls, args, own, defaults, values)
    return cls(**values)


def _options(
    cls: type, args: argparse.Namespace, own: dict[str, tuple], defaults: Any, values: dict[str, Any]
) -> dict[str, Any]:
    """The options of a section: those given, over those of `defaults` if these are of the same entry of the table."""
    field = next(field for field in dataclasses.fields(cls) if field.name == "options")
    table = field.metadata["table"]
    given = dict(getattr(args, field.metadata.get("flag", "options")) or ())
    same = defaults is not None and getattr(defaults, table) == values[table]
    options = (dict(defaults.options) if same else {}) | given
    for name in own:
        if hasattr(args, _dest(table, name)):
            value, flag = getattr(args, _dest(table, name)), name.replace("_", "-")
            if name in given:
                raise ValueError(f"{name} must be given once. Received: --{flag} and --{table}-option {name}")
            options[name] = tuple(value) if isinstance(value, list) else value
    return options


def _pair(text: str) -> tuple[str, Any]:
    """Name and value of NAME=VALUE; the value is a number, true, false, none, or a text."""
    name, equals, word = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"must be NAME=VALUE. Received: {text}")
    try:
        return name, None if word == "none" else json.loads(word)
    except ValueError:
        return name, word


def to_flags(settings: "DataclassInstance", defaults: "DataclassInstance | None" = None) -> list[str]:
    """The flags of these settings, without those that are the defaults.

    >>> from pianoroll_tf.config import RecordsConfig
    >>> to_flags(RecordsConfig(pedal=True, limit=9, include="*.mid"))
    ['--pedal', '--include', '*.mid', '--limit', '9']
    """
    arguments, defaults = [], defaults or type(settings)()
    for field in dataclasses.fields(settings):
        value, name = getattr(settings, field.name), field.name.replace("_", "-")
        if value is None or value == getattr(defaults, field.name):
            continue
        # settings that only one entry of a table has are in a mapping
        own = value if isinstance(value, Mapping) else {name: value}
        arguments += [word for key, each in own.items() for word in _flag(key.replace("_", "-"), each)]
    return arguments


def _flag(name: str, value: Any) -> list[str]:
    """The words of a flag; none for None, which no flag can express."""
    if value is None:
        return []
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    return [f"--{name}", *map(str, value if isinstance(value, tuple | list) else [value])]
