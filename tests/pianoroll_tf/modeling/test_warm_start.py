"""Tests of pianoroll_tf.modeling.warm_start: what is recorded about the other run, and what is refused."""

import dataclasses
import hashlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from tiny_run import random_piece, tiny_config, tiny_records, write_records

from pianoroll_tf.choices import CHOICES, Entry
from pianoroll_tf.config import ModelConfig, RecordsConfig
from pianoroll_tf.errors import DamagedError, UserError
from pianoroll_tf.modeling import run_folder, warm_start
from pianoroll_tf.settings import Settings, setting
from pianoroll_tf.storage.arrays import read_arrays, write_arrays


@pytest.fixture
def records(tmp_path):
    return tiny_records(tmp_path / "records")


def trained(folder, config, value=1.0):
    """A run folder with one weight, whose best epoch was the second, with 5.25 nats."""
    run_folder.open_run(folder, config)
    write_arrays(folder / run_folder.BEST, {"weight": np.full(3, value)}, {"epoch": 2, "val_nll": 5.25})
    return folder


def beats(folder, steps_per_beat):
    settings = RecordsConfig(grid="beats", steps_per_beat=steps_per_beat)
    return write_records(folder, {split: [random_piece(9, 0)] for split in ("train", "val")}, settings=settings)


@pytest.fixture
def origin(tmp_path, records):
    return trained(tmp_path / "a", tiny_config(records))


def test_the_other_run_its_weights_and_what_differs_are_recorded(tmp_path, monkeypatch, origin):
    other = write_records(tmp_path / "other", {split: [random_piece(9, 0)] for split in ("train", "val")})
    config = tiny_config(other, loss={"loss": "focal"}, model={"dropout": 0.2})
    got = warm_start.with_provenance(config, tmp_path / "b", origin)
    digest = hashlib.sha256((origin / run_folder.BEST).read_bytes()).hexdigest()
    records = f"records {tmp_path}/records → {tmp_path}/other"
    assert got.provenance == {
        "init": {
            "run": str(origin),
            "epoch": 2,
            "val_nll": 5.25,
            "sha256": digest,
            "differs": [records, "dropout 0.3 → 0.2", "loss bce → focal"],
        }
    }
    assert dataclasses.replace(got, provenance={}) == config
    monkeypatch.chdir(tmp_path)
    assert warm_start.start_line(got) == (
        "starts from a, epoch 2 (validation NLL 5.2500 there), with a fresh optimizer; "
        "differs: records records → other; dropout 0.3 → 0.2; loss bce → focal"
    )


def test_the_record_survives_the_folder_and_is_no_setting(tmp_path, records, origin):
    config = warm_start.with_provenance(tiny_config(records), tmp_path / "b", origin)
    run_folder.open_run(tmp_path / "b", config)
    assert run_folder.load_config(tmp_path / "b") == config
    run_folder.open_run(tmp_path / "b", config)
    assert "provenance" not in (origin / run_folder.CONFIG).read_text()  # of a start from scratch, nothing is said


def test_another_architecture_is_refused_and_named(tmp_path, records, origin):
    config = tiny_config(records, model={"gru_units": 8, "conv_kernel": 2, "dropout": 0.0, "prior_bias": False})
    with pytest.raises(
        UserError,
        match=r"the model must be that of \S+/a, .*: --conv-kernel is 3 there, 2 here; --gru-units is 6 there, 8 here$",
    ):
        warm_start.with_provenance(config, tmp_path / "b", origin)
    assert not (tmp_path / "b").exists()


def test_the_clock_needs_its_grid(tmp_path, records, origin):
    four, twelve = (beats(tmp_path / str(steps), steps) for steps in (4, 12))
    on_beats = trained(tmp_path / "on beats", tiny_config(four))
    with pytest.raises(
        UserError, match=r"12 must have 4 steps a beat.*--steps-per-beat 4\)\. Received: 12 steps a beat"
    ):
        warm_start.with_provenance(tiny_config(twelve), tmp_path / "b", on_beats)
    with pytest.raises(UserError, match=r"must have 4 steps a beat.* Received: 8 steps a second"):
        warm_start.with_provenance(tiny_config(records), tmp_path / "b", on_beats)
    with pytest.raises(UserError, match=r"4 must be read with --no-clock.*Received: 4 steps a beat"):
        warm_start.with_provenance(tiny_config(four), tmp_path / "b", origin)
    got = warm_start.with_provenance(tiny_config(four, model={"clock": False}), tmp_path / "b", origin)
    assert "grid 8 steps a second → 4 steps a beat" in got.provenance["init"]["differs"]


