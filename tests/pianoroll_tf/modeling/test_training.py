"""Tests of pianoroll_tf.modeling.training: what is stopped, killed or damaged ends as if nothing had happened."""

import csv
import logging
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from repository import ROOT
from tiny_run import random_piece, tiny_config, tiny_records, write_records

from pianoroll_tf.data import opening, stream
from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling import run, run_folder, training
from pianoroll_tf.modeling.callbacks import StoppedError
from pianoroll_tf.modeling.checkpoints import CheckpointStore
from pianoroll_tf.modeling.training import compiled_model, default_strategy, fit_batch, train
from pianoroll_tf.storage.arrays import read_arrays


class At(keras.callbacks.Callback):
    """Does something once, when so many batches have ended."""

    def __init__(self, batches, action):
        super().__init__()
        self._left, self._action = batches, action

    def on_train_batch_end(self, batch, logs=None):
        self._left -= 1
        if self._left == 0:
            self._action(self)


def final(folder):
    """What two equal runs must have in common: last checkpoint, best weights, history without the clock."""
    arrays, meta = read_arrays(CheckpointStore(folder / run_folder.CHECKPOINTS).paths()[-1])
    with (folder / run_folder.HISTORY).open() as file:
        rows = [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]
    for row in meta["rows"]:
        del row["seconds"]
    return (
        {name: value.tobytes() for name, value in arrays.items()},
        meta,
        (folder / run_folder.BEST).read_bytes(),
        rows,
    )


def assert_equal_runs(one, two):
    """Bit for bit."""
    for ours, theirs in zip(final(one), final(two), strict=True):
        assert ours == theirs


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return tiny_records(tmp_path_factory.mktemp("data") / "records")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, records):
    """The folder of a run of three epochs of seven batches that nothing disturbed."""
    folder = tmp_path_factory.mktemp("runs") / "undisturbed"
    train(tiny_config(records), folder, quiet=True)
    return folder


@pytest.fixture
def half_done(tmp_path, records):
    """A run with checkpoints of every batch, stopped in its second epoch."""
    stop = At(11, lambda _: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(StoppedError):
        train(tiny_config(records), tmp_path / "run", [stop], checkpoint_seconds=0, quiet=True)
    return tmp_path / "run"


def test_a_run_leaves_what_the_other_commands_need(undisturbed, records):
    config, model = run.load_run(undisturbed)
    assert config == tiny_config(records)
    with (undisturbed / run_folder.HISTORY).open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    best = min(rows, key=lambda row: float(row["val_nll"]))
    weights, meta = read_arrays(undisturbed / run_folder.BEST)
    assert meta == {"epoch": int(best["epoch"]), "val_nll": float(best["val_nll"])}
    np.testing.assert_array_equal(model.get_layer("head").get_weights()[1], weights["head/bias"])
    assert len(CheckpointStore(undisturbed / run_folder.CHECKPOINTS).paths()) == 2
    assert list((undisturbed / run_folder.TENSORBOARD).glob("*.tfevents.*"))


def test_the_recorded_validation_is_that_of_the_best_weights(undisturbed, records):
    from pianoroll_tf.data.pipeline import evaluation_dataset, load_corpus
    from pianoroll_tf.modeling.evaluation import model_evaluator

    config, model = run.load_run(undisturbed)
    dataset = evaluation_dataset(load_corpus(records, "val"), config.dataset)
    _, meta = read_arrays(undisturbed / run_folder.BEST)
    assert model_evaluator(model, config.loss).statistics(dataset).results()["nll"] == pytest.approx(
        meta["val_nll"], rel=1e-6
    )


def test_the_same_settings_give_the_same_run_and_another_seed_another(tmp_path, undisturbed, records):
    train(tiny_config(records), tmp_path / "again", quiet=True)
    assert_equal_runs(tmp_path / "again", undisturbed)
    train(tiny_config(records, training={"seed": 6}), tmp_path / "other", quiet=True)
    assert final(tmp_path / "other")[2] != final(undisturbed)[2]


def test_sigterm_saves_and_the_same_call_resumes(undisturbed, half_done, records):
    newest = CheckpointStore(half_done / run_folder.CHECKPOINTS).paths()[-1]
    assert newest.name == "batch-000000000011.npz"
    train(tiny_config(records), half_done, quiet=True)
    assert_equal_runs(half_done, undisturbed)


@pytest.mark.parametrize("batches", [7, 21])
def test_sigterm_at_the_last_batch_of_an_epoch(tmp_path, undisturbed, records, batches):
    stop = At(batches, lambda _: os.kill(os.getpid(), signal.SIGTERM))
    try:
        train(tiny_config(records), tmp_path / "run", [stop], quiet=True)
        assert batches == 21  # then the run was finished all the same
    except StoppedError:
        assert batches == 7
    train(tiny_config(records), tmp_path / "run", quiet=True)
    assert_equal_runs(tmp_path / "run", undisturbed)


def test_sigterm_is_left_as_it_was(undisturbed, records):
    before = signal.getsignal(signal.SIGTERM)
    train(tiny_config(records), undisturbed, quiet=True)
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_run_that_ends_by_until_is_resumed_bit_for_bit(tmp_path, undisturbed, records):
    config, folder, batches = tiny_config(records), tmp_path / "run", []
    spy = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: batches.append(batch))
    for until, epochs in ((1, 1), (1, 1), (2, 2)):
        state = train(config, folder, [spy], quiet=True, until=until)
        assert (state.epoch, state.batch, state.finished) == (epochs, 0, "")
        assert len(batches) == 7 * epochs  # a second call with the same number trains nothing
        assert len(state.rows) == epochs
    state = train(config, folder, quiet=True, until=99)
    assert state.finished == "all 3 epochs are done"
    assert_equal_runs(folder, undisturbed)
    with pytest.raises(ValueError, match=r"until must be >= 1\. Received: until=0"):
        train(config, folder, until=0)


