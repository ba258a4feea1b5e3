"""The server's settings: each has a unit, a documented default and a flag."""

import dataclasses

import pytest

from pianoroll_tf.flags import from_args
from pianoroll_tf.serve import build_parser
from pianoroll_tf.serving.settings import Address, Limits, Versions


@pytest.mark.parametrize("kind", [Address, Versions, Limits])
def test_each_setting_has_a_flag_whose_help_names_its_default(kind):
    text = build_parser().format_help()
    for field in dataclasses.fields(kind):
        assert f"--{field.name.replace('_', '-')} " in text
    assert from_args(kind, build_parser().parse_args(["saved_models/x"])) == kind()


def test_by_default_it_listens_on_loopback_and_allows_no_other_origin():
    assert Address().host == "127.0.0.1"
    assert Address().allow_origin == Address().allow_host == ()


def test_impossible_limits_are_refused():
    with pytest.raises(ValueError, match="queue_rows must be a whole number >= 1"):
        Limits(queue_rows=0)


def test_grpc_messages_may_be_as_large_as_the_limits_of_rows_and_steps_allow():
    limits = Limits(most_rows=4, primer_steps=50_000, most_steps=100_000)
    assert 0 < limits.grpc_request_bytes - 4 * 50_000 * 84 < 100_000
    assert 0 < limits.grpc_response_bytes - 4 * 100_000 * 84 < 100_000
    assert Limits(body_bytes=1 << 29).grpc_request_bytes == 1 << 29
    assert Limits(most_rows=4096, primer_steps=65_536).grpc_request_bytes == 2**31 - 1


@pytest.mark.parametrize("sizes", [(), (1, 2), (8, 2), (2, 2)])
def test_impossible_batch_sizes_are_refused(sizes):
    with pytest.raises(ValueError, match="tile_rows must be >= 2 and ascending"):
        Versions(tile_rows=sizes)
