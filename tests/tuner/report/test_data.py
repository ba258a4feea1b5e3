"""What a report reads of a study, finished or not."""

import dataclasses

import numpy as np
import pytest
from synthetic_study import tiny_settings, write_study

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.errors import UserError
from pianoroll_tf.storage.checksummed_json import read_checksummed, write_checksummed
from tuner.report import data as report_data
from tuner.study import folder as study_folder
from tuner.study.operations import batch_operations
from tuner.study.results import edge_names
from tuner.study.settings import Combination


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A study that is not finished: one run diverged, one collapsed, two are missing."""
    folder = tmp_path_factory.mktemp("study") / "made-up"
    skipped = [("bce-adam", 2), ("focal-rmsprop", 0)]
    write_study(
        folder, tiny_settings(), skipped, diverged=[("focal-adam", 1)], collapsed=[("bce-rmsprop", 0)], with_music=False
    )
    return report_data.read(folder)


def test_what_is_there_and_what_is_missing(data):
    assert len(data.runs) == 10
    assert data.missing == {"bce-adam": [2], "focal-rmsprop": [0]}
    assert (data.comparison.missing, data.missing_tuning, data.seeds) == (2, 0, 3)
    assert data.comparison.outcomes["bce-rmsprop"] == {"finished": 2, "collapsed": 1, "diverged": 0}
    assert data.music == []
    assert [run.seed for run in data.of(Combination("focal", "rmsprop"))] == [1, 2]
    assert len(data.values("nll", Combination("focal", "adam"))) == 2  # the diverged run has none
    assert data.baselines["test"]["copy_last_step"]["nll"] == 6.54


def test_efforts_are_there_though_the_study_has_not_written_its_results(data):
    """20 steps per epoch."""
    steps = data.values("steps_to_best", Combination("bce", "rmsprop"))
    epochs = data.values("epochs_to_best", Combination("bce", "rmsprop"))
    assert steps == [20 * epoch for epoch in epochs]
    assert steps
    assert b"steps_to_best" in report_data.results_csv(data).splitlines()[0]
    assert len(report_data.results_csv(data).splitlines()) == 11


def test_the_cost_of_a_run_follows_from_its_curve_and_the_settings(data):
    """Batches of 64 windows; the operations are those of `operations.batch_operations`."""
    [run] = [run for run in data.runs if (run.combination, run.seed) == ("bce-adam", 0)]
    curve = [row["val_nll"] for row in data.histories["bce-adam", 0]]
    best = curve.index(min(curve)) + 1
    settled = next(epoch for epoch, nll in enumerate(curve, 1) if nll <= 1.01 * min(curve))
    measures = run.measures
    assert (measures["epochs_to_own_best"], measures["steps_to_own_best"]) == (best, 20 * best)
    assert (measures["steps_to_settled"], measures["examples_to_settled"]) == (20 * settled, 64 * 20 * settled)
    settings = data.study.settings
    found = batch_operations(settings.model, RecordsConfig(grid="seconds"), 0.0362, 64, 128)
    assert measures["operations_to_own_best"] == pytest.approx(20 * best * found.training / 1e12)
    assert measures["examples_to_copy"] == 64 * measures["steps_to_copy"]
    assert measures["last_gain"] == pytest.approx((min(curve[:-1]) - min(curve)) / (curve[0] - min(curve)), abs=1e-9)


def test_a_comparison_of_an_earlier_version_lacks_measures_and_is_made_again(data):
    path = data.folder / study_folder.COMPARISON
    earlier = dataclasses.asdict(dataclasses.replace(data.comparison, missing=99))
    del earlier["measures"]["last_gain"]
    write_checksummed(path, earlier)
    found = report_data.read(data.folder).comparison
    assert (found.missing, "last_gain" in found.measures) == (2, True)
    path.unlink()


def test_a_study_of_an_earlier_version_has_no_steps_per_epoch(tmp_path):
    """They follow from a run that reached the baseline."""
    folder = write_study(tmp_path / "study", tiny_settings(seeds=1, optimizers=("adam",)))
    for path in folder.glob("runs/*/*/measures.json"):
        values = read_checksummed(path)
        assert values.pop("steps_per_epoch") == 20
        write_checksummed(path, values)
    found = report_data.read(folder)
    assert all(run.measures["steps_to_best"] == 20 * run.measures["epochs_to_best"] for run in found.runs)
    assert {run.steps_per_epoch for run in found.runs} == {None}


def test_a_comparison_of_other_runs_is_not_used(data):
    stale = dataclasses.replace(data.comparison, missing=99)
    path = data.folder / study_folder.COMPARISON
    earlier = {"sentences": ["an entry of earlier versions"]}
    write_checksummed(path, dataclasses.asdict(stale) | earlier)
    assert report_data.read(data.folder).comparison.missing == 99
    stale.outcomes["bce-adam"]["finished"] = 3
    earlier = {"sentences": ["an entry of earlier versions"]}
    write_checksummed(path, dataclasses.asdict(stale) | earlier)
    assert report_data.read(data.folder).comparison.missing == 2
    path.unlink()


def test_music_comes_from_the_first_run_that_has_some(data):
    [piece] = data.pieces(Combination("focal", "rmsprop"))  # seed 0 is missing
    assert piece.shape == (64, 84)
    assert len(data.real_pieces()) == 4
    assert data.pieces(Combination("bce", "adamw")) == []


def test_measures_of_training_are_shown_of_what_was_trained(tmp_path):
    folder = write_study(tmp_path / "study", tiny_settings(ablations=True, seeds=1))
    found = report_data.read(folder)
    assert len(found.shown(["nll"])) == 4 + 2 + 2
    assert len(found.shown(["roughness", "steps_to_copy"])) == 4 + 2  # without the two raw
    assert len(found.measured(ablations=False)) == 4


def test_no_study_and_a_damaged_one(tmp_path):
    with pytest.raises(UserError, match=r"must be the folder of a study: it has no study\.json"):
        report_data.read(tmp_path)
    folder = write_study(tmp_path / "study", tiny_settings(seeds=1, optimizers=("adam",)))
    path = folder / "runs" / "bce-adam" / "0" / "measures.json"
    path.write_bytes(path.read_bytes().replace(b"5.", b"4.", 1))
    with pytest.raises(UserError, match=r"measures\.json is damaged"):
        report_data.read(folder)


def test_a_curve_ends_where_it_is_no_number():
    rows = [{"val_nll": value} for value in (9.0, 8.0, float("nan"), 7.0)]
    np.testing.assert_array_equal(report_data.curve(rows), [9.0, 8.0])
    assert report_data.curve([]) == []


def test_a_study_that_tried_a_fixed_list_of_rates_can_be_read(tmp_path):
    """study.json of a version whose tuning runs were listed in it, and that had no moving average."""
    folder = write_study(
        tmp_path / "study", tiny_settings(seeds=1, optimizers=("adam",), tuning_runs=2), with_music=False
    )
    values = read_checksummed(folder / "study.json")
    for name in ("ema", "start_rate", "most_tuning_runs", "combinations"):
        del values["settings"]["study"][name]
    values["settings"]["study"] |= {"lowest_rate": 0.0005, "highest_rate": 0.008, "schedule": "cosine"}
    values["design"] = {
        name: [{"learning_rate": rate, "gamma": None} for rate in (0.004, 0.008)] for name in values["design"]
    }
    write_checksummed(folder / "study.json", values)
    data = report_data.read(folder)
    assert (data.study.settings.study.ema, data.study.settings.study.schedule) == (0.0, "cosine")
    assert edge_names(data.study, "bce-adam", data.tuning[:2]) == ["learning_rate:down"]
