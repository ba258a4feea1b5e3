"""Tests of pianoroll_tf.modeling.advice: hand-made histories, each with the sentence that it asks for, or none."""

import subprocess
import sys

import pytest

from pianoroll_tf.config import DatasetConfig, LossConfig, ModelConfig, OptimizerConfig, RunConfig, TrainingConfig
from pianoroll_tf.modeling.advice import fault, lower_rate, training_advice
from pianoroll_tf.modeling.training_state import TrainingState

BASELINES = {"copy_last_step": 6.5, "note_frequency": 12.0}


def history(losses, nlls, patience=0, epochs=40, **more):
    """The state after epochs with these training losses and validation NLLs."""
    state = TrainingState(**more)
    for loss, nll in zip(losses, nlls, strict=True):
        row = {"loss": loss, "val_nll": nll, "val_density_predicted": 0.04, "val_density_true": 0.045}
        state.end_epoch(row, epochs, patience)
    return state


def advice(state, config=None, baselines=BASELINES):
    return training_advice(state, config or RunConfig(), baselines)


@pytest.mark.parametrize(
    ("losses", "nlls"),
    [
        ([9.0, 7.0, 6.0, 5.5], [8.0, 6.6, 6.0, 5.9]),  # improves
        ([9.0, 6.0, 5.5, 5.2, 5.0], [8.0, 6.0, 6.05, 6.1, 6.1]),  # its best epoch is over
        ([8.0, 7.0, 6.5, *[5.0] * 8], [7.0, 6.1, 6.0, *[6.2] * 8]),  # overfits a little
        ([5.0, 4.99, 4.98], [5.0, 4.99, 4.98]),  # improves slowly
    ],
)
def test_a_training_that_went_well_is_not_commented(losses, nlls):
    assert advice(history(losses, nlls)) == []


def test_no_epoch_no_advice():
    assert advice(TrainingState()) == []


def test_worse_than_copying_while_it_improves_asks_for_more_epochs():
    state = history([9.0, 8.0], [8.0, 7.0], epochs=2)
    assert advice(state, RunConfig(training=TrainingConfig(epochs=2))) == [
        "It predicts worse than copying the last step (6.5000): train longer, with --epochs 40 in a new folder."
    ]
    constant = RunConfig(training=TrainingConfig(epochs=2), optimizer=OptimizerConfig(schedule="constant"))
    assert advice(state, constant)[0].endswith("train longer, with --epochs 40.")
    assert advice(state, baselines={}) == []


def test_worse_than_copying_without_improvement_asks_for_other_settings():
    config = RunConfig(dataset=DatasetConfig(transpose=0))
    assert advice(history([9.0, 8.0, 8.0], [8.0, 7.0, 7.2]), config) == [
        "It predicts worse than copying the last step (6.5000): try --learning-rate 0.0004 in a new folder, or more "
        "files or --transpose 5 or --dropout 0.3."
    ]


def test_worse_than_copying_by_learning_by_heart_asks_for_more_data():
    assert advice(history([9.0, 4.5], [8.0, 7.0])) == [
        "It predicts worse than copying the last step (6.5000), although the training loss is 4.5000: it learns by "
        "heart. Better: more files or --dropout 0.3."
    ]


def test_a_collapse_to_the_frequency_of_each_note_is_named():
    (sentence,) = advice(history([13.0, 12.1, 12.2], [13.0, 11.95, 12.1]))
    assert sentence.startswith("It predicts no better than the frequency of each note (12.0000), whatever came before")
    assert "--learning-rate 0.0004" in sentence


def test_a_loss_that_falls_but_is_far_above_that_of_the_start_asks_for_a_lower_rate():
    (sentence,) = advice(history([40.0, 30.0, 13.0], [40.0, 30.0, 26.0]))
    assert ": try --learning-rate 0.0004 in a new folder" in sentence
    (sentence,) = advice(history([12.2, 12.1, 12.0], [12.2, 12.1, 12.0]))
    assert ": train longer, with --epochs 80" in sentence