def test_until_counts_from_the_start_of_the_run_after_an_interruption(half_done, undisturbed, records):
    state = train(tiny_config(records), half_done, quiet=True, until=2)  # stopped in the second epoch
    assert (state.epoch, state.batch, state.finished) == (2, 0, "")
    train(tiny_config(records), half_done, quiet=True)
    assert_equal_runs(half_done, undisturbed)


def test_a_library_call_prints_nothing_and_logs_what_it_trains(capfd, caplog, tmp_path, records):
    caplog.set_level("INFO", "pianoroll_tf")
    config = tiny_config(records)
    train(config, tmp_path / "run", quiet=True, until=1)
    assert capfd.readouterr().out == ""
    assert not caplog.records
    train(config, tmp_path / "run", until=2)
    assert "training: 9 pieces, 309 steps" in caplog.messages
    assert "resumes in epoch 2 after 0 of its batches" in caplog.messages


@pytest.mark.parametrize("damage", ["cut", "bit", "both"])
def test_a_damaged_checkpoint_is_noticed(caplog, undisturbed, half_done, records, damage):
    paths = CheckpointStore(half_done / run_folder.CHECKPOINTS).paths()
    for path in paths if damage == "both" else paths[-1:]:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 8
        path.write_bytes(content[:-1] if damage == "cut" else content)
    train(tiny_config(records), half_done, quiet=True)
    log = caplog.text
    assert log.count("is damaged") == (2 if damage == "both" else 1)
    assert log.count("training starts from scratch") == (damage == "both")
    assert_equal_runs(half_done, undisturbed)


@pytest.mark.parametrize("lost", ["best", "history"])
def test_a_lost_file_comes_back_from_the_checkpoint(undisturbed, tmp_path, records, lost):
    shutil.copytree(undisturbed, tmp_path / "run")
    (tmp_path / "run" / {"best": run_folder.BEST, "history": run_folder.HISTORY}[lost]).unlink()
    assert train(tiny_config(records), tmp_path / "run", quiet=True).finished == "all 3 epochs are done"
    assert_equal_runs(tmp_path / "run", undisturbed)


@pytest.mark.slow
def test_kill_9_at_random_moments_changes_nothing(tmp_path, undisturbed, records):
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed of the moments: {seed}")
    moments, folder, kills = random.Random(seed), tmp_path / "run", 0
    while (process := start(records, folder)).poll() is None and kills < 3:
        seen = checkpoints(folder)
        while process.poll() is None and checkpoints(folder) == seen:
            time.sleep(0.005)
        time.sleep(moments.random() * 0.4)
        kills += process.poll() is None
        process.kill()
        process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
    process.kill()
    process.communicate()
    assert kills >= 2
    train(tiny_config(records), folder, quiet=True)
    assert_equal_runs(folder, undisturbed)


