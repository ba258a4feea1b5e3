"""Fields of a request for a piece: what is accepted, what is refused, and that the schema says the same."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pianoroll_tf.generation.steering import Steering
from pianoroll_tf.serving.drawing.engine import PieceRequest
from pianoroll_tf.serving.http import fields
from pianoroll_tf.serving.http.fields import (
    MAX_SEED,
    infill_schema,
    piece_schema,
    read_fields,
    read_infill_fields,
)
from pianoroll_tf.serving.http.reading import bounds
from pianoroll_tf.serving.refusals import InvalidRequestError
from pianoroll_tf.serving.settings import Limits

LIMITS = Limits(most_steps=64, primer_steps=9)
PROPERTIES = piece_schema(LIMITS)["properties"]
REFUSED = [
    ({"steps": 0}, "steps must be a whole number >= 1 and <= 65536. Received: steps=0"),
    ({"steps": 65537}, "Received: steps=65537"),
    ({"steps": True}, "Received: steps=true"),
    ({"steps": 1.0}, "Received: steps=1.0"),
    ({"steps": "8"}, "Received: steps='8'"),
    ({"steps": None}, "Received: steps=null"),
    ({"steps": [8]}, "Received: steps=a list"),
    ({"steps": {}}, "Received: steps=an object"),
    ({"seed": -1}, "seed must be a whole number >= 0 and <= 9007199254740991"),
    ({"seed": MAX_SEED + 1}, "seed must be"),
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
    ({"output": "wav"}, "output must be one of midi, roll. Received: output='wav'"),
    ({"output": None}, "output must be one of midi, roll. Received: output=null"),
    ({"output": ["midi"]}, "Received: output=a list"),
    ({"primer": [[1]]}, "pitches in primer[0] must be a whole number >= 24 and <= 107"),
    ({"primer": None}, "primer must be a list"),
    ({"primer": [[]] * 1025}, "primer must be a list of at most 1024 steps"),
    ({"lowest": 23}, "lowest must be a whole number >= 24 and <= 107. Received: lowest=23"),
    ({"highest": 60, "lowest": 61}, "lowest must be at most highest. Received: lowest=61, highest=60"),
    ({"polyphony": 0}, "polyphony must be a whole number >= 1 and <= 84"),
    ({"polyphony": None}, "Received: polyphony=null"),
    ({"scale": None}, "scale must be a list of pitch classes 0..11. Received: scale=None"),
    ({"scale": [0, 12]}, "scale must be distinct pitch classes 0..11, at least one. Received: scale=0, 12"),
    ({"scale": [1e400]}, "Received: scale=inf"),
    ({"chords": [{"step": 0, "pitch_classes": [0], "name": "C"}]}, "chords must be a list of at most 4096 chords"),
    ({"chords": [{"step": 8, "pitch_classes": [0]}, {"step": 0, "pitch_classes": [0]}]}, "Received: step 0 after 8"),
    ({"silent": [[60, 60, 60]]}, "silent must be a list of ranges [lowest, highest]. Received: [60, 60, 60]"),
    ({"silent": [[60, 108]]}, "silent must be ranges [lowest, highest] of MIDI pitches 24 to 107"),
    ({"colour": 1}, "fields must be among version, seed,"),
]


@pytest.mark.parametrize(("values", "words"), REFUSED)
def test_what_is_refused_by_name_and_range(values, words):
    with pytest.raises(InvalidRequestError) as caught:
        read_fields(values, Limits())
    assert words in str(caught.value)


def test_the_first_of_many_unknown_fields_is_refused_at_once(monkeypatch):
    monkeypatch.setattr(fields.PieceFields, "model_validate", None)  # it would collect an error for each
    with pytest.raises(InvalidRequestError, match=r"fields must be among version, seed, .* Received: x0"):
        read_fields({f"x{number}": 1 for number in range(100_000)}, LIMITS)


def test_defaults_are_those_of_sampling_and_null_is_one_of_them():
    read = read_fields({"seed": 1, "density": None, "temperature": None, "meter": None, "tempo": None}, Limits())
    request = PieceRequest(**read.piece_values())
    assert (request.steps, request.temperature, request.top_p, request.density) == (None, 0.75, 1.0, 1.0)
    assert not {"meter", "tempo", "primer", "steps"} & set(read.piece_values())
    assert (read.version, read.output) == (None, "midi")


def test_without_a_seed_each_request_has_its_own():
    seeds = {read_fields({}, Limits()).seed for _ in range(50)}
    assert len(seeds) == 50
    assert all(0 <= seed <= MAX_SEED for seed in seeds)


@pytest.mark.parametrize("version", [0, 20261123032249])
def test_a_version_is_any_number_that_a_folder_may_have(version):
    assert read_fields({"version": version}, Limits()).version == version


def test_only_a_stream_may_have_no_end():
    assert read_fields({"steps": 0}, Limits(), is_stream=True).steps == 0
    with pytest.raises(InvalidRequestError):
        read_fields({"steps": 0}, Limits())


def number_schema(name):
    """The part of a field's schema that has the bounds."""
    return PROPERTIES[name].get("anyOf", [PROPERTIES[name]])[0]


