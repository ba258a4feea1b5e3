"""What a request for music may ask for."""

import numpy as np
import pytest

from pianoroll_tf.serving.drawing.piece_request import LARGEST_SEED, Asked, ask, form_fields
from pianoroll_tf.serving.refusals import Refusal
from pianoroll_tf.serving.settings import Limits

BAD = [
    ({"steps": 0}, "steps must be a whole number >= 1 and <= 65536. Received: steps=0"),
    ({"steps": 65537}, "Received: steps=65537"),
    ({"steps": True}, "Received: steps=true"),
    ({"steps": 1.0}, "Received: steps=1.0"),
    ({"steps": "8"}, "Received: steps='8'"),
    ({"steps": None}, "Received: steps=null"),
    ({"steps": [8]}, "Received: steps=a list"),
    ({"steps": {}}, "Received: steps=an object"),
    ({"seed": -1}, "seed must be a whole number >= 0 and <= 9007199254740991"),
    ({"seed": LARGEST_SEED + 1}, "seed must be"),
    ({"seed": 1e3}, "seed must be"),
    ({"version": -1}, "version must be a whole number >= 0 and <= 9007199254740991"),
    ({"steps": float("inf")}, "steps must be a whole number >= 1 and <= 65536. Received: steps=inf"),
    ({"version": "1"}, "version must be"),
    ({"temperature": 0}, "temperature must be a number >= 0.05 and <= 20.0. Received: temperature=0"),
    ({"temperature": 21}, "temperature must be"),
    ({"temperature": float("nan")}, "temperature must be a number >= 0.05 and <= 20.0. Received: temperature=nan"),
    ({"temperature": float("inf")}, "Received: temperature=inf"),
    ({"temperature": 10**399}, "temperature must be"),
    ({"temperature": True}, "Received: temperature=true"),
    ({"temperature": "1"}, "Received: temperature='1'"),
    ({"temperature": [1]}, "Received: temperature=a list"),
    ({"top_p": 0}, "top_p must be a number > 0.0 and <= 1.0. Received: top_p=0"),
    ({"top_p": 1.01}, "top_p must be"),
    ({"density": 0.01}, "density must be a number >= 0.05 and <= 20.0"),
    ({"density": False}, "Received: density=false"),
    ({"output": "wav"}, "output must be one of midi, roll. Received: 'wav'"),
    ({"output": None}, "output must be one of midi, roll. Received: null"),
    ({"output": ["midi"]}, "Received: a list"),
    ({"primer": [[1]]}, "pitches in primer[0] must be a whole number >= 24 and <= 107"),
    ({"primer": None}, "primer must be a list"),
    ({"primer": [[]] * 1025}, "primer must be a list of at most 1024 steps"),
    ({"colour": 1}, "fields must be among version, steps,"),
]


@pytest.mark.parametrize(("fields", "words"), BAD)
def test_what_is_refused_by_name_and_range(fields, words):
    with pytest.raises(Refusal) as caught:
        ask(fields, Limits())
    assert caught.value.status == 400
    assert words in caught.value.text


def test_defaults_are_those_of_sampling_and_null_is_one_of_them():
    asked = ask({"seed": 1, "density": None, "temperature": None}, Limits())
    assert (asked.steps, asked.temperature, asked.top_p, asked.density) == (None, 0.75, 1.0, 1.0)
    assert (asked.version, asked.output, asked.primer.shape) == (None, "midi", (0, 84))


def test_without_a_seed_each_request_has_its_own():
    seeds = {ask({}, Limits()).seed for _ in range(50)}
    assert len(seeds) == 50
    assert all(0 <= seed <= LARGEST_SEED for seed in seeds)


@pytest.mark.parametrize("version", [0, 20261123032249])
def test_a_version_is_any_number_that_a_folder_may_have(version):
    assert ask({"version": version}, Limits()).version == version


def test_no_end_must_be_allowed():
    assert ask({"steps": 0}, Limits(), endless=True).steps == 0


def test_a_primer_from_a_file():
    roll = np.eye(84, dtype=np.uint8)[:3]
    np.testing.assert_array_equal(ask({}, Limits(), primer=roll).primer, roll)


@pytest.mark.parametrize(
    ("text", "value"),
    [("8", 8), ("-1", -1), ("1.5", 1.5), ("1e2", 100.0), ("roll", "roll"), ("nan", "nan"), ("1_0", "1_0"), ("٣", "٣")],
)
def test_a_form_has_numbers_where_json_would(text, value):
    assert form_fields({"x": text}) == {"x": value}


def test_a_form_of_a_huge_number_is_refused_as_one():
    with pytest.raises(Refusal, match="temperature must be"):
        ask(form_fields({"temperature": "1e400"}), Limits())


def test_an_asked_piece_is_made_of_settings_alone():
    assert Asked(seed=2).seed == 2
