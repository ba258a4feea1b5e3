"""Settings as flags."""

import argparse
import dataclasses

import pytest

from pianoroll_tf import config
from pianoroll_tf.choices import CHOICES, Entry
from pianoroll_tf.config import DataFacts, RecordsConfig, RunConfig
from pianoroll_tf.flags import add_flags, from_args, tell_apart
from pianoroll_tf.settings import Settings, setting

ALL = [value for value in vars(config).values() if dataclasses.is_dataclass(value) and isinstance(value, type)]


@pytest.mark.parametrize("cls", [cls for cls in ALL if cls not in (RunConfig, DataFacts)])
def test_flags_default_to_the_field_defaults(cls: type) -> None:
    parser = argparse.ArgumentParser()
    add_flags(parser, cls)
    assert from_args(cls, parser.parse_args([])) == cls()


def test_flags_are_named_after_the_fields() -> None:
    parser = argparse.ArgumentParser()
    add_flags(parser, RecordsConfig)
    args = parser.parse_args(["--grid", "beats", "--steps-per-beat", "12", "--drums", "--limit", "3"])
    got = from_args(RecordsConfig, args)
    assert (got.grid, got.steps_per_beat, got.drums, got.limit, got.steps_per_unit) == ("beats", 12, True, 3, 12)


def test_a_setting_of_several_values_is_a_flag_with_several_words() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Several(Settings):
        """Several."""

        names: tuple[str, ...] = setting(("a", "b"), "names")

    parser = argparse.ArgumentParser()
    add_flags(parser, Several)
    assert from_args(Several, parser.parse_args([])).names == ("a", "b")
    assert from_args(Several, parser.parse_args(["--names", "x", "y", "z"])).names == ("x", "y", "z")
    assert "names (default: a b)" in " ".join(parser.format_help().split())


def test_help_tells_every_default_even_no_and_none_and_zero() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Several(Settings):
        """Several."""

        off: bool = setting(False, "off")
        on: bool = setting(True, "on")
        hosts: tuple[str, ...] = setting((), "hosts")
        decay: float = setting(0.0, "decay")

    parser = argparse.ArgumentParser()
    add_flags(parser, Several)
    help_text = " ".join(parser.format_help().split())
    for words in ("off (default: no)", "on (default: yes)", "hosts (default: none)", "decay (default: 0.0)"):
        assert words in help_text
    assert help_text.count("default") == 4


def test_options_are_given_as_pairs(capsys) -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Open(Settings):
        """Open."""

        more: dict[str, float] = dataclasses.field(default_factory=dict, metadata={"help": "more"})

    parser = argparse.ArgumentParser()
    add_flags(parser, Open)
    assert from_args(Open, parser.parse_args([])) == Open()
    words = ["--more", "a=1", "--more", "b=0.5", "--more", "c=none", "--more", "d=true", "--more", "e=x=y"]
    assert from_args(Open, parser.parse_args(words)).more == {"a": 1, "b": 0.5, "c": None, "d": True, "e": "x=y"}
    with pytest.raises(SystemExit):
        parser.parse_args(["--more", "a"])
    assert "must be NAME=VALUE. Received: a" in capsys.readouterr().err


def test_flags_that_are_not_given_can_be_told_apart() -> None:
    parser = argparse.ArgumentParser()
    add_flags(parser, config.ModelConfig)
    tell_apart(parser, config.ModelConfig)
    args = parser.parse_args(["--gru-units", "32", "--no-clock"])
    there = config.ModelConfig(gru_units=64, dropout=0.3)
    assert from_args(config.ModelConfig, args, there) == config.ModelConfig(gru_units=32, clock=False, dropout=0.3)
    assert from_args(config.ModelConfig, args) == config.ModelConfig(gru_units=32, clock=False)
    assert "units of a recurrent layer (default: 256)" in " ".join(parser.format_help().split())


def test_options_are_inherited_from_the_same_entry_alone(monkeypatch) -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class DeepSettings(Settings):
        layers_of: int = setting(2, "layers", minimum=1)

    monkeypatch.setitem(CHOICES["head"], "deep", Entry(settings=DeepSettings))
    parser = argparse.ArgumentParser()
    add_flags(parser, config.ModelConfig)
    tell_apart(parser, config.ModelConfig)
    inherited = config.ModelConfig(head="deep", options={"layers_of": 3})

    def options(*words):
        return from_args(config.ModelConfig, parser.parse_args(words), inherited).options

    assert options() == options("--head", "deep", "--layers-of", "3") == {"layers_of": 3}
    assert options("--layers-of", "4") == options("--head-option", "layers_of=4") == {"layers_of": 4}
    assert options("--head", "nade") == {}
    with pytest.raises(ValueError, match=r"given once\. Received: --layers-of and --head-option layers_of"):
        options("--layers-of", "4", "--head-option", "layers_of=4")
