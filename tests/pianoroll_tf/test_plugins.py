"""Plugins: how they are loaded, what is said when they cannot be, and one that goes through all commands."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from plugin_files import guide_plugin, tables_as_before
from tiny_export import not_measured
from tiny_run import random_piece, write_records

from pianoroll_tf import evaluate, export, generate, plugins, train
from pianoroll_tf.choices import CHOICES, ORIGINS, origins
from pianoroll_tf.config import LossConfig, ModelConfig, RunConfig
from pianoroll_tf.errors import UsageError, UserError
from pianoroll_tf.generation import archive
from pianoroll_tf.modeling import heads, losses
from pianoroll_tf.modeling.run_folder import load_config
from pianoroll_tf.settings import to_dict
from tuner.report import __main__ as report
from tuner.search import __main__ as search
from tuner.search.settings import read_settings
from tuner.search.space import Choice, make_space
from tuner.study import __main__ as study
from tuner.study.folder import read_study

SIZES = ["--window-steps", "16", "--batch-size", "4", "--conv-filters", "4", "--conv-kernel", "3", "--gru-units", "6"]
OWN = ["--loss", "weighted", "--weight", "3", "--optimizer", "sgd", "--momentum", "0.5"]
OWN += ["--head", "deep", "--deep-units", "5", "--learning-rate", "0.001"]
ONE_LOSS = "from pianoroll_tf.modeling import losses\nlosses.register_loss({!r}, losses.binary_crossentropy)\n"


@pytest.fixture(autouse=True)
def forgotten():
    """Plugins are forgotten after each test."""
    with tables_as_before():
        yield


@pytest.fixture
def plugin(tmp_path):
    """The file of the guide."""
    return guide_plugin(tmp_path / "my_losses.py")


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Records with all three splits."""
    steps = {"train": [30, 48, 70, 90], "val": [40, 55], "test": [33, 40]}
    pieces = {split: [random_piece(n, seed=n) for n in lengths] for split, lengths in steps.items()}
    return str(write_records(tmp_path_factory.mktemp("data") / "records", pieces))


@pytest.fixture(scope="module")
def trained(records, tmp_path_factory):
    """A run of the plugin's loss, optimizer and head, with the plugin's file beside it: RUN, FILE."""
    folder = tmp_path_factory.mktemp("trained")
    file, run = guide_plugin(folder / "my_losses.py"), str(folder / "run")
    with tables_as_before():
        assert train.main([records, run, *SIZES, "--epochs", "1", "--plugin", file, *OWN]) == 0
    return run, file


def test_a_file_is_loaded_once_and_its_entries_know_it(plugin):
    plugins.load([plugin])
    plugins.load([plugin])
    assert {name: set(CHOICES[name]) for name in ("loss", "optimizer", "head")} == {
        "loss": {"bce", "weighted_bce", "focal", "weighted"},
        "optimizer": {"adam", "adamw", "rmsprop", "sgd"},
        "head": {"independent", "nade", "deep"},
    }
    loss = losses.make_loss(LossConfig(loss="weighted"))
    targets, logits = np.eye(2, dtype=np.float32), np.zeros((2, 2), np.float32)
    np.testing.assert_allclose(loss.call(targets, logits), 3 * np.log(2) * np.ones(2), rtol=1e-6)  # (2 + 1) log 2
    posterior = losses.posterior_logits(LossConfig(loss="weighted"), np.log([2.0], dtype=np.float32))
    assert float(posterior[0]) == pytest.approx(0, abs=1e-6)
    config = RunConfig(loss=LossConfig(loss="weighted"))
    assert config.plugins == {"loss weighted": {"plugin": plugin, "sha256": ORIGINS["head", "deep"]["sha256"]}}
    assert "plugins" not in to_dict(RunConfig())  # files of other runs are as they were
    assert plugins.plugin_flags(origins({"loss": ["bce", "weighted"], "head": ["deep"]})) == ["--plugin", plugin]