def is_accepted(values):
    try:
        read_fields(json.loads(json.dumps(values)), LIMITS)
    except InvalidRequestError:
        return False
    return True


WHOLE = [name for name in PROPERTIES if number_schema(name).get("type") == "integer"]
REAL = [name for name in PROPERTIES if number_schema(name).get("type") == "number"]


def test_every_number_has_bounds():
    assert WHOLE == ["version", "seed", "lowest", "highest", "polyphony", "place", "steps"]
    assert REAL == ["temperature", "top_p", "density", "tempo"]
    assert number_schema("steps") == {"minimum": 1, "maximum": 64, **number_schema("steps")}
    for name in (*WHOLE, *REAL):
        assert all(is_accepted({name: value}) for value in bounds(PROPERTIES[name]))


@pytest.mark.parametrize("name", WHOLE)
@given(st.data())
def test_whole_numbers_are_accepted_exactly_within_the_bounds_of_the_schema(name, data):
    low, high = number_schema(name)["minimum"], number_schema(name)["maximum"]
    edges = st.sampled_from([low - 1, low, high, high + 1])
    value = data.draw(edges | st.integers(low, high) | st.integers())
    assert is_accepted({name: value}) == (low <= value <= high)


@pytest.mark.parametrize("name", REAL)
@given(st.data())
def test_numbers_are_accepted_exactly_within_the_bounds_of_the_schema(name, data):
    schema = number_schema(name)
    is_open, high = "exclusiveMinimum" in schema, schema["maximum"]
    low = schema["exclusiveMinimum"] if is_open else schema["minimum"]
    edges = [low, high, *(math.nextafter(bound, to) for bound in (low, high) for to in (-math.inf, math.inf))]
    value = data.draw(st.sampled_from(edges) | st.floats(low, high) | st.floats())
    assert is_accepted({name: value}) == ((low < value if is_open else low <= value) and value <= high)


@pytest.mark.parametrize(("length", "accepted"), [(9, True), (10, False)])
def test_a_primer_is_accepted_exactly_up_to_the_length_in_the_schema(length, accepted):
    assert PROPERTIES["primer"]["maxItems"] == 9
    assert is_accepted({"primer": [[]] * length}) == accepted


def test_pitches_are_accepted_exactly_within_the_bounds_of_the_schema():
    allowed = PROPERTIES["primer"]["items"]["items"]["anyOf"]
    for pitch in range(-130, 131):
        assert is_accepted({"primer": [[pitch]]}) == any(
            option["minimum"] <= pitch <= option["maximum"] for option in allowed
        )
    most = PROPERTIES["primer"]["items"]["maxItems"]
    assert [is_accepted({"primer": [[60] * count]}) for count in (most, most + 1)] == [True, False]


