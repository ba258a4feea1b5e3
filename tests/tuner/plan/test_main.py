"""The command tuner.plan: a dry run, and a tiny plan of two real studies from MIDI files to their results."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from repository import ROOT
from tiny_run import random_piece

from pianoroll_tf.library.piece import Piece
from tuner.plan import __main__ as command
from tuner.plan import folder as plan_folder
from tuner.plan import results as plan_results
from tuner.plan import run
from tuner.plan.plan import read_plan

PLAN = """
title = "A tiny plan"
question = "Which loss?"
hypotheses = ["The losses differ."]
analysis = ["Means over the seeds."]

[corpora.made-up]
midi = "{data}/made-up"
grid = "seconds"
val = 0.2
test = 0.2

[defaults]
conv_filters = 4
gru_units = 6
window_steps = 16
batch_size = 4
epochs = 2
steps_per_epoch = 3
seeds = 2
pieces = 2
piece_steps = 16
tuning_runs = 1
most_tuning_runs = 1

[studies.heads]
corpus = "made-up"
after = "main"
choose = "best losses"
head = "nade"

[studies.main]
corpus = "made-up"
combinations = ["bce-adam", "focal-adam"]
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder of MIDI files, and a plan beside it."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "made-up").mkdir()
    for number in range(12):
        roll = random_piece(60 + number, seed=number)
        Piece(roll, grid="seconds").save(folder / "made-up" / f"{number:02d}.mid")
    heads, main = PLAN.index("[studies.heads]"), PLAN.index("[studies.main]")
    (folder / "plan.toml").write_text(PLAN[:heads] + PLAN[main:] + PLAN[heads:main])
    return folder


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_a_dry_run_tells_the_time_and_leaves_nothing(data, tmp_path, capsys):
    assert command.main([str(data / "plan.toml"), str(tmp_path / "plan"), "--data", str(data), "--dry-run"]) == 0
    output = capsys.readouterr().out
    table = {line.split()[0]: line.split()[1:4] for line in output.splitlines() if len(line.split()) > 4}
    assert (table["main"], table["heads"]) == (["made-up", "2", "4"], ["made-up", "1", "2"])
    assert "with 2 workers, if every run takes all its epochs" in output
    assert not (tmp_path / "plan").exists()


def test_make_study_dry_run_is_a_dry_run(data, tmp_path):
    values = {"PLAN": data / "plan.toml", "STUDY": tmp_path / "plan", "DATA": data, "BIN": Path(sys.executable).parent}
    words = ["make", "study", "--dry-run", *(f"{name}={value}" for name, value in values.items())]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    assert "if every run takes all its epochs" in done.stdout
    assert not (tmp_path / "plan").exists()


def test_a_plan_from_end_to_end(data, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    folder = tmp_path / "plan"
    arguments = [str(data / "plan.toml"), str(folder), "--data", str(data)]
    kept = ["--results", str(tmp_path / "results")]
    assert command.main([*arguments, *kept, "--workers", "1"]) == 0
    output = capsys.readouterr().out
    assert [line for line in output.splitlines() if line.startswith("study")] == [
        "study main begins",
        "study main finished",
        "study heads begins",
        "study heads finished",
    ]
    main = rows(folder / "studies/main/results.csv")
    assert [(row["combination"], row["seed"]) for row in main] == [
        *[("bce-adam", "0"), ("bce-adam", "1")],
        *[("focal-adam", "0"), ("focal-adam", "1")],
    ]
    means = run.validation_means(folder / "studies/main")
    heads = rows(folder / "studies/heads/results.csv")
    assert {row["combination"] for row in heads} == {min(means, key=means.get)}
    fixed = plan_folder.read_fixed(folder)

    assert command.main(arguments) == 0  # nothing is left to do
    assert "begins" not in capsys.readouterr().out
    assert plan_folder.read_fixed(folder) == fixed
    # another machine executes the runs alone that have no result
    (folder / "studies/heads/runs" / min(means, key=means.get) / "1/measures.json").unlink()
    shutil.rmtree(tmp_path / "results")
    plan_results.keep(read_plan(data / "plan.toml"), folder, tmp_path / "results")
    other = tmp_path / "other"
    assert command.main([str(data / "plan.toml"), str(other), "--data", str(data), *kept]) == 0
    output = capsys.readouterr().out
    assert f"{2 + 4 + 1 + 1} runs taken from {tmp_path / 'results'}" in output
    assert [line for line in output.splitlines() if line.startswith("study")] == [
        "study heads begins",
        "study heads finished",
    ]
    assert "2 of 3 runs are done already" in (other / "logs/heads.log").read_text()
    assert plan_folder.read_fixed(other) == fixed
    again, seconds = rows(other / "studies/heads/results.csv"), "seconds_to_"
    assert [{key: row[key] for key in row if not key.startswith(seconds)} for row in again] == [
        {key: row[key] for key in row if not key.startswith(seconds)} for row in heads
    ]
    report = [sys.executable, "-m", "tuner.report", str(folder / "studies/main"), "--no-wav"]
    subprocess.run(report, check=True, capture_output=True, cwd=ROOT)
    assert (folder / "studies/main/report/report.html").is_file()
    report = [sys.executable, "-m", "tuner.report", str(other), "--no-wav"]
    done = subprocess.run(report, check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.startswith("Which loss: ")  # two seeds are too few, whatever they say
    assert len(rows(other / "report/results.csv")) == 4 + 2
    assert {row["study"] for row in rows(other / "report/tuning.csv")} == {"main", "heads"}


def test_a_budget_that_is_spent_starts_nothing(data, tmp_path, capsys):
    folder = tmp_path / "plan"
    assert command.main([str(data / "plan.toml"), str(folder), "--data", str(data), "--budget", "0.001s"]) == 0
    assert "not finished: main, heads. The same command resumes" in capsys.readouterr().out
    assert not (folder / "studies").exists()


def test_workers_must_be_one_or_more(data, tmp_path, capsys):
    assert command.main([str(data / "plan.toml"), str(tmp_path / "plan"), "--workers", "0"]) == 2
    assert "workers must be >= 1. Received: --workers 0" in capsys.readouterr().err


def test_a_missing_corpus_is_one_line(data, tmp_path, capsys):
    assert command.main([str(data / "plan.toml"), str(tmp_path / "plan"), "--data", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "corpora.made-up.midi must be a folder. Received: midi=" in error
