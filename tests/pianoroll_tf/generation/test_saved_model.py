"""Loading an export: the same answers everywhere, and refusals."""

import dataclasses
import json
import random
import subprocess
import sys
import types
from pathlib import Path

import bare_loading
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from pianoroll_tf.config import MAX_SEED, SamplingConfig
from pianoroll_tf.generation import saved_model
from pianoroll_tf.generation.manifest import write_manifest
from pianoroll_tf.generation.steering import Chord, Steering

NOTHING = np.zeros((1, 0, 84), np.uint8)


@pytest.fixture(scope="module")
def model(exported):
    return saved_model.load(exported)


def test_signatures_have_the_shapes_of_the_contract(model):
    signatures = model.program.signatures
    rows = {"generate_rows", "compose_rows"}
    parts = {"begin", "uniforms", "draw", "draw_steered"}
    whole = {"serving_default", "generate", "generate_simple", "predict", "log_likelihood"}
    assert set(signatures) == whole | rows | parts
    inputs = signatures["serving_default"].structured_input_signature[1]
    assert {name: (spec.dtype.name, spec.shape.as_list()) for name, spec in inputs.items()} == {
        "primer": ("uint8", [None, None, 84]),
        "steps": ("int32", []),
        "seed": ("int64", []),
        "temperature": ("float32", []),
        "top_p": ("float32", []),
        "density": ("float32", []),
    }
    size = signatures["begin"].structured_outputs["next_state"].shape[1]
    inputs = signatures["draw"].structured_input_signature[1]
    assert {name: (spec.dtype.name, spec.shape.as_list()) for name, spec in inputs.items()} == {
        "state": ("float32", [None, size]),
        "numbers": ("float32", [None, None, 169]),
        "temperature": ("float32", [None]),
        "top_p": ("float32", [None]),
    }
    for signature in signatures.values():
        assert not set(signature.structured_outputs) & set(signature.structured_input_signature[1])


