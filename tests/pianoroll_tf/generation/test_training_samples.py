"""Tests of pianoroll_tf.generation.training_samples: picture and sound are in the log and are the model's."""

import json
import time
import urllib.parse
import urllib.request

import numpy as np
import pytest
import tensorflow as tf
from tensorboard_logs import summaries
from tiny_run import tiny_config, tiny_records

from pianoroll_tf.generation.training_samples import SECONDS, TrainingSamples
from pianoroll_tf.modeling.run import run_model


def test_each_epoch_leaves_a_picture_and_a_sound(tmp_path):
    config = tiny_config(tiny_records(tmp_path / "records"))
    callback = TrainingSamples(tmp_path / "logs", config)
    callback.set_model(run_model(config))
    callback.on_epoch_end(0)
    callback.on_epoch_end(1)
    found = summaries(tmp_path / "logs")
    pictures, sounds = found["music/generated piece"], found["music/generated sound"]
    assert [step for step, _ in pictures] == [step for step, _ in sounds] == [1, 2]
    picture = tf.io.decode_png(pictures[0][1][2]).numpy()
    assert picture.shape == (84 * 4, SECONDS * 8 * 4, 1)
    share = (picture < 255).mean()
    assert 0.02 < share < 0.1  # density of the records: 0.05
    sound, rate = tf.audio.decode_wav(sounds[0][1][0][0])
    assert rate == 22050
    assert np.abs(sound).max() > 0.5


@pytest.mark.filterwarnings("ignore:html5lib:DeprecationWarning")
def test_tensorboard_shows_picture_and_sound(tmp_path):
    config = tiny_config(tiny_records(tmp_path / "records"))
    callback = TrainingSamples(tmp_path / "logs" / "run", config)
    callback.set_model(run_model(config))
    for epoch in range(6):
        callback.on_epoch_end(epoch)
    from tensorboard import program  # its import warns

    board = program.TensorBoard()
    board.configure(argv=[None, "--logdir", str(tmp_path / "logs"), "--port", "0", "--load_fast", "false"])
    url = board.launch()

    def fetch(path: str, **query: object) -> bytes:
        with urllib.request.urlopen(f"{url}data/plugin/{path}?{urllib.parse.urlencode(query)}", timeout=30) as answer:
            return answer.read()

    for _ in range(100):  # until the log has been read
        tags = [json.loads(fetch(f"{plugin}/tags")) for plugin in ("images", "audio")]
        if all(tag.get("run") for tag in tags):
            break
        time.sleep(0.2)
    assert list(tags[0]["run"]) == ["music/generated piece"]
    assert list(tags[1]["run"]) == ["music/generated sound"]
    for plugin, tag, kind, begin in (
        ("images", "music/generated piece", "individualImage", b"\x89PNG"),
        ("audio", "music/generated sound", "individualAudio", b"RIFF"),
    ):
        listed = json.loads(fetch(f"{plugin}/{plugin}", run="run", tag=tag, sample=0))
        assert [entry["step"] for entry in listed] == [1, 2, 3, 4, 6]
        query = urllib.parse.parse_qs(listed[0]["query"])
        content = fetch(f"{plugin}/{kind}", **{name: values[0] for name, values in query.items()})
        assert content.startswith(begin)


def test_silence_is_a_picture_without_a_sound(tmp_path):
    config = tiny_config(tiny_records(tmp_path / "records"))
    callback = TrainingSamples(tmp_path / "logs", config)
    callback.set_model(run_model(config))
    head = callback.model.get_layer("head")
    head.kernel.assign(0 * head.kernel)
    head.bias.assign(0 * head.bias - 100)
    callback.on_epoch_end(0)
    assert list(summaries(tmp_path / "logs")) == ["music/generated piece"]
