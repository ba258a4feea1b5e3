"""Settings: limits, JSON and flags."""

import dataclasses
import json

import pytest

from pianoroll_tf import config
from pianoroll_tf.config import DataFacts, LossConfig, RunConfig
from pianoroll_tf.settings import dumps, from_dict, to_dict

ALL = [value for value in vars(config).values() if dataclasses.is_dataclass(value) and isinstance(value, type)]


@pytest.mark.parametrize("cls", ALL)
def test_json_round_trip(cls: type) -> None:
    settings = cls()
    assert from_dict(cls, json.loads(dumps(to_dict(settings)))) == settings


def test_nested_values_and_tuples_survive_json() -> None:
    run = RunConfig(data=DataFacts(pitch_frequency=(0.25, 0.5)), loss=LossConfig(loss="focal", alpha=0.25))
    assert from_dict(RunConfig, json.loads(dumps(to_dict(run)))) == run