def start(records, folder, limit=None):
    """A process that trains, with a checkpoint after every batch; no file may be larger than `limit` bytes."""

    def no_larger():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(
        [sys.executable, ROOT / "tests" / "support" / "tiny_run.py", records, folder, "0"],
        preexec_fn=no_larger if limit else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
    )


def checkpoints(folder):
    """Names of the files in the folder of checkpoints."""
    path = folder / run_folder.CHECKPOINTS
    return {entry.name for entry in path.iterdir()} if path.is_dir() else set()


@pytest.mark.parametrize(
    ("checkpoint_seconds", "what", "batch"),
    [
        (0, "head/bias became NaN or infinite, in epoch 2, step 3", 2),
        (999, "the loss became nan in epoch 2, step 4", 0),
    ],
)
def test_a_nan_stops_the_run_names_the_step_and_leaves_the_best_model(
    tmp_path, records, checkpoint_seconds, what, batch
):
    def poison(callback):
        bias = callback.model.get_layer("head").bias
        bias.assign(np.full(bias.shape, np.nan))

    with pytest.raises(
        UserError, match=rf"{what}; the best model \(epoch 1\) stays in .*run\. Try a lower .*-rate 0\.001"
    ):
        train(
            tiny_config(records), tmp_path / "run", [At(10, poison)], checkpoint_seconds=checkpoint_seconds, quiet=True
        )
    _, model = run.load_run(tmp_path / "run")
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    arrays, meta = CheckpointStore(tmp_path / "run" / run_folder.CHECKPOINTS).newest(print)
    assert (meta["epoch"], meta["batch"]) == (1, batch)
    assert all(np.isfinite(value).all() for value in arrays.values())


def test_a_nan_in_the_first_epoch_leaves_no_model(tmp_path, records):
    config = tiny_config(records, optimizer={"learning_rate": 10.0, "clip_norm": 0.0})

    def poison(callback):
        callback.model.get_layer("conv_1").kernel.assign(np.full((3, 168, 4), np.inf))

    with pytest.raises(UserError, match=r"epoch 1, step \d; there is no model yet\. Try a lower --learning-rate"):
        train(config, tmp_path / "run", [At(2, poison)], quiet=True)


def test_patience_stops_a_run(tmp_path, records):
    config = tiny_config(
        records,
        training={"epochs": 30, "patience": 2, "steps_per_epoch": 1},
        optimizer={"learning_rate": 1e-30, "warmup_steps": 0},
    )
    state = train(config, tmp_path / "run", quiet=True)
    assert state.finished == "no better validation NLL for 2 epochs"
    assert (state.epoch, state.best_epoch) == (3, 1)
    assert train(config, tmp_path / "run", quiet=True) == state


def test_another_config_in_an_existing_run_is_refused(undisturbed, records):
    with pytest.raises(UserError, match=r"training\.seed is 5 there, 4 here"):
        train(tiny_config(records, training={"seed": 4}), undisturbed)
    with pytest.raises(UserError, match=r"cannot continue from --epochs 3 to 4: .*--schedule cosine"):
        train(tiny_config(records, training={"epochs": 4}), undisturbed)


def test_more_epochs_end_bit_for_bit_as_if_planned_from_the_start(tmp_path, records):
    def config(epochs):
        return tiny_config(records, optimizer={"schedule": "constant"}, training={"epochs": epochs})

    assert train(config(1), tmp_path / "run", quiet=True).finished == "all 1 epochs are done"
    assert train(config(3), tmp_path / "run", quiet=True).finished == "all 3 epochs are done"
    train(config(3), tmp_path / "planned", quiet=True)
    assert_equal_runs(tmp_path / "run", tmp_path / "planned")
    assert run_folder.load_config(tmp_path / "run").provenance == {"epochs": [{"epochs": 1, "done": 1}]}
    with pytest.raises(UserError, match=r"--epochs must be >= 3"):
        train(config(2), tmp_path / "run", quiet=True)
    assert train(config(3), tmp_path / "run", quiet=True).epoch == 3


@pytest.fixture(scope="module")
def fine_tuned(tmp_path_factory, undisturbed, records):
    """The folder of a run that started from the weights of `undisturbed`, and that nothing disturbed."""
    folder = tmp_path_factory.mktemp("runs") / "fine-tuned"
    train(tiny_config(records, training={"seed": 8}), folder, quiet=True, init=undisturbed)
    return folder