def test_every_signature_answers_the_same_without_keras_and_without_this_package(exported, tmp_path):
    script = Path(bare_loading.__file__)
    command = [sys.executable, "-I", script, exported / "1"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    answers = json.loads(done.stdout.splitlines()[-1])
    model = saved_model.load(exported)
    for name, inputs in bare_loading.requests(bare_loading.begin(model.program)).items():
        outputs = model.program.signatures[name](**{key: tf.constant(value) for key, value in inputs.items()})
        here = bare_loading.digest({key: output.numpy() for key, output in outputs.items()})
        assert answers[name] == answers[name + " v1"] == here, name


def test_saved_model_cli_runs_it(exported, tmp_path):
    cli = Path(sys.executable).with_name("saved_model_cli")
    values = {"primer": np.zeros((2, 0, 84), np.uint8), "steps": np.int32(12), "seed": np.int64(3)}
    for name, value in values.items():
        np.save(tmp_path / f"{name}.npy", value)
    inputs = ";".join(f"{name}={tmp_path / name}.npy" for name in values)
    command = [cli, "run", "--dir", exported / "1", "--tag_set", "serve", "--signature_def", "generate_simple"]
    command += ["--inputs", inputs, "--outdir", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    expected = saved_model.load(exported).generate(np.zeros((2, 0, 84)), 12, SamplingConfig(seed=3))
    np.testing.assert_array_equal(np.load(tmp_path / "roll.npy"), expected)


def test_saved_model_cli_draws_the_same_in_parts(exported, tmp_path):
    """Through what `saved_model_cli run` calls, as a program for each part takes seconds to start."""
    from tensorflow.python.tools.saved_model_cli import run_saved_model_with_feed_dict

    def run(signature, **values):
        run_saved_model_with_feed_dict(str(exported / "1"), "serve", signature, values, str(tmp_path), True)
        return {path.stem: np.load(path) for path in tmp_path.glob("*.npy")}

    primer, ones = np.zeros((2, 0, 84), np.uint8), np.ones(2, np.float32)
    clock = {"meter": np.full((2, 2), 4, np.int32), "place": np.zeros(2, np.int32)}
    state = run("begin", primer=primer, density=ones, **clock)["next_state"]
    numbers = run("uniforms", seed=np.array([3, 4]), block=np.zeros(2, np.int32))["numbers"][:, :12]
    roll = run("draw", state=state, numbers=numbers, temperature=ones, top_p=ones)["roll"]
    expected = saved_model.load(exported).generate(primer, 12, SamplingConfig(seed=3, temperature=1.0))
    np.testing.assert_array_equal(roll, expected)


def test_graph_on_disk_has_no_xla(exported):
    content = (exported / "1" / "saved_model.pb").read_bytes()
    (graph,) = SavedModel.FromString(content).meta_graphs
    functions = graph.graph_def.library.function
    nodes = [*graph.graph_def.node, *(node for function in functions for node in function.node_def)]
    assert len(nodes) > 100
    assert not [node.op for node in nodes if "xla" in node.op.lower()]
    attributes = [*(node.attr for node in nodes), *(function.attr for function in functions)]
    assert not [attr for attr in attributes if "_XlaMustCompile" in attr and attr["_XlaMustCompile"].b]


def test_same_seed_same_roll_and_rows_continue_the_count(model):
    roll = model.generate(np.repeat(NOTHING, 3, 0), 50, SamplingConfig(seed=4))
    assert roll.dtype == np.uint8
    assert roll.shape == (3, 50, 84)
    np.testing.assert_array_equal(model.generate(NOTHING, 50, SamplingConfig(seed=5))[0], roll[1])
    np.testing.assert_array_equal(model.generate(NOTHING, 50, SamplingConfig(seed=4), first_row=2)[0], roll[2])


def test_the_last_seeds_are_drawn(model):
    """The largest seed leaves room for as many more rows as anybody draws, the largest number for none."""
    two = np.repeat(NOTHING, 2, 0)
    roll = model.generate(two, 50, SamplingConfig(seed=MAX_SEED))
    np.testing.assert_array_equal(model.generate(NOTHING, 50, SamplingConfig(seed=MAX_SEED), first_row=1)[0], roll[1])
    last = model.generate(two, 50, SamplingConfig(seed=MAX_SEED), first_row=2**32 - 1)
    assert not np.array_equal(*last)


def test_primer_of_any_dtype_matters(model):
    primer = np.zeros((1, 4, 84), bool)
    primer[:, -1] = True
    probability = model.predict(primer)
    assert probability.dtype == np.float32
    assert probability.shape == (1, 4, 84)
    nats = model.log_likelihood(primer)
    assert {name: (values.dtype.name, values.shape) for name, values in nats.items()} == dict.fromkeys(
        ("cells", "strikes", "ends"), ("float32", (1, 4))
    )
    assert not np.array_equal(model.generate(primer, 900), model.generate(NOTHING, 900))
    np.testing.assert_array_equal(model.generate(primer, 60), model.generate(primer * 3.0, 60))


@pytest.mark.parametrize(
    ("primer", "steps", "settings", "text"),
    [
        (np.zeros((4, 84)), 1, {}, r"primer must be numbers of shape \[batch >= 1, steps, 84\]. Received: shape="),
        (np.zeros((1, 4, 88)), 1, {}, "primer must be"),
        (np.zeros((0, 4, 84)), 1, {}, "primer must be"),
        (np.full((1, 4, 84), "x"), 1, {}, "primer must be numbers"),
        (NOTHING, 0, {}, "steps must be a whole number >= 1 and <= 1000000. Received: steps=0"),
        (NOTHING, 10**9, {}, "steps must be"),
        (NOTHING, 1.5, {}, "steps must be"),
        (NOTHING, True, {}, "steps must be"),
        (NOTHING, 1, {"first_row": -1}, "seed must be >= 0"),
        (NOTHING, 1, {"first_row": 2**63}, "seed must be"),
        (np.repeat(NOTHING, 2, 0), 1, {"first_row": 2**63 - 1}, "in every row. Received: seed=9223372036854775807"),
    ],
)
def test_wrong_questions(model, primer, steps, settings, text):
    with pytest.raises(ValueError, match=text):
        model.generate(primer, steps, **settings)


@pytest.mark.parametrize("roll", [np.zeros((84,)), np.zeros((1, 0, 84)), np.zeros((1, 2, 83))])
def test_wrong_rolls(model, roll):
    with pytest.raises(ValueError, match="roll must"):
        model.predict(roll)


def test_any_file_with_a_flipped_bit_is_refused(version):
    seed = random.randrange(2**32)
    print(f"seed of the bits: {seed}")  # shown when the test fails
    numbers = random.Random(seed)
    paths = [path for path in version.rglob("*") if path.is_file() and path.stat().st_size]
    assert len(paths) >= 5
    for path in paths:
        content = bytearray(path.read_bytes())
        bit = numbers.randrange(8 * len(content))
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"model must (be unchanged|hold)"):
            saved_model.load(version)
        content[bit // 8] ^= 1 << bit % 8
        path.write_bytes(content)
    saved_model.read_config(version)


def test_missing_and_extra_files_are_refused(version):
    (version / "extra").touch()
    with pytest.raises(ValueError, match="is extra"):
        saved_model.load(version)
    (version / "extra").unlink()
    (version / "fingerprint.pb").unlink()
    with pytest.raises(ValueError, match=r"fingerprint\.pb is missing"):
        saved_model.load(version)


def test_a_dangerous_graph_with_a_right_manifest_is_refused(tmp_path):
    module = tf.Module()
    module.read = tf.function(lambda: tf.io.read_file("/etc/hostname"), input_signature=[])
    tf.saved_model.save(module, str(tmp_path))
    (tmp_path / "config.json").write_text('{"format": 2}')
    write_manifest(tmp_path)
    with pytest.raises(ValueError, match=r"only operations that compute. Received: ReadFile"):
        saved_model.load(tmp_path)


@pytest.mark.parametrize("config", ["", "[]", "{}", '{"format": 1}', '{"format": 3}'])
def test_other_formats_are_refused(version, config):
    (version / "config.json").write_text(config)
    write_manifest(version)
    with pytest.raises(ValueError, match="model must"):
        saved_model.load(version)


def test_an_export_of_an_earlier_revision_says_what_to_do(version):
    (version / "config.json").write_text('{"format": 1}')
    write_manifest(version)
    with pytest.raises(ValueError, match=r"python -m pianoroll_tf\.export RUN .*Received: format=1"):
        saved_model.load(version)


@pytest.mark.parametrize("name", ["none", "file", "empty"])
def test_no_model(tmp_path, name):
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="model must be a folder that export wrote"):
        saved_model.load(tmp_path / name)


CHORDS = Steering(scale=(0, 4, 7, 11), chords=(Chord(260, (0, 4)),), polyphony=2)


@pytest.mark.parametrize("compiled", [False, True])
def test_music_keeps_to_its_limits_in_every_block(model, compiled):
    sampling = SamplingConfig(seed=5, density=2.0)
    rolls = model.generate(np.repeat(NOTHING, 2, axis=0), 300, sampling, compiled=compiled, steering=CHORDS)
    classes = (np.flatnonzero(rolls.any(axis=(0, 1))) + 24) % 12
    assert set(classes) == {0, 4, 7, 11}
    assert set((np.flatnonzero(rolls[:, 260:].any(axis=(0, 1))) + 24) % 12) <= {0, 4}
    assert (rolls != 0).sum(axis=2).max() == 2
    alone = model.generate(NOTHING, 300, sampling, first_row=1, compiled=False, steering=CHORDS)
    np.testing.assert_array_equal(alone[0], rolls[1])
    composed, _ = model.compose(NOTHING, sampling, 1, max_steps=300, compiled=False, steering=CHORDS)
    np.testing.assert_array_equal(composed[0], alone[0, : len(composed[0])])


def test_no_limits_change_nothing(model):
    for steering in (Steering(), Steering(scale=tuple(range(11, -1, -1)))):
        found = model.generate(NOTHING, 40, SamplingConfig(seed=5), steering=steering)
        np.testing.assert_array_equal(found, model.generate(NOTHING, 40, SamplingConfig(seed=5)))


def test_an_earlier_export_loads_and_refuses_limits_in_one_line(model):
    signatures = {name: one for name, one in model.program.signatures.items() if name != "draw_steered"}
    old = dataclasses.replace(model, program=types.SimpleNamespace(signatures=signatures))
    assert old.generate(NOTHING, 4, SamplingConfig()).shape == (1, 4, 84)
    assert old.compiled.can_be_steered is False
    for draw in (lambda: old.generate(NOTHING, 4, steering=CHORDS), lambda: old.compose(NOTHING, steering=CHORDS)):
        with pytest.raises(
            ValueError, match=r"model must be able to keep to limits; export its run again .*\. Received"
        ):
            draw()