@pytest.mark.parametrize(
    ("predicted", "clause"), [(0.002, "almost silence: 0.2 %"), (0.3, "far too many notes: 30.0 %")]
)
def test_a_collapse_of_the_density_is_named(predicted, clause):
    state = history([9.0, 8.0, 8.0], [6.4, 6.2, 6.3])
    state.rows[1]["val_density_predicted"] = predicted  # of the best epoch
    (sentence,) = advice(state)
    assert sentence.startswith(f"It predicts {clause} of the cells, where 4.5 % sound: try --learning-rate 0.0004")


def test_a_density_that_is_not_known_or_zero_is_not_judged():
    assert fault({"nll": 6.0}, {}) == ""
    assert fault({"nll": 6.0, "density_predicted": 0.01, "density_true": 0.0}, {}) == ""


@pytest.mark.parametrize(("rate", "cure"), [(1e-9, "--learning-rate 0.004"), (2.0, "--learning-rate 0.2")])
def test_a_model_that_does_not_change_is_named(rate, cure):
    config = RunConfig(optimizer=OptimizerConfig(learning_rate=rate))
    (sentence,) = advice(history([9.0, 9.1, 8.9], [13.0, 13.00001, 13.0]), config)
    assert sentence.startswith("Its predictions do not change from epoch to epoch")
    assert f"try {cure} in a new folder" in sentence


def test_overfitting_is_named_with_both_curves():
    state = history([8.0, 5.0, 4.0, 3.0, 2.0], [7.0, 6.0, 6.2, 6.4, 6.5])
    config = RunConfig(dataset=DatasetConfig(transpose=0), model=ModelConfig(dropout=0.3))
    assert advice(state, config) == [
        "It overfits: since epoch 2, whose weights are kept, the training loss fell from 5.0000 to 2.0000, but the "
        "validation NLL rose from 6.0000 to 6.5000. Better: more files or --transpose 5."
    ]
    assert advice(state, RunConfig(loss=LossConfig(loss="focal")))  # its training loss is no NLL: only its fall counts
    near = history([8.0, 6.6, 6.2], [7.0, 6.0, 6.5])  # training and validation are close: it does not learn by heart
    assert advice(near) == []
    assert advice(near, RunConfig(loss=LossConfig(loss="focal")))


def test_a_best_epoch_at_the_start_asks_for_a_lower_rate():
    config = RunConfig(training=TrainingConfig(patience=3))
    assert advice(history([6.0] * 5, [6.1, 6.0, 6.2, 6.1, 6.2], patience=3), config) == [
        "Validation was best in epoch 2 and no better in 3 more: try --learning-rate 0.0004 in a new folder."
    ]
    assert advice(history([6.0] * 4, [6.1, 6.0, 6.2, 6.1]), config) == []


def test_a_plateau_is_named_only_beyond_the_usual_patience():
    nlls = [6.4, 6.3, 6.2, *[6.21] * 12]
    (sentence,) = advice(history([6.0] * 15, nlls))
    assert sentence.startswith("Validation has not improved since epoch 3, for 12 epochs")
    assert "try --gru-units 512 in a new folder, or more files or --dropout 0.3" in sentence
    assert advice(history([6.0] * 14, nlls[:-1])) == []


def test_fine_tuning_in_vain_is_named():
    state = history([6.0, 5.9], [6.4, 6.3], initial_nll=6.2)
    assert advice(state) == [
        "Fine-tuning has not helped: validation NLL 6.2000 before the first epoch, 6.3000 at best. "
        "Try --learning-rate 0.0004 in a new folder, or keep the earlier run."
    ]
    assert advice(history([6.0, 5.9], [6.4, 6.1], initial_nll=6.2)) == []


def test_without_clipping_a_lower_rate_comes_with_it():
    config = RunConfig(optimizer=OptimizerConfig(clip_norm=0.0, learning_rate=0.05))
    assert lower_rate(config) == "--learning-rate 0.005 and --clip-norm 1"


def test_no_framework_is_imported():
    code = "import sys, pianoroll_tf.modeling.advice; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
