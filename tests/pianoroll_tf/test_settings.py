"""Settings refuse values that are not allowed, by name."""

import pytest

from pianoroll_tf.config import LossConfig, ModelConfig, RecordsConfig
from pianoroll_tf.settings import from_dict


@pytest.mark.parametrize(
    ("cls", "values", "message"),
    [
        (RecordsConfig, {"val": 2}, r"val must be a number >= 0.0 and < 1.0. Received: val=2"),
        (RecordsConfig, {"val": float("nan")}, "Received: val=nan"),
        (RecordsConfig, {"val": 0.5, "test": 0.5}, r"val \+ test must be < 1"),
        (RecordsConfig, {"shards": True}, "shards must be a whole number"),
        (RecordsConfig, {"shards": 1.5}, "shards must be a whole number"),
        (RecordsConfig, {"drums": 1}, "drums must be true or false"),
        (RecordsConfig, {"grid": "bars"}, "grid must be one of auto, beats, seconds"),
        (RecordsConfig, {"limit": 0}, "limit must be a whole number >= 1 or none"),
        (LossConfig, {"alpha": 1.0}, "alpha must be"),
        (ModelConfig, {"dropout": -0.1}, "dropout must be"),
    ],
)
def test_a_value_that_is_not_allowed_is_named(cls: type, values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cls(**values)


def test_an_unknown_name_is_named() -> None:
    with pytest.raises(ValueError, match="Received: unitz"):
        from_dict(ModelConfig, {"unitz": 3})
