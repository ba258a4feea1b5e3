"""Studies of several corpora, compared."""

import math

import pytest
from synthetic_study import tiny_settings, write_study

from pianoroll_tf.errors import UserError
from tuner.study.across_studies import compare_studies
from tuner.study.folder import BASELINES, read_checksummed, read_runs


def test_two_studies_are_compared_relative_to_their_baselines(tmp_path):
    folders = {
        corpus: write_study(tmp_path / corpus, tiny_settings(seeds=seeds, optimizers=optimizers))
        for corpus, seeds, optimizers in (("jsb", 3, ("adam", "rmsprop")), ("pop909", 2, ("adam",)))
    }
    found = compare_studies(folders)
    [pair] = found.differences  # of what both have
    assert (pair.first, pair.second) == ("bce-adam", "focal-adam")
    assert [each.runs for each in pair.corpora.values()] == [3, 2]
    runs = {(run.combination, run.seed): run.measures["nll"] for run in read_runs(folders["jsb"])}
    by_hand = [math.log(runs["bce-adam", seed] / runs["focal-adam", seed]) for seed in range(3)]
    assert pair.corpora["jsb"].mean == pytest.approx(sum(by_hand) / 3)
    assert found.blocks.ranks.seeds == 5
    assert compare_studies(folders, "pr_auc").differences[0].corpora["jsb"].mean != pair.corpora["jsb"].mean
    assert read_checksummed(folders["jsb"] / BASELINES)["test"]["copy_last_step"]["nll"] > 0


def test_studies_without_a_common_combination_are_refused(tmp_path):
    one = write_study(tmp_path / "one", tiny_settings(seeds=1, optimizers=("adam",)))
    other = write_study(tmp_path / "other", tiny_settings(seeds=1, optimizers=("rmsprop",)))
    with pytest.raises(UserError, match=r"studies must have combinations in common. Received: .*one, .*other"):
        compare_studies({"one": one, "other": other})


def test_seeds_that_are_not_done_are_left_out_and_diverged_ones_are_the_worst(tmp_path):
    settings = tiny_settings(seeds=3, optimizers=("adam",))
    runs = {"skipped": [("bce-adam", 1)], "diverged": [("bce-adam", 2)]}
    folders = {name: write_study(tmp_path / name, settings, **runs) for name in ("jsb", "pop909")}
    found = compare_studies(folders)
    assert found.left_out == {"jsb": [1], "pop909": [1]}
    [pair] = found.differences
    assert [(each.runs, each.missing) for each in pair.corpora.values()] == [(1, 1), (1, 1)]
    assert found.blocks.ranks.seeds == 4  # seeds 0 and 2 of both
