"""Values are read by a model: unknown, missing and wrong ones are one line, in words where the schema does not tell."""

import pydantic
import pytest
from pydantic import Field

from pianoroll_tf.serving.http.reading import allowed_values, bounds, read_by, schema_of
from pianoroll_tf.serving.refusals import InvalidRequestError


class Fields(pydantic.BaseModel):
    """Three fields."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid")

    count: int = Field(ge=1, le=8, title="Count")
    speed: float = Field(default=1.0, gt=0, le=4)
    name: str = Field(default=None, pattern="^a")


SCHEMA = schema_of(Fields)
WORDS = {"name": "text that begins with a"}


def test_values_are_read():
    assert read_by(Fields, SCHEMA, {"count": 3}).model_dump() == {"count": 3, "speed": 1.0, "name": None}


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"count": 3, "size": 1}, "fields must be among count, speed, name. Received: size"),
        ({}, "count must be given. Received: none"),
        ({"count": 9}, "count must be a whole number >= 1 and <= 8. Received: count=9"),
        ({"count": 1, "speed": 0.0}, "speed must be a number > 0 and <= 4. Received: speed=0.0"),
        ({"count": 1, "name": "b"}, "name must be text that begins with a. Received: name='b'"),
    ],
)
def test_what_is_refused_is_one_line(values, line):
    with pytest.raises(InvalidRequestError) as caught:
        read_by(Fields, SCHEMA, values, WORDS)
    assert str(caught.value) == line


def test_the_schema_has_no_titles_and_no_null():
    properties = SCHEMA["properties"]
    assert all("title" not in field for field in properties.values())
    assert "default" not in properties["name"]
    assert (bounds(properties["count"]), bounds(properties["speed"])) == ([1, 8], [0.01, 4])
    assert allowed_values({"enum": ["midi", "roll"]}) == "one of midi, roll"
