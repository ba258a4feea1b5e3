"""From runs to a comparison: what is averaged where not every loss has every optimizer."""

import pytest
from synthetic_study import tiny_settings, write_study

from tuner.study import folder as study_folder
from tuner.study.results import compared


def test_losses_and_optimizers_are_averaged_over_what_both_have(tmp_path):
    names = ("bce-adam", "focal-adam", "bce-rmsprop", "bce-adam-zero-bias")
    folder = write_study(tmp_path / "study", tiny_settings(combinations=names), with_music=False)
    study, runs = study_folder.read_study(folder), study_folder.read_runs(folder)
    nll = {(run.combination, run.seed): run.measures["nll"] for run in runs}
    found = compared(study, runs).measures["nll"]
    [losses], [optimizers] = found.losses, found.optimizers
    seeds = range(study.settings.study.seeds)
    by_loss = [nll["bce-adam", seed] - nll["focal-adam", seed] for seed in seeds]
    by_optimizer = [nll["bce-adam", seed] - nll["bce-rmsprop", seed] for seed in seeds]
    assert (losses.first, losses.second, losses.mean) == ("bce", "focal", pytest.approx(sum(by_loss) / len(by_loss)))
    assert optimizers.mean == pytest.approx(sum(by_optimizer) / len(by_optimizer))