def test_an_existing_run_keeps_its_record(tmp_path, records, origin):
    config, folder = tiny_config(records), tmp_path / "b"
    first = warm_start.with_provenance(config, folder, origin)
    run_folder.open_run(folder, first)
    shutil.copytree(origin, tmp_path / "renamed")
    assert warm_start.with_provenance(config, folder, tmp_path / "renamed") == first  # the same weights
    write_arrays(origin / run_folder.BEST, {"weight": np.zeros(3)}, {"epoch": 3})
    for init in (origin, None):
        assert warm_start.with_provenance(config, folder, init) == first
    shutil.rmtree(origin)
    assert warm_start.with_provenance(config, folder, origin) == first
    with pytest.raises(UserError, match=r"b holds a run that started from \S+/a, not from \S+/c; use another folder"):
        warm_start.with_provenance(config, folder, trained(tmp_path / "c", config, 2.0))
    with pytest.raises(UserError, match="must be another folder than that of the new run"):
        warm_start.with_provenance(config, folder, folder)
    with pytest.raises(UserError, match="renamed holds a run that did not start from"):
        warm_start.with_provenance(config, tmp_path / "renamed", folder)


def test_settings_with_a_record_start_a_new_run_from_the_same_weights(tmp_path, records, origin):
    config = warm_start.with_provenance(tiny_config(records), tmp_path / "b", origin)
    assert warm_start.with_provenance(config, tmp_path / "c") == config
    write_arrays(origin / run_folder.BEST, {"weight": np.zeros(3)}, {"epoch": 3})
    with pytest.raises(UserError, match="has been trained further since"):
        warm_start.with_provenance(config, tmp_path / "c")


def test_the_weights_are_copied_once_and_checked(tmp_path, records, origin):
    folder, config = tmp_path / "b", tiny_config(records)
    assert warm_start.copy_weights(folder, config) is None
    config = warm_start.with_provenance(config, folder, origin)
    folder.mkdir()
    path = warm_start.copy_weights(folder, config)
    np.testing.assert_array_equal(read_arrays(path)[0]["weight"], [1, 1, 1])
    write_arrays(origin / run_folder.BEST, {"weight": np.zeros(3)}, {"epoch": 3})
    np.testing.assert_array_equal(read_arrays(warm_start.copy_weights(folder, config))[0]["weight"], [1, 1, 1])
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedError, match=r"init\.npz must hold the weights"):
        warm_start.copy_weights(folder, config)
    path.unlink()
    with pytest.raises(UserError, match=r"best\.npz has changed since"):
        warm_start.copy_weights(folder, config)


def test_model_settings_are_those_of_the_other_run(tmp_path, records, origin):
    config, folder = tiny_config(records), tmp_path / "b"
    assert warm_start.model_settings(folder, None) == ModelConfig()
    assert warm_start.model_settings(folder, origin) == config.model
    run_folder.open_run(folder, warm_start.with_provenance(config, folder, origin))
    shutil.rmtree(origin)
    for init in (origin, None):
        assert warm_start.model_settings(folder, init) == config.model
    with pytest.raises(UserError, match="must be the folder of a run"):
        warm_start.model_settings(tmp_path / "new", origin)


def test_a_run_without_weights_is_refused(tmp_path, records, origin):
    (origin / run_folder.BEST).unlink()
    with pytest.raises(UserError, match="no epoch has ended yet"):
        warm_start.with_provenance(tiny_config(records), tmp_path / "b", origin)


def test_no_framework_is_imported():
    code = "import sys, pianoroll_tf.modeling.warm_start; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_options_of_a_head_are_named_as_their_flags(tmp_path, records, origin, monkeypatch):
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class DeepSettings(Settings):
        layers_of: int = setting(2, "layers", minimum=1)

    monkeypatch.setitem(CHOICES["head"], "deep", Entry(settings=DeepSettings))
    config = tiny_config(records, model={"head": "deep"})
    with pytest.raises(UserError, match=r"--head is \w+ there, deep here; .*--layers-of is none there, 2 here$"):
        warm_start.with_provenance(config, tmp_path / "b", origin)
