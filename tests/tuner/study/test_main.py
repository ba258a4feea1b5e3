"""The command tuner.study: with fake trainings, and once with real ones, killed and resumed."""

import csv
import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from repository import ROOT
from tiny_run import random_piece, write_records

from pianoroll_tf.config import DatasetConfig, ModelConfig
from pianoroll_tf.data.pipeline import load_corpus, make_dataset
from pianoroll_tf.modeling import run, run_folder
from pianoroll_tf.modeling.callbacks import DivergedError
from pianoroll_tf.modeling.training import train
from pianoroll_tf.modeling.training_state import TrainingState, write_history
from tuner import training
from tuner.report import data as report_data
from tuner.report import summary as report_summary
from tuner.report.language import Language
from tuner.study import __main__ as study
from tuner.study import factorial, tasks
from tuner.study import folder as study_folder
from tuner.study import run_one as study_runs
from tuner.study.folder import CEILING
from tuner.study.gradient_norms import read_norms
from tuner.study.measures import FACTS, MEASURES, MUSIC
from tuner.study.measures_judged import Splits, judge, without_correction
from tuner.study.results_model import COLLAPSED, DIVERGED, FINISHED

TINY = ["--window-steps", "16", "--batch-size", "4", "--conv-filters", "4", "--conv-kernel", "3", "--gru-units", "6"]
TINY += ["--piece-steps", "16", "--epochs", "2", "--steps-per-epoch", "3"]


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Records with all three splits."""
    steps = {"train": [30, 48, 70, 90], "val": [40, 55], "test": [33, 40, 64]}
    pieces = {split: [random_piece(n, seed=n) for n in lengths] for split, lengths in steps.items()}
    return write_records(tmp_path_factory.mktemp("data") / "records", pieces)


class FakeRuns:
    """Replaces training, evaluation and generation, and records the runs that were requested."""

    def __init__(self):
        self.trained, self.judged, self.break_at = [], [], set()

    def train(self, config, run_dir, extra_callbacks=(), **_):
        """A run whose validation NLL is known: bce 5, focal 6, and the seed times 0.1."""
        self.trained.append("/".join(Path(run_dir).parts[-3:]))
        if self.trained[-1] in self.break_at:
            raise DivergedError("the loss became nan in epoch 1, step 2; there is no model yet. Try a lower rate")
        folder = Path(run_dir)
        folder.mkdir(parents=True, exist_ok=True)
        final = {"bce": 5.0, "focal": 6.0}[config.loss.loss] + 0.1 * (config.training.seed % 1000)
        dense = 0.9 if config.model.prior_bias is False else 0.05
        rows = [
            {"epoch": epoch, "val_nll": nll, "seconds": 2.0, "val_density_predicted": dense, "val_density_true": 0.05}
            for epoch, nll in ((1, final + 1), (2, final))
        ]
        write_history(folder / run_folder.HISTORY, rows)
        if extra_callbacks:  # the clock
            for row in rows:
                extra_callbacks[-1].on_epoch_end(row["epoch"], row)
        return TrainingState(epoch=2, best_nll=final, best_epoch=2, finished="all 2 epochs are done", rows=rows)

    def judge(self, model, config, splits):
        """Numbers that follow from the loss."""
        self.judged.append(config.loss.loss)
        nll = {"bce": 5.5, "focal": 6.5}[config.loss.loss]
        return {"nll": nll + 0.1 * config.training.seed, "pr_auc": 0.5, "val_nll": 9.0}, {"pitch": {"cells": [1]}}

    def generate(self, model, config, pieces, steps, seed):
        """Pieces that follow from their seeds."""
        return [random_piece(steps, seed=seed + number) for number in range(pieces)], 1.5


@pytest.fixture
def fakes(monkeypatch):
    there = FakeRuns()
    monkeypatch.setattr(training, "train", there.train)
    for name in ("judge", "generate"):
        monkeypatch.setattr(study_runs, name, getattr(there, name))
    monkeypatch.setattr(study_runs, "load_model", lambda *_: None)
    monkeypatch.setattr(study_runs.keras.backend, "clear_session", lambda: None)  # collects garbage for long
    return there


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


SMALL = [
    *TINY,
    "--optimizers",
    "adam",
    "rmsprop",
    "--seeds",
    "2",
    "--tuning-runs",
    "2",
    "--most-tuning-runs",
    "2",
    "--pieces",
    "3",
]


def test_a_study_from_end_to_end(records, tmp_path, fakes, capsys):
    folder = tmp_path / "study"
    assert study.main([str(records), str(folder), *SMALL, "--ablations"]) == 0
    assert len(fakes.trained) == 4 * 2 + 2 * (4 + 2)
    assert fakes.trained[:3] == ["tuning/bce-adam/0", "tuning/bce-adam/1", "tuning/bce-rmsprop/0"]
    assert fakes.judged.count("bce") == 2 * (2 + 2 + 1)  # bce, the two raw, bce without prior bias
    output = capsys.readouterr().out
    assert "focal\u00a0·\u00a0Adam, uncorrected" in output
    assert (
        "BCE\u00a0·\u00a0Adam has the lowest mean test NLL: 5.5 nats per step" in output
    )  # two seeds: a wide interval
    assert "the test NLL was lower with BCE than with focal at all of 2 seeds, by 1" in output
    assert f"next: python -m tuner.report {folder}" in output

    found = study_folder.read_study(folder)
    assert [each.name for each in found.combinations][-3:] == [
        "focal-rmsprop-raw",
        "bce-adam-zero-bias",
        "focal-adam-zero-bias",
    ]
    table = rows(folder / "results.csv")
    assert len(table) == len(study_folder.read_runs(folder)) == 16
    assert list(table[0])[16:] == list(MEASURES)
    first = table[0]
    assert (first["combination"], first["seed"], first["outcome"]) == ("bce-adam", "0", FINISHED)
    assert (float(first["nll"]), float(first["val_nll"]), float(first["last_val_nll"])) == (5.5, 5.0, 5.0)
    # the best of all runs is 5.0; within 2 % of it is 5.1, which bce reaches with its seed 0 and 1 after two epochs
    assert [row["steps_to_best"] for row in table[:4]] == ["6", "6", "6", "6"]
    assert [row["steps_to_best"] for row in table[4:8]] == [""] * 4
    raw = next(row for row in table if row["ablation"] == "raw")
    assert (raw["val_nll"], raw["epochs_to_best"], raw["curve_area"]) == ("9.0", "", "")
    assert {row["outcome"] for row in table if row["ablation"] == "zero-bias"} == {COLLAPSED}
    assert rows(folder / "tuning.csv")[0].keys() == {
        *("combination", "run", "chosen", "edges", *factorial.SETTINGS),
        *("outcome", "cause", "val_nll", "epochs"),
    }
    music = rows(folder / "music.csv")
    assert [row["combination"] for row in music[: len(MUSIC)]] == [CEILING] * len(MUSIC)
    assert len(music) == len(MUSIC) * (1 + 4 + 2 + 2)
    assert 0 < float(first["music_synchrony"]) <= 1
    assert float(first["music_synchrony_gap"]) >= 0
    assert float(first["music_shared_steps"]) >= 1
    assert (first["music_on_beat"], first["music_auc"]) == ("", "")  # a grid of seconds, three pieces
    facts = rows(folder / "facts.csv")
    assert [row["combination"] for row in facts[:: len(FACTS)]] == ["test", CEILING]

    comparison = study_folder.read_comparison(folder)
    assert comparison.missing == 0
    nll = comparison.measures["nll"]
    assert nll.summaries["bce-adam"].mean == pytest.approx(5.55)
    [pair] = nll.losses
    assert (pair.first, pair.second, pair.seeds, pair.mean) == ("bce", "focal", 2, pytest.approx(-1.0))
    assert [(pair.first, pair.second) for pair in nll.ablations] == [
        (f"{parent}-{name}", parent)
        for parent, name in [
            ("focal-adam", "raw"),
            ("focal-rmsprop", "raw"),
            ("bce-adam", "zero-bias"),
            ("focal-adam", "zero-bias"),
        ]
    ]
    assert nll.ranks.mean == {"bce-adam": 1.5, "bce-rmsprop": 1.5, "focal-adam": 3.5, "focal-rmsprop": 3.5}
    assert comparison.measures["silent_predicted"].ranks is None
    limits = report_summary.limits(report_data.read(folder), Language("en"))
    assert "With 2 seeds a paired test cannot give less than p = 0.5" in limits[0]

    pieces = study_folder.read_pieces(folder / "runs" / "focal-adam" / "1" / "music.npz")
    assert len(pieces) == 1  # of three, two are of seed 0
    np.testing.assert_array_equal(pieces[0], random_piece(16, seed=2))
    lengths = [len(piece) for piece in study_folder.read_pieces(folder / "music" / "test.npz")]
    assert sorted(lengths) == [8, *[16] * 8]  # 33, 40 and 64 steps; one step of the first is left out
    assert sorted(path.name for path in (folder / "music" / "bce-adam").iterdir()) == ["0-000.mid", "0-001.mid"]

    done = list(fakes.trained)
    assert study.main([str(records), str(folder), *SMALL, "--ablations"]) == 0
    assert fakes.trained == done
    assert "24 of 24 runs are done already" in capsys.readouterr().out


def test_a_diverged_run_is_recorded_and_the_study_continues(records, tmp_path, fakes, capsys):
    fakes.break_at = {"runs/focal-adam/0", "tuning/bce-adam/0"}
    assert study.main([str(records), str(tmp_path / "study"), *SMALL, "--optimizers", "adam"]) == 0
    output = capsys.readouterr()
    assert "runs/focal-adam/0: diverged: the loss became nan in epoch 1, step 2" in output.err
    table = rows(tmp_path / "study" / "results.csv")
    assert [row["outcome"] for row in table] == [FINISHED, FINISHED, DIVERGED, FINISHED]
    assert {table[2][name] for name in MEASURES} == {""}
    assert [row["chosen"] for row in rows(tmp_path / "study" / "tuning.csv")[:2]] == ["0", "1"]
    comparison = study_folder.read_comparison(tmp_path / "study")
    assert "3 of 4 runs ended well. Diverged: focal\u00a0·\u00a0Adam (1)." in output.out
    assert comparison.measures["nll"].summaries["focal-adam"].missing == 1
    assert comparison.measures["nll"].ranks.mean == {"bce-adam": 1.0, "focal-adam": 2.0}


def test_a_budget_stops_before_a_run_and_the_next_call_resumes(records, tmp_path, fakes, capsys, monkeypatch):
    now = iter(range(0, 10_000, 10))
    clock = SimpleNamespace(monotonic=lambda: next(now))  # only theirs
    monkeypatch.setattr("tuner.study.run_all.time", clock)
    monkeypatch.setattr(study, "time", clock)
    arguments = [str(records), str(tmp_path / "study"), *SMALL]
    assert study.main([*arguments, "--budget", "100s"]) == 0
    first = len(fakes.trained)
    assert 0 < first < 16
    assert f"the budget is spent, {16 - first} runs are left: the same command resumes" in capsys.readouterr().out
    assert study_folder.read_comparison(tmp_path / "study").missing > 0
    assert study.main(arguments) == 0
    assert len(fakes.trained) == len(set(fakes.trained)) == 16


def test_a_process_executes_a_limited_number_of_runs_and_another_continues(
    records, tmp_path, fakes, capsys, monkeypatch
):
    monkeypatch.setattr("tuner.study.run_all.RUNS_PER_PROCESS", 6)
    assert study.main([str(records), str(tmp_path / "study"), *SMALL, "--budget", "1h"]) == 0
    assert len(fakes.trained) == len(set(fakes.trained)) == 16
    output = capsys.readouterr().out
    assert "6 of 16 runs are done already" in output
    assert "12 of 16 runs are done already" in output
    assert output.count("next: ") == 1


def test_the_budget_is_for_all_processes():
    assert study._with_remaining_budget(["records", "study", "--budget", "2m"], 90.0)[-2:] == ["--budget", "30.0s"]
    assert study._with_remaining_budget(["records", "study", "--budget", "2m"], 900.0)[-1] == "0.001s"
    assert study._with_remaining_budget(["records", "study"], 90.0) == ["records", "study"]


def test_other_settings_other_records_and_other_folders_are_refused(records, tmp_path, fakes, capsys):
    arguments = [str(records), str(tmp_path / "study"), *SMALL]
    assert study.main(arguments) == 0
    capsys.readouterr()
    others = write_records(tmp_path / "others", {split: [random_piece(40, 1)] for split in ("train", "val", "test")})
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    (tmp_path / "file").touch()
    for changed, line in (
        ([*arguments, "--seeds", "3"], "study.seeds is 2 there, 3 here"),
        ([*arguments, "--gru-units", "7"], "model.gru_units is 6 there, 7 here"),
        ([str(others), *arguments[1:]], "the records differ"),
        ([arguments[0], str(tmp_path / "full"), *SMALL], "must be a study or an empty folder"),
        ([arguments[0], str(tmp_path / "file"), *SMALL], "must be a folder, but it is a file"),
        ([str(tmp_path / "none"), *arguments[1:]], "build_records"),
    ):
        assert study.main(changed) == 1
        error = capsys.readouterr().err
        assert line in error
        assert error.count("\n") == 1


def test_damaged_measures_are_measured_again(records, tmp_path, fakes, capsys):
    arguments = [str(records), str(tmp_path / "study"), *SMALL]
    assert study.main(arguments) == 0
    path = tmp_path / "study" / "runs" / "bce-adam" / "1" / "measures.json"
    before = path.read_bytes()
    path.write_bytes(before.replace(b'"outcome": "finished"', b'"outcome": "diverged"'))
    fakes.trained.clear()
    assert study.main(arguments) == 0
    assert fakes.trained == ["runs/bce-adam/1"]
    assert path.read_bytes() == before
    assert "is damaged: its content does not match its checksum; it is removed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--losses", "hinge"], "losses must be one of bce, weighted_bce, focal. Received: losses='hinge'"),
        (["--losses", "hinge", "--ablations"], "losses must be one of bce, weighted_bce, focal"),
        (["--optimizers", "sgd"], "optimizers must be one of adam, adamw, rmsprop"),
        (["--schedule", "step"], "schedule must be one of"),
        (["--seeds", "7", "--pieces", "6"], "pieces must be at least seeds"),
    ],
)
def test_wrong_settings_are_one_line_and_leave_nothing(records, tmp_path, capsys, arguments, line):
    assert study.main([str(records), str(tmp_path / "study"), *TINY, *arguments]) == 2
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1
    assert not (tmp_path / "study").exists()


def test_a_budget_that_is_no_time_is_wrong_usage(records, tmp_path, capsys):
    assert study.main([str(records), str(tmp_path / "study"), "--budget", "soon"]) == 2
    assert "a time must be a number > 0 with its unit s, m, h or d" in capsys.readouterr().err


def test_records_without_a_test_split_are_refused_before_tensorflow_is_loaded(tmp_path, monkeypatch):
    def never(_):
        raise AssertionError

    monkeypatch.setattr(study, "load_tensorflow", never)
    some = write_records(
        tmp_path / "records", {split: [random_piece(40, 1)] for split in ("train", "val")} | {"test": []}
    )
    with pytest.raises(study.UserError, match="splits train, val and test, but test is empty"):
        study.main([str(some), str(tmp_path / "study"), "--debug"])


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom tuner.study import __main__ as study\n"
        "try:\n    study.main(['--help'])\nexcept SystemExit as leave:\n    assert leave.code == 0\n"
        "assert not {'tensorflow', 'keras', 'numpy', 'scipy'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_real_trainings_killed_and_resumed(records, tmp_path):
    """Killed in a run of the second stage; the same command ends with what that run has when nothing disturbs it."""
    folder, arguments = tmp_path / "study", ["--losses", "focal", "--optimizers", "adam"]
    arguments = [
        str(records),
        str(folder),
        *TINY,
        *arguments,
        "--seeds",
        "1",
        "--tuning-runs",
        "1",
        "--most-tuning-runs",
        "1",
    ]
    arguments += ["--pieces", "2"]
    command = subprocess.Popen([sys.executable, "-m", "tuner.study", *arguments], cwd=ROOT, stderr=subprocess.DEVNULL)
    norms = folder / "runs" / "focal-adam" / "0" / "gradient_norms.csv"
    while command.poll() is None and len(read_norms(norms)) < 4:  # in the second epoch of the first run
        time.sleep(0.01)
    command.kill()
    command.wait()
    tuned = (folder / "tuning" / "focal-adam" / "0" / "outcome.json").stat().st_mtime_ns
    assert not (norms.parent / "measures.json").exists()
    assert study.main(arguments) == 0
    assert (folder / "tuning" / "focal-adam" / "0" / "outcome.json").stat().st_mtime_ns == tuned

    config = run_folder.load_config(norms.parent)
    train(config, tmp_path / "undisturbed", quiet=True)  # and its gradients not looked at
    weights = [path / "best.npz" for path in (norms.parent, tmp_path / "undisturbed")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert [step for step, _ in read_norms(norms)] == [1, 2, 3, 4, 5, 6]

    [trained] = rows(folder / "results.csv")
    splits = Splits(load_corpus(records, "val"), load_corpus(records, "test"))
    raw, _ = judge(run.load_model(norms.parent, config), without_correction(config), splits)  # as the ablation does
    assert float(trained["ece_raw"]) == pytest.approx(raw["ece"])
    assert raw["ece"] > float(trained["ece"])
    assert raw["density_ratio"] > 2 * float(trained["density_ratio"])  # gamma 2 has 0.19 where 0.02 is meant
    for name in (
        "gradient_ratio",
        "seconds_to_best",
        "onset_f1",
        "music_overlap",
        "music_pitch_distance",
        "silent_predicted",
    ):
        assert float(trained[name]) >= 0
    assert trained["roughness"] == trained["silent_ratio"] == ""  # two epochs; no silent step
    reliability = study_folder.read_runs(folder)[0].tables["reliability_raw"]
    assert len(reliability["probability"]) == 15
    assert json.loads((folder / "baselines.json").read_text())["test"]["copy_last_step"]["nll"] > 0


def test_all_combinations_share_weights_and_batches_seed_by_seed(records):
    from tuner.study.settings import AllSettings, Combination

    small = ModelConfig(conv_filters=4, gru_units=6, head="independent")
    settings = AllSettings(model=small, dataset=DatasetConfig(window_steps=16, batch_size=4, transpose=2))
    made, data = run_folder.data_facts(records)
    designs = factorial.design(settings.study)
    configs = []
    for name in designs:
        combination = Combination(*name.split("-"))
        chosen = factorial.chosen(settings.study, combination, [], 0)
        configs.append(tasks.run_config(settings, tasks.Task(combination, 3, False, 2), chosen, made, data))
    first, *others = [run.weight_arrays(run.run_model(config)) for config in configs]
    for config, other in zip(configs[1:], others, strict=True):
        differing = [name for name, value in other.items() if (value != first[name]).any()]
        assert differing == ([] if config.loss.loss == "bce" else ["head/bias"])  # its posterior is the same
    corpus = load_corpus(records, "train")
    batches = [next(iter(make_dataset(corpus, config.dataset, config.training.seed))) for config in configs]
    for batch in batches[1:]:
        for name, ours in batch.items():
            np.testing.assert_array_equal(ours, batches[0][name])
