"""The tables of the controls: at which edges a chosen value lies, in the words of a reader."""

from types import SimpleNamespace

import pytest

from tuner.report.paper import controls
from tuner.study.results_model import FINISHED, TuningRun
from tuner.study.settings import Combination


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ([], {}),
        (["learning_rate:up"], {"learning_rate": "up"}),
        (["learning_rate:up", "learning_rate:down"], {"learning_rate": "both"}),
        (["rms_centered:down", "learning_rate:down"], {"rms_centered": "both", "learning_rate": "down"}),
    ],
)
def test_a_side_is_named_only_where_there_are_sides(monkeypatch, edges, expected):
    settings = {"learning_rate": 0.004, "rms_centered": True}
    data = SimpleNamespace(study=None, tuning=[TuningRun("bce-rmsprop", 0, settings, FINISHED, "", 5.0, 9)])
    monkeypatch.setattr(controls, "edge_names", lambda *_: edges)
    found = controls.edges_of(data, Combination("bce", "rmsprop"))
    assert found == expected
    assert set(found.values()) <= set(controls.SIDES)
