"""Reads the values of a request by a pydantic model; says in words what a field allows."""

from collections.abc import Mapping
from typing import Any, TypeVar

import pydantic

from pianoroll_tf.serving.refusals import InvalidRequestError
from pianoroll_tf.serving.strict_json import format_value

_SIGNS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<="}  # bounds in a JSON schema
_TYPES = {"integer": "a whole number", "number": "a number"}
F = TypeVar("F", bound=pydantic.BaseModel)


def schema_of(fields: type[pydantic.BaseModel]) -> dict[str, Any]:
    """The JSON schema of a model's fields, without titles, and without a default of null where null is refused."""
    schema = fields.model_json_schema()
    for field in schema["properties"].values():
        del field["title"]
        if field.get("default", ...) is None:  # null is not allowed in each of them
            del field["default"]
    return schema


def read_by(
    fields: type[F], schema: dict[str, Any], values: Mapping[str, Any], words: Mapping[str, str] | None = None
) -> F:
    """The fields with these values.

    Args:
        fields: The model.
        schema: Of the model, from `schema_of`.
        values: From JSON or a form.
        words: Field → what it allows, where the schema does not tell.

    Raises:
        InvalidRequestError: A field is unknown, missing, or its value is not allowed; the message names it.
    """
    properties = schema["properties"]
    for name in values:  # before pydantic, which would collect an error for each of thousands of unknown fields
        if name not in properties:
            raise InvalidRequestError(f"fields must be among {', '.join(properties)}. Received: {name}")
    try:
        return fields.model_validate(values)
    except pydantic.ValidationError as error:
        [problem, *_] = error.errors(include_url=False)
        name = str(problem["loc"][0])
        if problem["type"] == "missing":
            raise InvalidRequestError(f"{name} must be given. Received: none") from error
        if words and name in words:
            allowed = f"{name} must be {words[name]}."
        elif problem["type"] == "value_error":  # of `parse_meter`
            allowed = str(problem["ctx"]["error"]).partition(" Received:")[0]
        else:
            allowed = f"{name} must be {allowed_values(properties[name])}."
        raise InvalidRequestError(f"{allowed} Received: {name}={format_value(problem['input'])}") from error


def allowed_values(schema: Mapping[str, Any]) -> str:
    """What the JSON schema of a field allows, in words.

    >>> allowed_values({"type": "integer", "minimum": 1, "maximum": 8})
    'a whole number >= 1 and <= 8'
    """
    schema = schema.get("anyOf", [schema])[0]  # the other option is null
    if "enum" in schema:
        return "one of " + ", ".join(schema["enum"])
    bounds = [f"{sign} {schema[key]}" for key, sign in _SIGNS.items() if key in schema]
    return f"{_TYPES[schema['type']]} {' and '.join(bounds)}"


def bounds(schema: Mapping[str, Any]) -> list[float]:
    """The lowest and highest value of a number; just above a bound that is exclusive.

    >>> bounds({"type": "number", "exclusiveMinimum": 0.0, "maximum": 1.0})
    [0.01, 1.0]
    """
    schema = schema.get("anyOf", [schema])[0]
    return [schema["minimum"] if "minimum" in schema else schema["exclusiveMinimum"] + 0.01, schema["maximum"]]
