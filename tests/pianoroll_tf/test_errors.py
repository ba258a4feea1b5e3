"""Errors that a user can correct."""

import pytest

from pianoroll_tf.errors import UsageError, usage_errors


def test_value_errors_become_usage_errors() -> None:
    with pytest.raises(UsageError, match="bad"), usage_errors():
        raise ValueError("bad")
