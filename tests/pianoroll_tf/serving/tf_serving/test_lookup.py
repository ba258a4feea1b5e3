"""Versions, statuses and signatures by name, with TensorFlow Serving's messages."""

import pytest

from pianoroll_tf.serving.refusals import InvalidRequestError, NotFoundError
from pianoroll_tf.serving.tf_serving import lookup


def test_a_version_by_number_or_the_newest(registry):
    for version in (None, 1):
        with lookup.use_version(registry, "tiny", version) as served:
            assert served.version == 1


@pytest.mark.parametrize(
    ("name", "version", "spec"),
    [("other", None, "Latest(other)"), ("other", 1, "Specific(other, 1)"), ("tiny", 7, "Specific(tiny, 7)")],
)
def test_a_version_that_is_not_served(registry, name, version, spec):
    with pytest.raises(NotFoundError) as caught:
        lookup.use_version(registry, name, version)
    assert str(caught.value) == f"Servable not found for request: {spec}"


def test_statuses_of_all_versions_or_one(registry):
    assert lookup.find_statuses(registry, "tiny", None) == lookup.find_statuses(registry, "tiny", 1)
    with pytest.raises(NotFoundError, match="Could not find any versions of model other"):
        lookup.find_statuses(registry, "other", None)
    with pytest.raises(NotFoundError, match="Could not find version 2 of model tiny"):
        lookup.find_statuses(registry, "tiny", 2)


def test_inputs_of_a_signature(registry):
    assert list(lookup.find_inputs(registry.get(), "predict")) == ["roll"]
    with pytest.raises(InvalidRequestError, match='Serving signature name: "sing" not found in signature def'):
        lookup.find_inputs(registry.get(), "sing")