def test_a_head_has_its_options(plugin):
    plugins.load([plugin])
    model = ModelConfig(head="deep", options={"deep_units": 5})
    assert to_dict(model)["options"] == {"deep_units": 5}
    assert "options" not in to_dict(ModelConfig())
    with pytest.raises(ValueError, match=r"an option of head nade must be one of: none\. Received: deep_units"):
        ModelConfig(head="nade", options={"deep_units": 5})
    bias = np.linspace(-3, 0, 169)
    head = heads.make_head("deep", 84, True, bias, 0, 3, deep_units=5)
    cells = np.zeros((1, 1, 84), np.uint8)
    np.testing.assert_allclose(head(np.zeros((1, 1, 6), np.float32), cells, cells)[0, 0], bias, rtol=1e-6)
    assert [tuple(weight.shape) for weight in head.weights] == [(6, 5), (5, 169), (169,)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x = 1\n", "it registers no loss, optimizer or head"),
        ("import math\n1 / 0\n", "ZeroDivisionError: division by zero (line 2)"),
        ("def f(:\n", "SyntaxError: invalid syntax"),
        ("import no_such_package\n", "ModuleNotFoundError: No module named 'no_such_package' (line 1)"),
        ("import sys\n\nsys.exit(3)\n", "SystemExit: 3 (line 3)"),
        (
            ONE_LOSS.format("mine") + ONE_LOSS.format("bce"),
            "loss must be an identifier that is not taken. Received: loss='bce'",
        ),
    ],
)
def test_a_plugin_that_cannot_be_used_is_one_line_and_leaves_nothing(tmp_path, capsys, text, line):
    path = tmp_path / "broken.py"
    path.write_text(text)
    for _ in range(2):
        with pytest.raises(SystemExit) as left:
            train.main(["records", "run", "--plugin", str(path)])
        assert left.value.code == 2
        error = capsys.readouterr().err
        assert f"python -m pianoroll_tf.train: the plugin {path} cannot be used: {line}" in error
        assert error.count("\n") == 1
    assert set(CHOICES["loss"]) == {"bce", "weighted_bce", "focal"}


def test_settings_with_names_or_types_that_cannot_be_flags_are_refused(tmp_path):
    settings = (
        "{}import dataclasses\nfrom pianoroll_tf.modeling import losses\nfrom pianoroll_tf.settings import *\n"
        "@dataclasses.dataclass(frozen=True, kw_only=True)\n"
        "class Own(Settings):\n    {}: float = setting(1.0, 'mine')\n"
        "losses.register_loss('mine', losses.focal, settings=Own)\n"
    )
    for number, (first, name, line) in enumerate(
        [
            ("", "epochs", "settings of mine must have names that are not taken. Received: epochs"),
            ("", "plugin", "settings of mine must have names that are not taken. Received: plugin"),
            ("from __future__ import annotations\n", "margin", "must have types that are not text"),
        ]
    ):
        path = tmp_path / f"plugin_{number}.py"
        path.write_text(settings.format(first, name))
        with pytest.raises(UsageError, match=line):
            plugins.load([str(path)])


def test_a_file_that_is_missing_is_said_before_tensorflow_is_loaded(monkeypatch):
    monkeypatch.setattr(plugins, "load_tensorflow", lambda args: pytest.fail("TensorFlow is loaded"))
    with pytest.raises(UsageError, match=r"--plugin must be a Python file or a module\. Received: none\.py"):
        plugins.load(["none.py"])
    plugins.load([])


def test_modules_come_from_the_command_line_the_environment_and_installed_packages(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("first", "second", "third"):
        (tmp_path / f"plugin_{name}.py").write_text(ONE_LOSS.format(name))
    installed = tmp_path / "third-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: third\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[pianoroll_tf.plugins]\nthird = plugin_third\n")
    monkeypatch.setenv(plugins.VARIABLE, f"{tmp_path / 'plugin_second.py'}:")
    try:
        with pytest.raises(SystemExit) as left:
            train.main(["--plugin", "plugin_first", "--help"])
        assert left.value.code == 0
    finally:
        for name in ("first", "third"):
            sys.modules.pop(f"plugin_{name}", None)
    assert list(CHOICES["loss"]) == ["bce", "weighted_bce", "focal", "third", "second", "first"]
    assert ORIGINS["loss", "third"]["plugin"] == "plugin_third"
    assert "training loss: bce, weighted_bce, focal, third, second, first" in " ".join(capsys.readouterr().out.split())


