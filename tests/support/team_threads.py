"""A team whose workers are threads of one process, without TensorFlow's collectives."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import tensorflow as tf

from pianoroll_tf.modeling.cluster import Cluster
from pianoroll_tf.modeling.team import Team


class Sums:
    """A strategy whose only operation is a sum over threads."""

    def __init__(self, count: int) -> None:
        self.num_replicas_in_sync = count
        self._barrier = threading.Barrier(count, timeout=60)
        self._values: dict[int, tf.Tensor] = {}

    def reduce(self, op: str, value: tf.Tensor, axis: None) -> tf.Tensor:
        """The sum of what all threads give."""
        assert (op, axis) == ("SUM", None)
        self._barrier.wait()
        self._values[threading.get_ident()] = value
        self._barrier.wait()
        total = tf.add_n([*self._values.values()])
        if self._barrier.wait() == 0:
            self._values.clear()
        self._barrier.wait()
        return total


def everyone(count: int, action: Callable[[Team], Any]) -> list[Any]:
    """What `action(team)` returns on each worker, or the error that it raises there."""
    tasks = tuple(("worker", index, f"h{index}:1") for index in range(count))
    sums = Sums(count)

    def run(rank: int) -> Any:
        try:
            return action(Team(Cluster(tasks, rank), sums))
        except Exception as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
