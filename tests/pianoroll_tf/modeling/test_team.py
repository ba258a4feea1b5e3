"""Tests of pianoroll_tf.modeling.team: texts and arrays between workers, which are threads here."""

import numpy as np
import pytest
import tensorflow as tf
from team_run import free_ports
from team_threads import everyone

from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling import team as team_module
from pianoroll_tf.modeling.callbacks import StoppedError
from pianoroll_tf.modeling.cluster import Cluster
from pianoroll_tf.modeling.team import LostError, Team


def test_the_chief_alone_acts_and_all_have_what_it_returns():
    def action(team):
        def act():
            acted.append(team.cluster.rank)
            return {"ä": np.array([-0.0, np.inf, 1e-30], np.float32), "n": np.array(1 << 40)}, {"text": "é", "no": None}

        return team.from_chief(act)

    acted = []
    results = everyone(3, action)
    assert acted == [0]
    for arrays, meta in results:
        assert meta == {"text": "é", "no": None}
        assert arrays["ä"].tobytes() == np.array([-0.0, np.inf, 1e-30], np.float32).tobytes()
        assert arrays["n"] == 1 << 40


def test_what_the_chief_raises_ends_all():
    def fails(team):
        team.from_chief(lambda: 1 // 0)

    first, second = everyone(2, fails)
    assert isinstance(first, ZeroDivisionError)
    assert isinstance(second, UserError)
    assert str(second).startswith("worker 0 (h0:1) failed: unexpected ZeroDivisionError")

    def stops(team):
        def act():
            raise StoppedError("stopped")

        team.from_chief(act)

    assert [(type(error), str(error)) for error in everyone(2, stops)] == [(StoppedError, "stopped")] * 2


def test_an_action_that_fails_somewhere_fails_everywhere_and_names_where():
    def action(team):
        def act():
            if team.cluster.rank == 1:
                raise UserError("records must be there")
            return team.cluster.rank

        return team.all_succeed(act)

    assert [str(error) for error in everyone(3, action)] == [
        "worker 1 (h1:1) failed: records must be there",
        "records must be there",
        "worker 1 (h1:1) failed: records must be there",
    ]
    assert everyone(3, lambda team: team.all_succeed(lambda: team.cluster.rank)) == [0, 1, 2]


def test_facts_that_differ_are_named_with_the_worker():
    def action(team):
        team.check_equal({"training": {"seed": 5 + (team.cluster.rank == 2)}, "versions": {"keras": "3"}})

    for error in everyone(3, action):
        assert str(error) == (
            "worker 2 (h2:1) must have the records, settings and versions of worker 0 (h0:1). "
            "Received: training.seed is 5 there, 6 here"
        )
    assert everyone(2, lambda team: team.check_equal({"a": {"b": 1}})) == [None, None]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (tf.errors.UnavailableError(None, None, "from /job:worker/replica:0/task:1"), r"worker 1 \(127.*\) has ended;"),
        (tf.errors.InternalError(None, None, "Collective ops is aborted by: x"), r"worker 1 \(127.*\) has ended;"),
    ],
)
def test_a_lost_worker_is_one_line_that_names_it(monkeypatch, error, line):
    monkeypatch.setattr(team_module, "_GRACE_SECONDS", 0.0)
    ports = free_ports(2)
    cluster = Cluster(tuple(("worker", index, f"127.0.0.1:{port}") for index, port in enumerate(ports)), 0)
    with pytest.raises(LostError, match=line) as caught, Team(cluster, None).watched():
        raise error
    assert str(caught.value).endswith(
        "start all workers again with the same commands to resume from the last checkpoint"
    )


def test_a_worker_that_answers_again_is_named_by_tensorflows_message(monkeypatch):
    monkeypatch.setattr(team_module, "_GRACE_SECONDS", 0.0)
    monkeypatch.setattr(team_module, "unreachable", lambda _: {})
    cluster = Cluster((("worker", 0, "a:1"), ("worker", 1, "b:1")), 0)
    for message, who in (("/job:worker/task:1", r"worker 1 \(b:1\)"), ("Deadline Exceeded", "another worker")):
        with pytest.raises(LostError, match=f"^the connection to {who} was lost"), Team(cluster, None).watched():
            raise tf.errors.DeadlineExceededError(None, None, message)


def test_an_error_of_ones_own_is_left_as_it_is():
    cluster = Cluster((("worker", 0, "a:1"), ("worker", 1, "b:1")), 0)
    with pytest.raises(tf.errors.InvalidArgumentError), Team(cluster, None).watched():
        raise tf.errors.InvalidArgumentError(None, None, "shapes")