def test_a_warm_start_begins_with_the_best_weights_of_the_other_run(tmp_path, caplog, undisturbed, records):
    caplog.set_level("INFO", "pianoroll_tf")
    changes = {"optimizer": {"learning_rate": 1e-30}, "training": {"epochs": 1, "steps_per_epoch": 1}}
    state = train(tiny_config(records, **changes), tmp_path / "run", init=undisturbed)
    _, meta = read_arrays(undisturbed / run_folder.BEST)
    assert state.initial_nll == pytest.approx(meta["val_nll"], rel=1e-6)
    assert state.best_nll == pytest.approx(meta["val_nll"], rel=1e-6)
    one, two = (run.load_run(folder)[1].get_weights() for folder in (undisturbed, tmp_path / "run"))
    for ours, theirs in zip(one, two, strict=True):  # the bias of the head too, which is not set to that of the data
        np.testing.assert_allclose(ours, theirs, atol=1e-20)
    assert f"validation NLL of these weights: {state.initial_nll:.4f} nats per step" in caplog.messages
    (line,) = (text for text in caplog.messages if text.startswith("starts from"))
    assert f"epoch {meta['epoch']} (validation NLL {meta['val_nll']:.4f} there), with a fresh optimizer" in line
    assert "differs: learning_rate 0.01 → 1e-30; epochs 3 → 1; steps_per_epoch none → 1" in line


def test_a_warm_start_is_resumed_bit_for_bit_without_the_other_run(tmp_path, undisturbed, fine_tuned, records):
    config, origin, folder = tiny_config(records, training={"seed": 8}), tmp_path / "origin", tmp_path / "run"
    shutil.copytree(undisturbed, origin)

    def fail(_):
        raise RuntimeError("killed before the first checkpoint")

    with pytest.raises(RuntimeError, match="killed"):
        train(config, folder, [At(3, fail)], quiet=True, init=origin)
    assert not checkpoints(folder)
    run.save_best(origin, run.weight_arrays(run.run_model(config)), {"epoch": 9, "val_nll": 1.0})  # trained further
    with pytest.raises(StoppedError):
        train(config, folder, [At(11, lambda _: os.kill(os.getpid(), signal.SIGTERM))], quiet=True, init=origin)
    shutil.rmtree(origin)
    assert train(config, folder, quiet=True).initial_nll is not None
    assert_equal_runs(folder, fine_tuned)


def test_records_that_changed_are_refused(tmp_path, records):
    config = tiny_config(records)
    shutil.copytree(records, tmp_path / "records")
    with (tmp_path / "records" / "manifest.json").open("a") as file:
        file.write(" ")
    import dataclasses

    moved = dataclasses.replace(config, data=dataclasses.replace(config.data, path=str(tmp_path / "records")))
    with pytest.raises(UserError, match="its manifest differs"):
        train(moved, tmp_path / "run")


def test_an_empty_validation_split_is_refused(tmp_path):
    records = write_records(tmp_path / "records", {"train": [random_piece(9, 0)], "val": []})
    with pytest.raises(UserError, match="but val is empty"):
        train(tiny_config(records), tmp_path / "run")


def test_two_trainings_in_one_folder_are_refused(tmp_path, records):
    config, errors = tiny_config(records, training={"epochs": 1, "steps_per_epoch": 1}), []

    def second(_):
        with pytest.raises(UserError, match="is in use by another process") as error:
            train(config, tmp_path / "run")
        errors.append(error)

    train(config, tmp_path / "run", [At(1, second)], quiet=True)
    assert errors


def test_a_second_start_with_other_settings_writes_nothing(tmp_path, records):
    with run_folder.sole_use(tmp_path / "run"):  # the first has the folder, and has not written its settings yet
        with pytest.raises(UserError, match="is in use"):
            train(tiny_config(records, training={"seed": 6}), tmp_path / "run")
        assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"]


def test_a_finished_run_keeps_the_times_of_its_files(undisturbed, records):
    def times():
        return {path: path.stat().st_mtime_ns for path in undisturbed.rglob("*")}

    before = times()
    train(tiny_config(records), undisturbed, quiet=True)
    assert times() == before


