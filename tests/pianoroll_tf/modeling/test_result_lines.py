"""Tests of pianoroll_tf.modeling.result_lines: what a command says of a finished training."""

from pathlib import Path

from tiny_run import tiny_config, tiny_records

from pianoroll_tf.modeling.result_lines import result_lines
from pianoroll_tf.modeling.training_state import TrainingState


def test_the_lines_say_why_how_good_and_what_next(tmp_path):
    config = tiny_config(tiny_records(tmp_path / "records"))
    rows = [{"epoch": epoch, "loss": 20.0 - epoch, "val_nll": 9.0 - epoch} for epoch in (1, 2, 3)]
    state = TrainingState(
        epoch=3, best_nll=6.0, best_epoch=3, rows=rows, finished="all 3 epochs are done", initial_nll=8.5
    )
    first, second, *_, last = result_lines(Path("runs/my run"), state, config)
    assert first == "runs/my run is finished: all 3 epochs are done"
    assert second == "best validation NLL 6.0000 nats per step, epoch 3; 8.5000 nats per step before"
    assert last == "next: python -m pianoroll_tf.evaluate 'runs/my run'"
