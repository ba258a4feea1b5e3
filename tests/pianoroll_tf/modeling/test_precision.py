"""Tests of pianoroll_tf.modeling.precision: what each machine is taken to have, and what follows."""

import pytest
import tensorflow as tf
from tiny_run import tiny_config, tiny_records

from pianoroll_tf.modeling import training
from pianoroll_tf.modeling.precision import arithmetic, has_bfloat16
from pianoroll_tf.modeling.run_folder import load_config


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("processor\t: 0\nflags\t\t: fpu sse2 avx512_bf16 amx_tile\n", True),
        ("flags\t\t: fpu amx_bf16\n\nflags\t\t: fpu\n", True),
        ("flags\t\t: fpu avx2 avx512f avx512_bf16x\nmodel name\t: amx_bf16\n", False),
        ("", False),
        (None, False),
    ],
)
def test_a_cpu_is_known_by_its_flags(tmp_path, monkeypatch, text, expected):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: [])
    facts = tmp_path / "cpuinfo"
    if text is not None:
        facts.write_text(text)
    assert has_bfloat16(facts) == expected


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [([(8, 0)], True), ([(9, 0), (8, 6)], True), ([(7, 5)], False), ([(8, 0), (7, 5)], False), ([None], False)],
)
def test_gpus_are_known_by_their_capability(tmp_path, monkeypatch, capabilities, expected):
    (tmp_path / "cpuinfo").write_text("flags\t\t: amx_bf16\n")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: capabilities if kind == "GPU" else [])
    details = lambda gpu: {} if gpu is None else {"compute_capability": gpu}  # noqa: E731 (a stand-in)
    monkeypatch.setattr(tf.config.experimental, "get_device_details", details)
    assert has_bfloat16(tmp_path / "cpuinfo") == expected


@pytest.mark.parametrize(
    ("wanted", "has", "used", "message"),
    [
        ("float32", False, "float32", ""),
        ("float32", True, "float32", ""),
        ("auto", False, "float32", ""),
        ("auto", True, "bfloat16", ""),
        ("bfloat16", True, "bfloat16", ""),
        ("bfloat16", False, "float32", "computes in float32"),
    ],
)
def test_the_precision_and_the_message(wanted, has, used, message):
    precision, line = arithmetic(wanted, has)
    assert precision == used
    assert message in line and bool(message) == bool(line) and "\n" not in line


@pytest.mark.parametrize("wanted", ["auto", "bfloat16"])
@pytest.mark.parametrize(("has", "policy"), [(True, "mixed_bfloat16"), (False, "float32")])
def test_the_model_that_is_trained_computes_in_what_the_machine_has(tmp_path, monkeypatch, wanted, has, policy):
    monkeypatch.setattr(training, "has_bfloat16", lambda: has)
    config = tiny_config(tiny_records(tmp_path / "records"), training={"precision": wanted})
    model = training.compiled_model(config, 10, training.default_strategy())
    assert model.get_layer("gru_1").dtype_policy.name == policy
    assert all(weight.dtype == "float32" for weight in model.trainable_weights)
    assert model.get_layer("head").compute_dtype == "float32"


def test_a_run_says_and_records_its_precision_and_continues_on_a_machine_of_another_kind(tmp_path, caplog, monkeypatch):
    caplog.set_level("INFO", "pianoroll_tf")
    changes = {"precision": "auto", "epochs": 2, "steps_per_epoch": 1, "patience": 0}
    config = tiny_config(tiny_records(tmp_path / "records"), training=changes)
    for has, until in ((True, 1), (False, 2)):
        monkeypatch.setattr(training, "has_bfloat16", lambda has=has: has)
        training.train(config, tmp_path / "run", until=until)
    lines = [line.rpartition(", ")[2] for line in caplog.messages if line.startswith("model:")]
    assert lines == ["trained in bfloat16", "trained in float32"]
    recorded = [{"precision": used, "epoch": epoch, "batch": 0} for epoch, used in enumerate(("bfloat16", "float32"))]
    assert load_config(tmp_path / "run").provenance == {"precision": recorded}
