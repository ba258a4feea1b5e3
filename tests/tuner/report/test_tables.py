"""The tables of a report on a study."""

import dataclasses

import pytest
from synthetic_study import BASELINES, tiny_settings, write_study

from pianoroll_tf.flags import from_args
from pianoroll_tf.storage.checksummed_json import read_checksummed, write_checksummed
from tuner.report import data as report_data
from tuner.report import reproduce as report_repeat
from tuner.report import summary as report_summary
from tuner.report import tables as report_tables
from tuner.report.language import Language
from tuner.study import __main__ as study
from tuner.study import folder as study_folder
from tuner.study.measures import FACTS, MEASURES, MUSIC

EN = Language("en")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """One run diverged."""
    folder = tmp_path_factory.mktemp("study") / "made-up"
    settings = tiny_settings(ablations=True)
    return report_data.read(write_study(folder, settings, diverged=[("focal-rmsprop", 1)]))


def column(table, head):
    index = list(table.head).index(head)
    return {row[0]: row[index] for row in table.rows}


def test_quality_has_the_baselines_first_and_says_which_means_lack_a_run(data):
    table = report_tables.quality(data, EN)
    nll = column(table, "test NLL, nats per step")
    assert list(nll)[:3] == ["copy the last step", "note frequency", "BCE\u00a0·\u00a0Adam"]
    assert nll["copy the last step"] == EN.number(BASELINES["copy_last_step"]["nll"])
    mean, small = nll["focal\u00a0·\u00a0RMSprop"]
    assert small.endswith("\n2 of 3 runs")
    values = [run.measures["nll"] for run in data.runs if run.combination == "focal-rmsprop" and run.measures]
    assert float(mean) == pytest.approx(sum(values) / 2, abs=0.005)  # two seeds: a wide interval, few digits
    assert "runs" not in nll["BCE\u00a0·\u00a0Adam"][1]
    assert column(table, "ECE, raw output")["focal\u00a0·\u00a0Adam"][0] == "0.08500"


def test_stability_counts_how_runs_ended_and_leaves_out_what_was_not_trained(data):
    table = report_tables.stability(data, EN)
    assert column(table, "diverged")["focal\u00a0·\u00a0RMSprop"] == "1"
    assert column(table, "ended well")["focal\u00a0·\u00a0RMSprop"] == "2 of 3 runs"
    assert not any("uncorrected" in row[0] for row in table.rows)
    assert report_tables.causes(data, EN) == [
        "focal\u00a0·\u00a0RMSprop, seed 1: diverged: the loss became nan in epoch 2, step 31"
    ]


def test_pairs_have_their_tests_and_verdict(data):
    table = report_tables.pairs(data, "nll", EN, ("losses", "combinations"), "pairs")
    first = dict(zip(table.head, table.rows[0], strict=True))
    [pair] = data.comparison.measures["nll"].losses
    assert first["pair"] == "BCE − focal"
    assert first["difference, 95 % interval"] == EN.mean(pair)
    assert first["p, Wilcoxon"] == EN.p(pair.wilcoxon) == "0.5"  # two seeds: one run of focal diverged
    assert first["verdict"] == "all seeds agree, too few to show it"
    assert len(table.rows) == 1 + 6
    ablations = report_tables.pairs(data, "ece", EN, ["ablations"], "ablations")
    assert ablations.rows[0][0] == "focal\u00a0·\u00a0Adam, uncorrected − focal\u00a0·\u00a0Adam"
    assert set(report_tables.groups_of(data, "nll", EN)) == {"losses", "optimizers", "combinations", "ablations"}


def test_ranks_end_with_the_test(data):
    table = report_tables.ranks(data, EN)
    found = data.comparison.measures["nll"].ranks
    nll = column(table, "test NLL")
    assert nll["BCE\u00a0·\u00a0Adam"] == EN.number(found.mean["bce-adam"], 2)
    assert nll["critical difference"] == EN.number(found.critical_difference, 2)
    assert nll["p of Friedman’s test"] == EN.p(found.p)