def test_outputs_are_those_of_the_schema():
    assert PROPERTIES["output"]["enum"] == ["midi", "roll"]
    assert all(is_accepted({"output": output}) for output in PROPERTIES["output"]["enum"])


def test_what_the_music_keeps_to_is_part_of_the_request():
    assert PieceRequest(**read_fields({"seed": 1}, LIMITS).piece_values()).steering.is_free
    values = {"lowest": 48, "highest": 72, "scale": [0, 2, 4], "silent": [[60, 64]], "polyphony": 2}
    chords = [{"step": 0, "pitch_classes": [0, 4]}, {"step": 8, "pitch_classes": [2]}]
    request = PieceRequest(**read_fields(values | {"chords": chords}, LIMITS).piece_values())
    assert request.steering == Steering.of(**values, chords=chords)


def test_lists_are_as_in_the_schema():
    assert PROPERTIES["scale"]["items"] == {"type": "integer", "minimum": 0, "maximum": 11}
    for pitch_class in range(-2, 14):
        assert is_accepted({"scale": [pitch_class]}) == (0 <= pitch_class <= 11)
    assert PROPERTIES["scale"]["uniqueItems"]
    assert not is_accepted({"scale": [1, 1]})
    chord = PROPERTIES["chords"]["items"]
    assert set(chord["properties"]) == set(chord["required"]) == {"step", "pitch_classes"}
    low, high = (PROPERTIES["silent"]["items"]["items"][name] for name in ("minimum", "maximum"))
    assert is_accepted({"silent": [[low, high]]})
    assert not is_accepted({"silent": [[low - 1, high]]})
    assert not is_accepted({"silent": [[low, high + 1]]})
    assert [is_accepted({"silent": [[60, 61]] * count}) for count in (84, 85)] == [True, False]
    assert PROPERTIES["silent"]["maxItems"] == 84


ROLL = [[60]] * 8
GAP = {"roll": ROLL, "start": 2, "end": 4}


def test_a_gap_has_a_roll_and_all_fields_of_a_piece_but_its_length_and_primer():
    read = read_infill_fields(GAP | {"seed": 1, "lowest": 60}, LIMITS)
    assert (read.start, read.end, read.particles, read.steering.lowest) == (2, 4, 16, 60)
    assert read.roll[:, 36].tolist() == [2] + [1] * 7
    mine = set(infill_schema(LIMITS)["properties"])
    assert mine - set(PROPERTIES) == {"roll", "start", "end", "particles"}
    assert set(PROPERTIES) - mine == {"steps", "primer"}
    assert infill_schema(LIMITS)["required"] == ["roll", "start", "end"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"start": -1}, "start must be a whole number >= 0 and <= 63. Received: start=-1"),
        ({"end": 0}, "end must be a whole number >= 1 and <= 64. Received: end=0"),
        ({"particles": 1}, "particles must be a whole number >= 2 and <= 64. Received: particles=1"),
        ({"particles": 65}, "Received: particles=65"),
        ({"particles": 16.0}, "Received: particles=16.0"),
        ({"roll": [[60]] * 65}, "roll must be a list of at most 64 steps"),
        ({"roll": [["C"]]}, "pitches in roll[0] must be a whole number"),
        ({"steps": 4}, "Received: steps"),
        ({"primer": []}, "Received: primer"),
        ({"scale": []}, "scale must be distinct pitch classes"),
    ],
)
def test_what_is_refused_of_a_gap(values, words):
    with pytest.raises(InvalidRequestError) as caught:
        read_infill_fields(GAP | values, LIMITS)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", GAP)
def test_what_a_gap_needs(name):
    with pytest.raises(InvalidRequestError, match=rf"{name} must be given\. Received: none"):
        read_infill_fields({key: value for key, value in GAP.items() if key != name}, LIMITS)
