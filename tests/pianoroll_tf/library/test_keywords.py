"""Settings of a run as keywords."""

import dataclasses

import pytest

from pianoroll_tf import choices
from pianoroll_tf.config import SECTIONS, ModelConfig
from pianoroll_tf.library.keywords import run_sections, setting_places
from pianoroll_tf.settings import Settings, setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class HingeSettings(Settings):
    margin: float = setting(1.0, "margin", above=0.0)


def test_every_setting_reaches_its_section():
    places = setting_places()
    assert places["window_steps"] == "dataset"
    assert places["gru_units"] == places["head_units"] == "model"
    assert places["alpha"] == "loss"
    assert places["weight_decay"] == "optimizer"
    assert places["rms_momentum"] == "optimizer"
    assert run_sections({"optimizer": "rmsprop", "rms_momentum": 0.5})["optimizer"].options["rms_momentum"] == 0.5
    for name, section in places.items():
        if name.startswith("rms_"):  # an option, of RMSprop alone
            continue
        default = getattr(SECTIONS[section](), name)
        assert getattr(run_sections({name: default})[section], name) == default


def test_settings_of_a_registered_loss_become_its_options(monkeypatch):
    monkeypatch.setitem(choices.CHOICES["loss"], "hinge", choices.Entry(settings=HingeSettings))
    assert run_sections({"loss": "hinge", "margin": 2.0})["loss"].options == {"margin": 2.0}
    with pytest.raises(ValueError, match=r"an option of loss bce must be one of: none. Received: margin"):
        run_sections({"margin": 2.0})


def test_an_unknown_setting_names_what_is_near_or_all():
    with pytest.raises(ValueError, match=r"a setting must be one of epochs. Received: epoch=3"):
        run_sections({"epoch": 3})
    with pytest.raises(ValueError, match=r"one of alpha, articulation, .*, window_steps. Received: x=1"):
        run_sections({"x": 1})


def test_a_value_outside_its_limits():
    with pytest.raises(ValueError, match="epochs must be a whole number >= 1"):
        run_sections({"epochs": 0})


def test_options_of_a_head_are_inherited_with_it(monkeypatch):
    monkeypatch.setitem(choices.CHOICES["head"], "deep", choices.Entry(settings=HingeSettings))
    other = ModelConfig(head="deep", options={"margin": 3.0}, gru_units=32)
    assert run_sections({}, other)["model"] == other
    assert run_sections({"margin": 4.0}, other)["model"].options == {"margin": 4.0}
    assert run_sections({"head": "nade"}, other)["model"] == ModelConfig(head="nade", gru_units=32)
