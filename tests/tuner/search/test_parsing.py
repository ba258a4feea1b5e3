"""Spaces of a search that are accepted, and errors that name the setting and what is allowed."""

import pytest

from pianoroll_tf.errors import UserError
from tuner.search.parsing import parse_fixes, read_entry, read_space
from tuner.search.space import Choice, Range


@pytest.mark.parametrize(
    ("name", "wanted", "entry"),
    [
        ("gru_units", 64, 64),
        ("gru_units", [64, 128, 64], Choice((64, 128))),
        ("gru_units", [64], 64),
        ("alpha", ["none", 0.25], Choice((None, 0.25))),
        ("alpha", "none", None),
        ("learning_rate", {"min": 1e-4, "max": 1e-2, "log": True}, Range(1e-4, 1e-2, log=True)),
        ("gru_units", {"min": 64, "max": 256, "log": True}, Range(64, 256, log=True)),
        ("dropout", {"min": 0.0, "max": 0.5, "step": 0.25}, Range(0.0, 0.5, step=0.25)),
        ("transpose", {"min": 3, "max": 3}, 3),
        ("prior_bias", [True, False], Choice((True, False))),
        ("steps_per_epoch", 7, 7),
    ],
)
def test_entries(name, wanted, entry):
    assert read_entry(name, wanted) == entry


@pytest.mark.parametrize(
    ("name", "wanted", "line"),
    [
        ("units", 64, "a setting of the space must be one of window_steps, .*gru_units, .*Received: units"),
        ("epochs", 3, "epochs must be given as a flag: --epochs"),
        ("loss", ["bce", "hinge"], "loss must be one of bce, weighted_bce, focal. Received: loss='hinge'"),
        ("loss", [["bce"]], "loss must be one of bce, weighted_bce, focal"),
        ("loss", {"min": 1, "max": 2}, "loss must be a list of values"),
        ("gru_units", 1.5, "gru_units must be a whole number >= 1 and <= 8192. Received: gru_units=1.5"),
        ("gru_units", "many", "gru_units must be a whole number"),
        ("gru_units", [], "gru_units must have a value"),
        ("gru_units", {"min": 1, "max": 9000}, "gru_units must be a whole number >= 1 and <= 8192"),
        ("gru_units", {"min": 1, "max": 9, "step": 0.5}, "a step > 0 of its kind"),
        ("gru_units", {"min": 9, "max": 1}, "min <= max"),
        ("dropout", {"min": 0.0, "max": 0.5, "step": 0}, "a step > 0"),
        ("dropout", {"min": 0.0, "max": 0.5, "log": True}, "log = true only with min > 0"),
        ("dropout", {"min": 0.1, "max": 0.5, "log": True, "step": 0.1}, "without step"),
        ("dropout", {"least": 0.1}, "dropout must be a range with min, max, and perhaps step or log"),
        ("dropout", {"min": 0.1, "max": True}, "dropout must be a list of values or a range of numbers"),
        ("dropout", float("nan"), "dropout must be a number"),
        ("patience", [1, 2], "patience must have one value, the same for all trials"),
    ],
)
def test_what_is_not_allowed_is_named(name, wanted, line):
    with pytest.raises(ValueError, match=line):
        read_entry(name, wanted)


def test_fixes():
    assert parse_fixes(["loss=focal", "gamma=2", "prior_bias=false"]) == {
        "loss": "focal",
        "gamma": 2,
        "prior_bias": False,
    }
    assert parse_fixes(["optimizer=adamw", "gru_units=64", "alpha=none"]) == {
        "optimizer": "adamw",
        "gru_units": 64,
        "alpha": None,
    }
    for texts, line in (
        (["loss"], "--fix must be key=value"),
        (["loss=bce", "loss=focal"], "once"),
        (["x=1"], "must be one of"),
        (["seed=1"], "--seed"),
        (["loss=hinge"], "loss must be one of bce, weighted_bce, focal"),
    ):
        with pytest.raises(ValueError, match=line):
            parse_fixes(texts)


def test_space_files(tmp_path):
    toml, json = tmp_path / "space.toml", tmp_path / "space.json"
    toml.write_text('loss = ["bce"]\ndropout = {min = 0.0, max = 0.2}\n')
    json.write_text('{"loss": ["bce"], "dropout": {"min": 0.0, "max": 0.2}}')
    assert read_space(toml) == read_space(json) == {"loss": "bce", "dropout": Range(0.0, 0.2)}


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("space.json", "[1]", "must hold a table of settings. Received: list"),
        ("space.json", "{", "must be JSON"),
        ("space.json", "[" * 100_000, "must be JSON"),
        ("space.json", '{"loss": "bce", "loss": "focal"}', "loss comes twice"),
        ("space.json", '{"loss": "hinge"}', "space.json: loss must be one of bce, weighted_bce, focal"),
        ("space.toml", "loss", "must be TOML"),
        ("space.toml", None, "is missing"),
        ("space.yaml", "", "must be named .toml or .json"),
    ],
)
def test_damaged_space_files(tmp_path, name, content, line):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=line):
        read_space(tmp_path / name)