@pytest.mark.slow
def test_a_full_disk_at_any_point_is_one_line_and_the_same_command_resumes(tmp_path, undisturbed, records):
    """The largest file a process may write simulates a full disk: settings, logs, best weights, checkpoints fail."""
    largest = max(path.stat().st_size for path in undisturbed.rglob("*") if path.is_file())
    folder, failed = tmp_path / "run", []
    for limit in (100, 8000, largest // 2, largest * 9 // 10):  # the largest varies by some bytes: it holds seconds
        process = start(records, folder, limit)
        output = process.communicate()[0].decode()
        assert process.returncode == 1, output
        failed.append(output.splitlines()[-1])
        assert not list(folder.rglob("*.tmp"))
    assert failed[0] == f"File too large: {folder / run_folder.CONFIG}"
    assert failed[-1].startswith(f"File too large: {folder / run_folder.CHECKPOINTS}")
    train(tiny_config(records), folder, quiet=True)
    assert_equal_runs(folder, undisturbed)


def batch_of(inputs, targets, mask):
    """A batch as the pipeline makes it, without a clock, in which no piece ends."""
    zeros = np.zeros(mask.shape, np.float32)
    batch = {"inputs": inputs, "targets": targets, "clock": zeros.astype(np.int32), "ends": zeros, "mask": mask}
    return {name: tf.constant(value) for name, value in batch.items()}


def test_padding_reaches_neither_loss_nor_gradient(records):
    """Cells on padded steps are changed; loss, gradients and so the weights after a step are not."""
    config = tiny_config(records, model={"dropout": 0.0, "input_noise": 0.0})
    rng = np.random.default_rng(0)
    inputs, targets = (rng.random((2, 3, 6, 84)) < 0.1).astype(np.uint8)
    mask = np.array([[1] * 6, [1] * 2 + [0] * 4, [1] + [0] * 5], np.float32)
    results = []
    for padding in (0, 1):
        hidden = mask[..., None] == 0
        model = compiled_model(config, 10, default_strategy())
        batch = batch_of(np.where(hidden, padding, inputs), np.where(hidden, padding, targets), mask)
        x, y, weights = fit_batch(batch)
        results.append([model.train_on_batch(x, y, sample_weight=weights), *model.get_weights()])
    for one, two in zip(*results, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-8)  # a step of AdamW is 4e-3: rounding alone


def test_the_loss_is_the_mean_over_unmasked_steps(records):
    model = compiled_model(tiny_config(records, model={"dropout": 0.0}), 10, default_strategy())
    rng = np.random.default_rng(0)
    inputs, targets = (rng.random((2, 3, 6, 84)) < 0.1).astype(np.uint8) * 2
    mask = np.array([[1] * 6, [1] * 2 + [0] * 4, [1] + [0] * 5], np.float32)
    x, y, weights = fit_batch(batch_of(inputs, targets, mask))
    logits = model(x).numpy().astype(np.float64)
    sounds, again = targets != 0, (inputs != 0) & (targets != 0)  # every note is struck
    decided = np.concatenate([np.ones_like(sounds), again, np.ones((3, 6, 1), bool)], axis=-1)
    wanted = np.concatenate([sounds, again, np.zeros((3, 6, 1), bool)], axis=-1)
    expected = (np.logaddexp(0, np.where(wanted, -1, 1) * logits) * decided).sum(axis=-1)[mask > 0].mean()
    assert model.evaluate(x, y, sample_weight=weights, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_bfloat16_trains(tmp_path, monkeypatch, records):
    monkeypatch.setattr(training, "has_bfloat16", lambda: True)
    config = tiny_config(records, training={"precision": "bfloat16", "epochs": 1, "steps_per_epoch": 3})
    state = train(config, tmp_path / "run", quiet=True)
    assert 10 < state.best_nll < 20
    exact = train(tiny_config(records, training={"epochs": 1, "steps_per_epoch": 3}), tmp_path / "exact", quiet=True)
    assert state.best_nll != exact.best_nll
    assert state.best_nll == pytest.approx(exact.best_nll, rel=0.01)


def test_two_devices_train_as_one(tmp_path, records):
    """In a process of its own: logical devices must be made before TensorFlow begins.

    Gradients are clipped to a norm of the size of Adam's epsilon, so that the norm matters.
    """
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "import tensorflow as tf\n"
        "cpu = tf.config.list_physical_devices('CPU')[0]\n"
        "tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)\n"
        "from tiny_run import tiny_config\n"
        "from pianoroll_tf.modeling.training import train\n"
        "strategy = tf.distribute.MirroredStrategy(['CPU:0', 'CPU:1'])\n"
        "model = {'dropout': 0.0, 'input_noise': 0.0}\n"
        "optimizer = {'clip_norm': 1e-5, 'warmup_steps': 0, 'learning_rate': 0.02}\n"
        "config = tiny_config(Path(sys.argv[1]), model=model, optimizer=optimizer, training={'epochs': 1})\n"
        "print(repr([row['loss'] for row in train(config, sys.argv[2], strategy=strategy, quiet=True).rows]))\n"
    )
    path = f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'support'}"
    environment = os.environ | {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", code, records, tmp_path / "two"], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    model = {"dropout": 0.0, "input_noise": 0.0}
    optimizer = {"clip_norm": 1e-5, "warmup_steps": 0, "learning_rate": 0.02}
    config = tiny_config(records, model=model, optimizer=optimizer, training={"epochs": 1})
    one = [row["loss"] for row in train(config, tmp_path / "one", quiet=True).rows]
    np.testing.assert_allclose(eval(done.stdout.splitlines()[-1]), one, rtol=1e-5)


def test_step_weights_have_mean_one():
    mask = tf.constant([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    batch = batch_of(np.zeros((2, 3, 84), np.uint8), np.zeros((2, 3, 84), np.uint8), mask)
    np.testing.assert_array_equal(fit_batch(batch)[2], [[3, 3, 0], [0, 0, 0]])


def test_what_is_judged_and_kept_is_the_average_of_the_weights(tmp_path, records):
    """By hand: weights after each of three steps, averaged as the optimizer does; training continues unaveraged."""
    seen = []

    class Spy(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(self.model.get_layer("gru_1").cell.bias.numpy())

    config = tiny_config(records, optimizer={"ema": 0.9}, training={"epochs": 1, "steps_per_epoch": 3})
    train(config, tmp_path / "run", [Spy()], quiet=True)
    average = seen[0]
    for value in seen[1:]:
        average = 0.9 * average + 0.1 * value
    _, model = run.load_run(tmp_path / "run")
    np.testing.assert_allclose(model.get_layer("gru_1").cell.bias.numpy(), average, rtol=1e-5, atol=1e-7)
    arrays, _ = CheckpointStore(tmp_path / "run" / run_folder.CHECKPOINTS).newest(print)
    assert any(np.array_equal(value, seen[-1]) for name, value in arrays.items() if name.startswith("model/"))


def test_a_stream_of_one_group_trains_as_memory_does(tmp_path, undisturbed, records):
    train(tiny_config(records, dataset={"stream": "yes"}), tmp_path / "run", quiet=True)
    assert_equal_runs(tmp_path / "run", undisturbed)


def test_a_streamed_run_that_is_stopped_within_an_epoch_ends_as_one_that_is_not(
    tmp_path, undisturbed, records, monkeypatch
):
    monkeypatch.setattr(stream, "BUFFER_STEPS", 100)  # of 309: four groups an epoch
    config = tiny_config(records, dataset={"stream": "yes"})
    train(config, tmp_path / "whole", quiet=True)
    stop = At(11, lambda _: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(StoppedError):
        train(config, tmp_path / "run", [stop], checkpoint_seconds=0, quiet=True)
    train(config, tmp_path / "run", quiet=True)
    assert_equal_runs(tmp_path / "run", tmp_path / "whole")
    assert final(tmp_path / "run")[0] != final(undisturbed)[0]  # the order is another


def test_a_run_keeps_to_where_its_pieces_were_at_its_start(tmp_path, half_done, records, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    config = tiny_config(records)
    monkeypatch.setattr(opening, "available_memory", lambda: 0)
    train(config, tmp_path / "streamed", until=1)
    assert run_folder.load_config(tmp_path / "streamed").provenance == {"stream": True}
    assert "1/4 of the memory" in caplog.text
    caplog.clear()
    train(config, half_done, until=2)  # began in memory
    assert "1/4 of the memory" not in caplog.text
    monkeypatch.setattr(opening, "available_memory", lambda: 1 << 40)
    train(config, tmp_path / "streamed", until=2)
    assert "1/4 of the memory" in caplog.text


def test_step_weights_of_a_share_have_mean_one_over_the_whole_batch():
    batch = batch_of(np.zeros((1, 2, 84), np.uint8), np.zeros((1, 2, 84), np.uint8), np.array([[1.0, 0.0]], np.float32))
    np.testing.assert_array_equal(fit_batch(batch | {"mask_mean": tf.constant(0.75)})[2], [[np.float32(4 / 3), 0]])
