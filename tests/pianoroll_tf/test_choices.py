"""The tables of choices, and a loss and an optimizer that are added to them from outside."""

import dataclasses
import json
import re

import keras
import numpy as np
import pytest
from keras import ops
from repository import ROOT
from synthetic_study import write_study
from tiny_export import export_tiny
from tiny_run import random_piece, tiny_config, tiny_records, write_records

from pianoroll_tf import choices, evaluate, train
from pianoroll_tf.choices import CHOICES, Entry
from pianoroll_tf.config import LossConfig, OptimizerConfig, RunConfig
from pianoroll_tf.generation import saved_model
from pianoroll_tf.modeling import losses, optimizers
from pianoroll_tf.modeling import run as run_model
from pianoroll_tf.modeling.run_folder import load_config
from pianoroll_tf.settings import Settings, dumps, from_dict, setting, to_dict
from tuner.report import data as report_data
from tuner.report.language import Language
from tuner.report.reproduce import tuning_table
from tuner.search.parsing import read_entry
from tuner.search.space import Choice, Range, make_space
from tuner.study import factorial, tasks
from tuner.study.settings import RAW, AllSettings, Combination, StudyConfig


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScaledSettings(Settings):
    """Settings of the made-up loss."""

    scale: float = setting(
        2.0, "factor on the logits", above=0.0, maximum=8.0, search={"min": 1.0, "max": 4.0}, study=(2.0, 4.0)
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class HeavySettings(Settings):
    """Settings of the made-up optimizer."""

    momentum: float = setting(0.9, "momentum", minimum=0.0, below=1.0, search=(0.0, 0.9), study=(0.9,))


def scaled(targets, logits, scale):
    """Cross-entropy of the logits times a factor, which makes them no log-odds."""
    return losses.binary_crossentropy(targets, scale * logits)


@pytest.fixture
def from_outside():
    """A loss "scaled" and an optimizer "heavy" in the tables, for the time of one test."""
    losses.register_loss("scaled", scaled, lambda logits, scale: scale * logits, ScaledSettings, label="Scaled")
    optimizers.register_optimizer("heavy", keras.optimizers.SGD, HeavySettings, label="Heavy ball")
    yield
    for table, key in ((CHOICES["loss"], "scaled"), (losses.LOSSES, "scaled"), (losses.POSTERIOR_LOGITS, "scaled")):
        del table[key]
    del CHOICES["optimizer"]["heavy"], optimizers.OPTIMIZERS["heavy"]


SCALED = {"loss": "scaled", "options": {"scale": 4.0}}


def test_settings_hold_the_options(from_outside):
    assert LossConfig(loss="scaled").options == {"scale": 2.0}  # the default
    config = RunConfig(loss=LossConfig(**SCALED), optimizer=OptimizerConfig(optimizer="heavy"))
    assert config.loss.arguments == {"scale": 4.0}
    assert not config.loss.proper
    assert from_dict(RunConfig, json.loads(dumps(to_dict(config)))) == config
    assert hash(config)
    assert "options" not in to_dict(LossConfig())  # files of other losses are as they were
    for options, message in (
        ({"scale": 0}, "scale must be a number > 0.0 and <= 8.0. Received: scale=0"),
        ({"margin": 1.0}, "an option of loss scaled must be one of: scale. Received: margin"),
    ):
        with pytest.raises(ValueError, match=message):
            LossConfig(loss="scaled", options=options)
    with pytest.raises(ValueError, match=r"an option of loss bce must be one of: none\. Received: scale"):
        LossConfig(options={"scale": 1.0})


def test_the_loss_and_its_posterior(from_outside):
    config = LossConfig(**SCALED)
    logits = np.array([-1.0, 0.0, 0.5], np.float32)
    loss = losses.make_loss(config)
    np.testing.assert_allclose(
        loss.call(np.ones(3, np.float32), logits), np.log1p(np.exp(-4 * logits)).sum(), rtol=1e-6
    )
    np.testing.assert_array_equal(losses.posterior_logits(config, logits), 4 * logits)
    np.testing.assert_allclose(losses.raw_logits(config, np.float64(2.0)), 0.5, rtol=1e-6)


def test_the_optimizer_has_its_option(from_outside):
    optimizer = optimizers.make_optimizer(OptimizerConfig(optimizer="heavy", options={"momentum": 0.5}), total_steps=9)
    assert optimizer.momentum == 0.5


def test_the_command_trains_and_evaluates_it(from_outside, tmp_path, capsys):
    pieces = {"train": [30, 40, 25], "val": [20, 12], "test": [33, 5]}
    rolls = {split: [random_piece(n, seed=n) for n in steps] for split, steps in pieces.items()}
    folders = [str(write_records(tmp_path / "records", rolls)), str(tmp_path / "run")]
    sizes = ["--window-steps", "16", "--batch-size", "4", "--conv-filters", "4", "--gru-units", "6", "--epochs", "1"]
    chosen = ["--loss", "scaled", "--loss-option", "scale=4", "--optimizer", "heavy", "--learning-rate", "0.001"]
    assert train.main([*folders, *sizes, *chosen]) == 0
    config = load_config(folders[1])
    assert (config.loss.options, config.optimizer.options) == ({"scale": 4.0}, {"momentum": 0.9})
    assert evaluate.main([folders[1]]) == 0
    results = json.loads((tmp_path / "run" / "evaluation" / "test.json").read_text())
    assert np.isfinite(results["model"]["nll"])
    assert "uncorrected_ece" in results  # as the loss is not proper
    assert "this model" in capsys.readouterr().out
    assert train.main([*folders, *sizes, *chosen, "--loss-option", "scale=9"]) == 2
    assert "scale must be a number > 0.0 and <= 8.0" in capsys.readouterr().err


def test_the_output_starts_at_the_frequencies_of_the_data(from_outside, tmp_path):
    config = tiny_config(tiny_records(tmp_path / "records"), loss=SCALED)
    bias = run_model.run_model(config).get_layer("head").get_weights()[1][-169:-85]  # of "sounds?"
    frequency = np.asarray(config.data.pitch_frequency)
    np.testing.assert_allclose(ops.sigmoid(4 * bias), np.clip(frequency, 1e-4, 1), rtol=1e-3)


def test_it_is_exported(from_outside, tmp_path):
    folder, _ = export_tiny(tmp_path / "model", "scaled")
    music = saved_model.load(folder)
    assert music.generate(np.zeros((1, 0, 84), np.uint8), 8).shape == (1, 8, 84)


def test_a_search_tries_it(from_outside):
    space = make_space({"gru_layers": 1})
    assert space.searched["loss"] == Choice(("bce", "weighted_bce", "focal", "scaled"))
    assert space.searched["optimizer"] == Choice(("adam", "adamw", "rmsprop", "heavy"))
    assert (space.searched["scale"], space.searched["momentum"]) == (Range(1.0, 4.0), Choice((0.0, 0.9)))
    trial = space.run_config(RunConfig(), {"loss": "scaled", "scale": 3.0, "optimizer": "heavy", "momentum": 0.0})
    assert (trial.loss.loss, trial.loss.options) == ("scaled", {"scale": 3.0})
    assert (trial.optimizer.options, trial.optimizer.weight_decay) == ({"momentum": 0.0}, 0.0)
    assert space.run_config(RunConfig(), {"loss": "bce"}).loss == LossConfig()
    assert read_entry("scale", {"min": 1, "max": 2}) == Range(1, 2)
    with pytest.raises(ValueError, match="scale must be left out: it counts only with loss=scaled"):
        make_space({"loss": "bce", "scale": 2.0})


def test_a_study_compares_it_and_reports_it(from_outside, tmp_path):
    study = StudyConfig(losses=("bce", "scaled"), optimizers=("adam", "heavy"), tuning_runs=3, seeds=2, ablations=True)
    settings = AllSettings(study=study)
    assert Combination("scaled", "heavy", RAW) in factorial.combinations(study)
    pair = Combination("scaled", "heavy")
    # the rate up and down, then the scale, from 2 to 4
    tried = [factorial.chosen(study, pair, [5.0] * run, run) for run in range(4)]
    assert [(run["learning_rate"], run["scale"]) for run in tried] == [
        (0.004, 2.0),
        (0.008, 2.0),
        (0.002, 2.0),
        (0.004, 4.0),
    ]
    assert "scale" not in factorial.design(study)["bce-adam"]
    task = tasks.Task(Combination("scaled", "heavy"), 0, tuning=False, epochs=9)
    made = tasks.run_config(settings, task, tried[3], RunConfig().records, RunConfig().data)
    assert (made.loss.options, made.optimizer.options) == ({"scale": 4.0}, {"momentum": 0.9})
    data = report_data.read(write_study(tmp_path / "study", settings))
    table = tuning_table(data, Language("en"))
    assert table.head[1:5] == ["learning_rate", "weight_decay", "gamma", "alpha"]
    assert {"momentum", "scale"} < set(table.head)
    assert "Scaled\u00a0·\u00a0Heavy ball" in {row[0] for row in table.rows}
    assert Language("ru").combination(Combination("scaled", "adam")) == "Scaled\u00a0·\u00a0Adam"


def test_a_key_or_a_setting_that_is_taken_is_refused():
    for key in ("focal", "my loss", "a/b"):
        with pytest.raises(ValueError, match="loss must be an identifier that is not taken"):
            choices.register("loss", key, Entry(label="mine"))

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Own(Settings):
        gamma: float = setting(1.0, "something else")

    with pytest.raises(ValueError, match=r"settings of mine must have names that are not taken\. Received: gamma"):
        choices.register("loss", "mine", Entry(label="mine", settings=Own))
    assert "mine" not in CHOICES["loss"]


def test_entries_may_share_settings():
    entry = Entry(label="Lion", settings=choices.AdamWSettings)
    choices.register("optimizer", "lion", entry)
    try:
        keys, _ = choices.own_settings("optimizer")["weight_decay"]
    finally:
        del CHOICES["optimizer"]["lion"]
    assert keys == ("adamw", "lion")


GUIDE = (ROOT / "docs" / "changing.md").read_text()


def test_every_path_that_the_guide_names_exists():
    paths = set(re.findall(r"`([\w.-]+(?:/[\w.-]+)+\.(?:py|ts|html|md))`", GUIDE))
    assert len(paths) > 15
    assert [path for path in sorted(paths) if not (ROOT / path).is_file()] == []
