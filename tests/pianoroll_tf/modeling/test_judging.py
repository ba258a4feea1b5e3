"""Judging a model as a library does: labels, number of passes, results and picture."""

from tiny_run import random_piece, tiny_config, write_records

from pianoroll_tf.modeling import judging
from pianoroll_tf.modeling.baselines import BASELINES
from pianoroll_tf.modeling.evaluation_folder import LABELS, table
from pianoroll_tf.modeling.run import run_model


def test_every_baseline_has_a_label():
    assert LABELS.keys() == {"model", *BASELINES}


def test_judging_prints_nothing_and_calls_back_after_each_pass(tmp_path, capsys):
    pieces = {split: [random_piece(20, seed=number)] for number, split in enumerate(("train", "val", "test"))}
    records = write_records(tmp_path / "records", pieces)
    config, passes = tiny_config(records, loss={"loss": "focal"}), []
    results, sums = judging.judge(config, run_model(config), records, "test", passes.append)
    assert len(passes) == judging.pass_count(config) == 7
    assert passes[-1] == "uncorrected"
    assert sums.keys() == {*LABELS, "uncorrected"}
    assert results["uncorrected_ece"] == sums["uncorrected"].ece()
    assert table(results).splitlines()[0].startswith("test: 1 piece, 20 steps")
    assert judging.picture("run", results, sums)[:4] == b"\x89PNG"
    output = capsys.readouterr()
    assert output.out + output.err == ""