def test_own_settings_are_flags_with_their_help(plugin, capsys, tmp_path):
    with pytest.raises(SystemExit):
        train.main(["--plugin", plugin, "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "--weight FLOAT weight of sounding cells (default: 2.0); of loss weighted" in text
    assert "--deep-units INT units of the hidden layer (default: 64); of head deep" in text
    for words, line in (
        (["--loss", "weighted", "--weight", "0"], "weight must be a number > 0.0 and <= 100.0. Received: weight=0.0"),
        (["--weight", "3"], "an option of loss bce must be one of: none. Received: weight"),
        (["--loss", "weighted", "--weight", "3", "--loss-option", "weight=2"], "weight must be given once"),
    ):
        assert train.main([str(tmp_path), str(tmp_path / "run"), "--plugin", plugin, *words]) == 2
        assert line in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_is_trained_evaluated_exported_and_generates(trained, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(archive, "calibrate", not_measured)
    run, file = trained
    flag, model = ["--plugin", file], str(tmp_path / "model")
    assert evaluate.main([run, *flag]) == 0
    found = json.loads(Path(run, "evaluation", "test.json").read_text())
    assert np.isfinite(found["model"]["nll"])
    assert "uncorrected_ece" in found  # as the loss is not proper
    config = load_config(run)
    assert (config.loss.options, config.optimizer.options) == ({"weight": 3.0}, {"momentum": 0.5})
    assert (config.model.head, config.model.options) == ("deep", {"deep_units": 5})
    assert list(config.plugins) == ["loss weighted", "optimizer sgd", "head deep"]
    assert export.main([run, model, *flag]) == 0
    with tables_as_before():
        CHOICES["loss"].pop("weighted")  # an export needs no plugin
        CHOICES["head"].pop("deep")
        assert generate.main([model, str(tmp_path / "out.mid"), "--steps", "8"]) == 0
    assert (tmp_path / "out.mid").is_file()


def test_a_run_whose_plugin_is_not_given_names_it(trained, records, capsys, tmp_path):
    run, file = trained
    line = f"head 'deep' of {run} comes from the plugin {file}: give --plugin {file}"
    for command, words in (
        (evaluate, [run]),
        (export, [run, str(tmp_path / "model")]),
        (train, [records, run, *SIZES]),
    ):
        assert command.main(words) == 1
        error = capsys.readouterr().err
        assert line in error
        assert error.count("\n") == 1


def test_a_plugin_that_has_changed_is_said(trained, tmp_path, caplog):
    run, file = trained
    changed = tmp_path / "my_losses.py"
    shutil.copy(file, changed)
    changed.write_text(changed.read_text() + "# a new version\n")
    plugins.load([str(changed)])
    config = load_config(run)
    assert f"the plugin {file}, from which {run} has its loss 'weighted', has changed" in caplog.text
    assert config.plugins["loss weighted"]["plugin"] == str(changed)  # so that results of the old one are not reused


def test_a_search_tries_the_entries_and_records_their_plugin(plugin):
    plugins.load([plugin])
    space = make_space({"gru_layers": 1, "head": Choice(("nade", "deep"))})
    assert space.searched["loss"] == Choice(("bce", "weighted_bce", "focal", "weighted"))
    assert space.searched["deep_units"] == Choice((32, 64))
    assert list(space.plugins()) == ["loss weighted", "optimizer sgd", "head deep"]
    trial = space.run_config(RunConfig(), {"loss": "weighted", "weight": 5.0, "head": "deep", "deep_units": 32})
    assert (trial.loss.options, trial.model.options) == ({"weight": 5.0}, {"deep_units": 32})
    assert list(trial.plugins) == ["loss weighted", "head deep"]
    assert space.run_config(RunConfig(), {"loss": "bce", "head": "nade"}).model == ModelConfig()
    assert "deep_units" not in make_space({"gru_layers": 1}).searched
    args = search.build_parser().parse_args(["records", "folder", "--plugin", plugin, "--plugin", "other.py"])
    words = search._worker_command(args)
    assert words[words.index("--plugin") :] == ["--plugin", plugin, "--plugin", "other.py"]


@pytest.mark.slow
def test_two_workers_search_and_the_folder_names_the_plugin(plugin, records, tmp_path, capfd):
    folder = str(tmp_path / "search")
    fixed = {"loss": "weighted", "optimizer": "sgd", "head": "deep", "window_steps": 16, "batch_size": 4}
    fixed |= {"conv_layers": 0, "gru_layers": 1, "gru_units": 6, "steps_per_epoch": 1, "schedule": "constant"}
    fixes = [word for name, value in fixed.items() for word in ("--fix", f"{name}={value}")]
    argv = [records, folder, "--max-trials", "2", "--epochs", "1", *fixes]
    assert search.main([*argv, "--plugin", plugin, "--workers", "2"]) == 0
    printed = capfd.readouterr().out
    assert len([line for line in printed.splitlines() if " completed " in line]) == 2
    assert f"next: python -m pianoroll_tf.export {folder}/best saved_models/NAME --plugin {plugin}" in printed
    assert report.main([folder]) == 0
    assert f"--plugin {plugin}" in Path(folder, "report", "report.md").read_text()
    with tables_as_before():
        CHOICES["loss"].pop("weighted")
        with pytest.raises(UserError, match=r"loss 'weighted' of .* comes from the plugin"):
            read_settings(Path(folder))


@pytest.mark.slow
def test_a_study_compares_them_and_reports_them(plugin, records, tmp_path, capsys):
    folder = str(tmp_path / "study")
    argv = [records, folder, "--plugin", plugin, "--losses", "weighted", "--optimizers", "sgd", *SIZES]
    argv += ["--head", "deep", "--deep-units", "4", "--seeds", "1", "--tuning-runs", "1", "--epochs", "1"]
    argv += ["--steps-per-epoch", "2", "--pieces", "2", "--piece-steps", "16"]
    assert study.main(argv) == 0
    assert f"next: python -m tuner.report {folder} --plugin {plugin}" in capsys.readouterr().out
    assert load_config(Path(folder, "runs", "weighted-sgd", "0")).model.options == {"deep_units": 4}
    assert set(read_study(folder).plugins) == {"loss weighted", "optimizer sgd", "head deep"}
    assert report.main([folder, "--no-wav", "--plugin", plugin]) == 0
    text = Path(folder, "report", "report.md").read_text()
    assert "weighted BCE" in text
    assert f"--plugin {plugin}" in text
    assert "--deep-units 4" in text
    with tables_as_before():
        CHOICES["head"].pop("deep")
        with pytest.raises(UserError, match=r"head 'deep' of .* comes from the plugin"):
            read_study(folder)


def test_a_plugin_may_import_another(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "plugin_base.py").write_text(ONE_LOSS.format("base"))
    (tmp_path / "plugin_more.py").write_text("import plugin_base\n" + ONE_LOSS.format("more"))
    try:
        plugins.load(["plugin_more", "plugin_base", str(tmp_path / "plugin_base.py")])
    finally:
        for name in ("plugin_more", "plugin_base"):
            sys.modules.pop(name, None)
    assert list(CHOICES["loss"])[3:] == ["base", "more"]


def test_an_interruption_while_plugins_load_is_one_line(plugin, monkeypatch, capsys):
    for error, code, line in ((KeyboardInterrupt, 130, "interrupted"), (OSError("no disk"), 1, "no disk")):
        monkeypatch.setattr(plugins, "load_tensorflow", raises(error))
        with pytest.raises(SystemExit) as left:
            train.main(["--plugin", plugin, "a", "b"])
        said = capsys.readouterr().err
        assert (left.value.code, said.count("\n"), line in said) == (code, 1, True)


def raises(error):
    def fail(args):
        raise error

    return fail
