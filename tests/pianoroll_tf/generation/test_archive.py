"""Exports appear whole or not at all."""

import itertools
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import pytest
import tiny_export
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tiny_export import DENSITY, export_tiny, not_measured, tiny_config, tiny_model

from pianoroll_tf.config import RunConfig, SamplingConfig
from pianoroll_tf.generation import archive, saved_model
from pianoroll_tf.generation.manifest import check_manifest
from pianoroll_tf.generation.versions import find_version, versions
from pianoroll_tf.settings import from_dict


def test_what_an_export_holds(exported):
    version = exported / "1"
    names = {path.name for path in version.iterdir()}
    assert {"saved_model.pb", "variables", "config.json", "manifest.json"} <= names
    config = json.loads((version / "config.json").read_text())
    assert from_dict(RunConfig, config["run"]) == tiny_config()
    assert config["density"] == DENSITY
    assert config["sampling"]["temperature"] == SamplingConfig.temperature
    assert config["calibration"]["corrected"] == pytest.approx(DENSITY, rel=0.05)
    assert set(config["versions"]) == {"pianoroll_tf", "tensorflow", "keras", "python"}
    assert [path.name for path in exported.iterdir()] == ["1"]


@pytest.fixture
def uncalibrated(monkeypatch):
    """Exports that do not generate music first."""
    monkeypatch.setattr(archive, "calibrate", not_measured)


@pytest.mark.usefixtures("uncalibrated")
def test_same_run_is_not_exported_twice_and_another_is_the_next_version(tmp_path):
    assert export_tiny(tmp_path / "m") == (tmp_path / "m" / "1", True)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert export_tiny(tmp_path / "m") == (tmp_path / "m" / "1", False)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before
    assert export_tiny(tmp_path / "m", seed=2) == (tmp_path / "m" / "2", True)
    assert find_version(tmp_path / "m").name == "2"


@pytest.mark.usefixtures("uncalibrated")
def test_a_file_with_the_name_of_a_version_is_left_alone(tmp_path):
    (tmp_path / "1").write_text("mine")
    assert export_tiny(tmp_path) == (tmp_path / "2", True)
    assert (tmp_path / "1").read_text() == "mine"


@pytest.mark.usefixtures("uncalibrated")
def test_a_damaged_version_is_exported_again(version):
    (version / "saved_model.pb").write_bytes(b"damaged")
    assert export_tiny(version.parent) == (version.parent / "2", True)
    check_manifest(version.parent / "2")


@pytest.mark.usefixtures("uncalibrated")
def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    def full(folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive, "write_manifest", full)
    with pytest.raises(OSError, match="No space left"):
        export_tiny(tmp_path / "m")
    assert list((tmp_path / "m").iterdir()) == []


@pytest.mark.usefixtures("uncalibrated")
def test_a_graph_made_where_there_is_a_gpu_loads_where_there_is_none(tmp_path, monkeypatch):
    """Keras asks its backend for a cuDNN kernel while it traces, unless the layer forbids it."""
    asked = []
    monkeypatch.setattr(keras.src.backend, "gru", lambda *_, **__: asked.append("cuDNN"))
    version, _ = export_tiny(tmp_path / "m")
    (graph,) = SavedModel.FromString((version / "saved_model.pb").read_bytes()).meta_graphs
    functions = graph.graph_def.library.function
    nodes = [*graph.graph_def.node, *(node for function in functions for node in function.node_def)]
    assert len(nodes) > 100
    assert not [node.op for node in nodes if "cudnn" in node.op.lower()]
    assert not asked


def test_the_same_model_is_measured_once_where_a_file_keeps_it(tmp_path, monkeypatch):
    measured, measure = [], archive.calibrate

    def counted(*args, **settings):
        measured.append(measure(*args, rows=4, window_steps=16, with_shaping=False, **settings))
        return measured[-1]

    monkeypatch.setattr(archive, "calibrate", counted)
    config, cache = tiny_config(), tmp_path / "calibration.json"
    for name in ("a", "b"):
        version, is_new = archive.export(tiny_model(config), config, tmp_path / name, cache=cache)
        assert is_new
        assert saved_model.read_config(version)["calibration"]["onsets"] == measured[0].onsets
    assert len(measured) == 1
    archive.export(tiny_model(config, seed=9), config, tmp_path / "a", cache=cache)  # other weights
    cache.write_bytes(cache.read_bytes()[:-9])
    archive.export(tiny_model(config, seed=9), config, tmp_path / "b", cache=cache)
    assert len(measured) == 3


def test_a_run_without_facts_of_its_data_is_exported_ungoverned(tmp_path):
    config = RunConfig(model=tiny_config().model)
    version, is_new = archive.export(tiny_model(tiny_config()), config, tmp_path / "m")
    assert is_new
    assert saved_model.read_config(version)["calibration"] is None


def test_kill_at_a_random_moment_leaves_whole_versions_only(tmp_path):
    seed = random.randrange(2**32)
    print(f"seed of the moment: {seed}")  # shown when the test fails
    folder = tmp_path / "m"
    script = Path(tiny_export.__file__)
    with subprocess.Popen(
        [sys.executable, script, folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as job:
        while not (folder / ".1.partial").exists() and job.poll() is None:
            time.sleep(0.001)
        time.sleep(random.Random(seed).uniform(0, 0.3))
        job.send_signal(signal.SIGKILL)
    for version in versions(folder):
        check_manifest(folder / str(version))
    assert {path.name for path in folder.iterdir()} <= {".1.partial", "1"}
    version, _ = export_tiny(folder)
    check_manifest(version)
    assert [path.name for path in folder.iterdir()] == ["1"]


def test_fingerprint_depends_on_weights_and_settings():
    prints = [
        archive.fingerprint(tiny_model(tiny_config(loss), seed), tiny_config(loss))
        for loss, seed in itertools.product(["bce", "focal"], [1, 2])
    ]
    assert len(set(prints)) == 4
    assert prints[0] == archive.fingerprint(tiny_model(tiny_config()), tiny_config())
