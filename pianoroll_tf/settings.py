"""Base of all settings: frozen dataclasses whose fields have a help text and limits, to and from JSON."""

import dataclasses
import json
import math
import re
import types
import typing
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def setting(default: Any, help: str, **limits: Any) -> Any:
    """A dataclass field with its help text and limits.

    Args:
        default: Default of the field and of its flag.
        help: One line for `--help`.
        **limits: `choices` (a tuple, or a table whose keys they are), `minimum`, `maximum` (both inclusive), `above`,
            `below` (both exclusive). Other entries are kept for those who read the field's metadata.
    """
    return dataclasses.field(default=default, metadata={"help": help, **limits})


def same_setting(cls: type, name: str) -> Any:
    """A dataclass field with the default, help and limits of the field `name` of `cls`."""
    (field,) = (field for field in dataclasses.fields(cls) if field.name == name)
    return dataclasses.field(default=field.default, metadata=field.metadata)


class Settings:
    """Base class of settings; checks the values of an instance when it is created.

    Raises:
        ValueError: A value is of the wrong type or outside its limits.
    """

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]  # every subclass is a dataclass

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if not dataclasses.is_dataclass(field.type):
                _check(field, getattr(self, field.name))


def field_types(field: dataclasses.Field) -> tuple[Any, ...]:
    """The types a field accepts: `(float, NoneType)` for `float | None`."""
    if isinstance(field.type, types.UnionType):
        return typing.get_args(field.type)
    return (typing.get_origin(field.type) or field.type,)


def _allowed(field: dataclasses.Field) -> str:
    """What a field accepts, in words."""
    limits = field.metadata
    if "choices" in limits:
        return "one of " + ", ".join(limits["choices"])
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    kinds = field_types(field)
    words = " or ".join(names.get(kind, kind.__name__) for kind in kinds if kind is not type(None))
    signs = (("minimum", ">="), ("above", ">"), ("maximum", "<="), ("below", "<"))
    bounds = " and ".join(f"{sign} {limits[key]}" for key, sign in signs if key in limits)
    return words + (f" {bounds}" if bounds else "") + (" or none" if type(None) in kinds else "")


def _check(field: dataclasses.Field, value: Any) -> None:
    kinds, limits = field_types(field), field.metadata
    if value is None and type(None) in kinds:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        good = isinstance(value, kinds) and (isinstance(value, bool) == (bool in kinds))
    else:
        good = (
            (float in kinds or (int in kinds and isinstance(value, int)))
            and math.isfinite(value)
            and limits.get("minimum", -math.inf) <= value <= limits.get("maximum", math.inf)
            and limits.get("above", -math.inf) < value < limits.get("below", math.inf)
        )
    if not good or ("choices" in limits and value not in limits["choices"]):
        raise ValueError(f"{field.name} must be {_allowed(field)}. Received: {field.name}={value!r}")


def check_entry(name: str, value: str, table: Collection[str]) -> None:
    """Raises ValueError unless `value`, the setting called `name`, is an entry of the table.

    >>> check_entry("loss", "hinge", {"bce": ..., "focal": ...})
    Traceback (most recent call last):
    ValueError: loss must be one of bce, focal. Received: loss='hinge'
    """
    if value not in table:
        raise ValueError(f"{name} must be one of {', '.join(table)}. Received: {name}={value!r}")


def to_dict(settings: Any) -> dict[str, Any]:
    """The settings as a JSON-ready dict, nested dataclasses included; empty mappings are left out."""
    return dataclasses.asdict(
        settings, dict_factory=lambda items: {name: value for name, value in items if value != {}}
    )


def from_dict(cls: type[T], values: dict[str, Any]) -> T:
    """Creates settings from a dict made by `to_dict`; raises ValueError for a name or a value that is not allowed."""
    fields = {field.name: field for field in dataclasses.fields(cls)}
    if unknown := sorted(set(values) - set(fields)):
        raise ValueError(f"{cls.__name__} must hold only {', '.join(fields)}. Received: {', '.join(unknown)}")
    return cls(**{name: _from_json(fields[name].type, value) for name, value in values.items()})


def _from_json(kind: Any, value: Any) -> Any:
    """Converts a value read from JSON to the type of its field."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return from_dict(kind, value)
    if typing.get_origin(kind) is tuple and isinstance(value, list):
        return tuple(_from_json(typing.get_args(kind)[0], entry) for entry in value)
    return value


def dumps(value: Any) -> str:
    r"""JSON text as this package writes it: sorted keys, indented, no NaN, one newline at the end.

    It can be encoded as UTF-8 even if it has the name of a file that cannot.

    >>> dumps({"name": "\u00fc"}) == '{\n "name": "\u00fc"\n}\n', dumps("\udcff") == '"\\udcff"\n'
    (True, True)
    """
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)