def test_music_is_shown_with_its_ceiling(data):
    table = report_tables.music(data, "overlap", EN)
    assert table.head[1] == "test halves (ceiling)"
    assert table.rows[0][:3] == ["density of a piece", "0.900", "0.890"]
    assert table.rows[-1][:3] == ["mean of all", "0.900", "0.890"]
    assert len(table.rows) == len(MUSIC) + 1
    distance = report_tables.music(data, "distance", EN)
    assert distance.rows[2][:2] == [("pitch histogram", "semitones"), "0.5000"]


def test_facts_are_shown_beside_the_real_ones_and_their_gaps_beside_the_ceiling(data):
    table = report_tables.facts(data, False, EN)
    assert table.head[1] == "test split"
    assert table.rows[0][:2] == ["onsets that share their step with another", "0.500"]
    assert table.rows[0][2][0] == "0.4000"
    assert table.rows[-1][0] == ("steps in a row shared with a training piece, median", "steps")
    gaps = report_tables.facts(data, True, EN)
    assert gaps.head[1] == "test halves (ceiling)"
    assert [row[:2] for row in gaps.rows[-2:]] == [["classifier’s AUC", "0.520"], ["AUC of the best fact", "0.600"]]


def test_a_study_of_an_earlier_version_has_no_facts(tmp_path):
    """It has neither facts.csv nor their measures, and its comparison.json lacks them too."""
    folder = write_study(tmp_path / "study", tiny_settings(seeds=2))
    (folder / study_folder.FACTS_CSV).unlink()
    new = [name for name in MEASURES if name.endswith(("_gap", "auc")) and name.startswith("music")]
    new += [f"music_{name}" for name in FACTS]
    for path in folder.glob("runs/*/*/measures.json"):
        values = read_checksummed(path)
        for name in new:
            del values["measures"][name]
        write_checksummed(path, values)
    earlier = dataclasses.asdict(report_data.read(folder).comparison)
    earlier["measures"] = {name: found for name, found in earlier["measures"].items() if name not in new}
    write_checksummed(folder / study_folder.COMPARISON, earlier)
    data = report_data.read(folder)
    assert report_tables.facts(data, False, EN) is report_tables.facts(data, True, EN) is None
    assert column(report_tables.ranks(data, EN), "test NLL")
    assert "classifier’s AUC" not in report_tables.ranks(data, EN).head
    assert "classifier" not in " ".join(report_summary.paragraphs(data, EN))


def test_a_table_of_nothing_is_none(tmp_path):
    settings = tiny_settings(losses=("bce",), optimizers=("adam",), seeds=1)
    data = report_data.read(write_study(tmp_path / "study", settings, with_music=False))
    assert report_tables.music(data, "overlap", EN) is None
    assert report_tables.ranks(data, EN) is None
    assert report_tables.pairs(data, "nll", EN, ("losses", "combinations"), "pairs") is None


def test_the_tuning_run_that_was_chosen_is_marked(data):
    table = report_repeat.tuning_table(data, EN)
    [place] = [
        place
        for place, row in enumerate(table.rows)
        if row[-1] == "chosen" and row[0].startswith("focal\u00a0·\u00a0Adam")
    ]
    assert [row[-1] for row in table.rows].count("chosen") == 4
    first = dict(zip(table.head, table.rows[place], strict=True))
    assert (first["gamma"], first["alpha"], first["weight_decay"]) == ("2", "0.5", "–")


def test_the_commands_make_the_study_again(data):
    lines = report_repeat.study_commands(data, Language("ru")).lines
    assert (
        lines[0] == "python -m pianoroll_tf.build_records MIDI_DIR tfrecords/made-up --grid seconds --include '*.mid'"
    )
    language = lines[1].split()
    assert language[:5] == ["python", "-m", "tuner.study", "tfrecords/made-up", "studies/made-up"]
    args = study.build_parser().parse_args(language[3:])
    assert from_args(type(data.study.settings.study), args) == data.study.settings.study
    assert lines[2] == "python -m tuner.report studies/made-up --lang ru"
