"""Settings: limits, JSON and flags."""

import argparse
import dataclasses
import json

import pytest

from pianoroll_tf import config
from pianoroll_tf.config import DataFacts, LossConfig, ModelConfig, RecordsConfig, RunConfig

ALL = [value for value in vars(config).values() if dataclasses.is_dataclass(value) and isinstance(value, type)]


@pytest.mark.parametrize("cls", ALL)
def test_json_round_trip(cls: type) -> None:
    settings = cls()
    assert config.from_dict(cls, json.loads(config.dumps(config.to_dict(settings)))) == settings


def test_nested_values_and_tuples_survive_json() -> None:
    run = RunConfig(data=DataFacts(pitch_frequency=(0.25, 0.5)), loss=LossConfig(loss="focal", alpha=0.25))
    assert config.from_dict(RunConfig, json.loads(config.dumps(config.to_dict(run)))) == run


@pytest.mark.parametrize("cls", [cls for cls in ALL if cls not in (RunConfig, DataFacts)])
def test_flags_default_to_the_field_defaults(cls: type) -> None:
    parser = argparse.ArgumentParser()
    config.add_flags(parser, cls)
    assert config.from_args(cls, parser.parse_args([])) == cls()


def test_flags_are_named_after_the_fields() -> None:
    parser = argparse.ArgumentParser()
    config.add_flags(parser, RecordsConfig)
    args = parser.parse_args(["--grid", "beats", "--steps-per-beat", "12", "--drums", "--limit", "3"])
    got = config.from_args(RecordsConfig, args)
    assert (got.grid, got.steps_per_beat, got.drums, got.limit, got.steps_per_unit) == ("beats", 12, True, 3, 12)


def test_a_setting_of_several_values_is_a_flag_with_several_words() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Several(config.Settings):
        """Several."""

        names: tuple[str, ...] = config.setting(("a", "b"), "names")

    parser = argparse.ArgumentParser()
    config.add_flags(parser, Several)
    assert config.from_args(Several, parser.parse_args([])).names == ("a", "b")
    assert config.from_args(Several, parser.parse_args(["--names", "x", "y", "z"])).names == ("x", "y", "z")
    assert "names (default: a b)" in " ".join(parser.format_help().split())


def test_help_tells_every_default_even_no_and_none_and_zero() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Several(config.Settings):
        """Several."""

        off: bool = config.setting(False, "off")
        on: bool = config.setting(True, "on")
        hosts: tuple[str, ...] = config.setting((), "hosts")
        decay: float = config.setting(0.0, "decay")

    parser = argparse.ArgumentParser()
    config.add_flags(parser, Several)
    said = " ".join(parser.format_help().split())
    for words in ("off (default: no)", "on (default: yes)", "hosts (default: none)", "decay (default: 0.0)"):
        assert words in said
    assert said.count("default") == 4


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
        config.from_dict(ModelConfig, {"unitz": 3})
