"""Results of a search: ranked in the objective's direction, in files that a report reads; the best run copied."""

import csv
import json

import pytest
from oracles import make
from tiny_search import fake_run, search_settings

from pianoroll_tf.choices import CHOICES
from tuner.search.hyperparameters import settings_of
from tuner.search.oracle import Status
from tuner.search.results import COLUMNS, rows, table, write_experiment, write_results
from tuner.search.settings import BEST, TRIALS


def searched(folder, settings, count=4, failed=("0001",), at_work=1):
    """An oracle whose trials have ended, one of them failed."""
    oracle = make(folder, settings)
    for index in range(count + at_work):
        trial = oracle.create_trial(f"w{index}")
        if index >= count:
            continue
        config = settings.space.run_config(settings.base, settings_of(settings.space, trial.hyperparameters.values))
        cause = "the loss became nan in epoch 1, step 2" if trial.trial_id in failed else ""
        outcome = fake_run(config, folder / TRIALS / trial.trial_id, cause=cause)
        oracle.update_trial(trial.trial_id, {oracle.objective.name: outcome.objective})
        trial.status = Status.FAILED if cause else Status.COMPLETED
        oracle.end_trial(trial)
    return oracle


@pytest.mark.parametrize("objective", ["nll", "pr_auc"])
def test_trials_are_ranked_in_the_direction_of_the_objective(tmp_path, objective):
    settings = search_settings(objective=objective)
    found = rows(searched(tmp_path, settings), settings, tmp_path)
    assert [row["rank"] for row in found] == [1, 2, 3, None, None]
    assert [row["status"] for row in found] == ["completed"] * 3 + ["failed", "unfinished"]
    values = [row["objective"] for row in found[:3]]
    assert values == sorted(values, reverse=objective == "pr_auc")
    assert found[3]["cause"] == "the loss became nan in epoch 1, step 2"
    assert found[4]["objective"] is None
    assert list(found[0]) == [*COLUMNS, "of", *settings.space.searched]


def test_files_hold_every_trial_and_the_best_run(tmp_path):
    settings = search_settings(loss="focal")
    oracle = searched(tmp_path, settings, failed=())
    found = rows(oracle, settings, tmp_path)
    write_results(found, settings, tmp_path)
    with (tmp_path / "results.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert [row["trial"] for row in read] == [row["trial"] for row in found]
    assert [float(row["objective"]) for row in read[:-1]] == [row["objective"] for row in found[:-1]]
    assert {row["alpha"] for row in read} <= {"none", "0.25", "0.5", "0.75"}
    assert all((row["weight_decay"] == "") == (row["optimizer"] != "adamw") for row in read)
    whole = json.loads((tmp_path / "results.json").read_text())
    assert (whole["objective"], whole["direction"], whole["trials"]) == ("nll", "min", found)
    best = tmp_path / BEST / "best.npz"
    assert best.read_text() == found[0]["trial"]
    before = best.stat()
    write_results(found, settings, tmp_path)
    assert best.stat() == before
    (tmp_path / TRIALS / found[1]["trial"] / "run" / "tensorboard").mkdir()
    write_results(found[1:], settings, tmp_path)  # another is the best now
    assert best.read_text() == found[1]["trial"]
    assert sorted(path.name for path in (tmp_path / BEST).iterdir()) == ["best.npz", "config.json"]


def test_a_search_without_a_trial_or_a_model(tmp_path):
    settings = search_settings()
    write_results([], settings, tmp_path)
    assert (tmp_path / "results.csv").read_text() == ",".join(COLUMNS) + "\n"
    assert table([]) == "no trial has been started"
    found = rows(searched(tmp_path, settings, count=1, failed=("0000",), at_work=0), settings, tmp_path)
    write_results(found, settings, tmp_path)
    assert not (tmp_path / BEST).exists()


def test_the_table_has_results_and_the_settings_that_differ():
    found = [
        {"rank": 1, "trial": "0001", "objective": 5.25, "status": "completed", "loss": "bce"},
        {"rank": None, "trial": "0000", "objective": None, "status": "failed", "loss": "focal"},
    ]
    assert table(found).splitlines() == [
        "rank  trial  objective  status     loss",
        "1     0001   5.25       completed  bce",
        "-     0000   -          failed     focal",
    ]


def test_a_worker_s_death_is_a_cause(tmp_path):
    settings = search_settings()
    oracle = make(tmp_path, settings)
    oracle.fail(oracle.create_trial("a").trial_id, "3 workers died during it")
    assert rows(oracle, settings, tmp_path)[0]["cause"] == "3 workers died during it"


def test_tensorboard_knows_what_was_searched(tmp_path):
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
    from tensorboard.plugins.hparams import metadata

    settings = search_settings()
    write_experiment(tmp_path / "log", settings)
    (path,) = (tmp_path / "log").iterdir()
    write_experiment(tmp_path / "log", settings)  # a resumed search adds nothing
    assert list((tmp_path / "log").iterdir()) == [path]
    values = [value for event in EventFileLoader(str(path)).Load() for value in event.summary.value]
    (content,) = [value.metadata.plugin_data.content for value in values if value.tag == metadata.EXPERIMENT_TAG]
    experiment = metadata.parse_experiment_plugin_data(content)
    infos = {info.name: info for info in experiment.hparam_infos}
    assert {name.partition(".")[2] for name in infos} == set(settings.space.searched)
    assert [value.string_value for value in infos["loss.loss"].domain_discrete.values] == sorted(CHOICES["loss"])
    assert infos["optimizer.learning_rate"].domain_interval.max_value == 0.01
    assert [info.name.tag for info in experiment.metric_infos] == ["val_nll", "val_pr_auc"]
