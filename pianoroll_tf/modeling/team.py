"""What the workers of a training tell each other beside gradients: texts and arrays, over TensorFlow's collectives.

Every method is called by all workers in the same order, like a collective itself.
"""

import contextlib
import json
import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context  # the heartbeat cannot be set otherwise

from pianoroll_tf.errors import UserError
from pianoroll_tf.messages import describe, one_line
from pianoroll_tf.modeling.callbacks import StoppedError
from pianoroll_tf.modeling.cluster import Cluster, read_cluster, unreachable, wait_for_all
from pianoroll_tf.modeling.run_folder import differences
from pianoroll_tf.storage.arrays import decode_arrays, encode_arrays

T = TypeVar("T")
Message = tuple[dict[str, np.ndarray], dict[str, Any]]  # arrays, JSON-ready values
HEARTBEAT_SECONDS = 30  # without one, a worker counts as lost; a network that is down for less is waited for
_REGISTER_SECONDS = 120
_GRACE_SECONDS = 5.0  # in which a worker that has lost another still answers, so that the others find the right one
_LOST = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
)
_log = logging.getLogger(__name__)


class LostError(UserError):
    """Another worker has ended or cannot be reached."""


class Team:
    """The workers of a training, as one of them sees them.

    Attributes:
        cluster: Who they are.
        strategy: Their strategy, over whose devices a batch is spread.
    """

    def __init__(self, cluster: Cluster, strategy: tf.distribute.MultiWorkerMirroredStrategy) -> None:
        self.cluster, self.strategy = cluster, strategy

    @property
    def name(self) -> str:
        """How messages call this worker."""
        return self.cluster.name(self.cluster.rank)

    @property
    def is_chief(self) -> bool:
        """Whether this worker alone writes the run folder."""
        return self.cluster.rank == 0

    @property
    def size(self) -> int:
        """Number of workers."""
        return len(self.cluster.tasks)

    @property
    def local_replicas(self) -> int:
        """Devices of each worker over which its rows are spread."""
        return self.strategy.num_replicas_in_sync // self.size

    def _sum(self, values: np.ndarray) -> np.ndarray:
        """The sum over all workers; exact for whole numbers below 2^24, which every device can add."""
        if not values.size:  # TensorFlow's collectives would crash
            return values
        with self.watched():
            return self.strategy.reduce("SUM", tf.constant(values, tf.float32), axis=None).numpy()

    def add(self, values: np.ndarray) -> np.ndarray:
        """The sum of float64 values over all workers, bit for bit the same on all of them."""
        with self.watched():
            return self.strategy.reduce("SUM", tf.constant(values, tf.float64), axis=None).numpy()

    def _gather(self, content: bytes) -> list[bytes]:
        """What each worker gives, in order; padded to the longest, so meant for short texts."""
        sizes = np.zeros(self.size, np.float32)
        sizes[self.cluster.rank] = len(content)
        sizes = self._sum(sizes).astype(int)
        table = np.zeros((self.size, int(sizes.max())), np.float32)
        table[self.cluster.rank, : len(content)] = np.frombuffer(content, np.uint8)
        table = self._sum(table).astype(np.uint8)
        return [row[:size].tobytes() for row, size in zip(table, sizes, strict=True)]

    def _broadcast(self, content: bytes | None) -> bytes:
        """What the chief gives, two bytes as one number."""
        given = np.frombuffer((content or b"") + bytes(len(content or b"") % 2), np.uint16)
        high, low, odd = self._sum(np.array([*divmod(len(given), 1 << 16), len(content or b"") % 2], np.float32))
        values = np.zeros(int(high) << 16 | int(low), np.float32)
        values[: len(given)] = given
        whole = self._sum(values).astype(np.uint16).tobytes()
        return whole[:-1] if odd else whole

    def all_succeed(self, action: Callable[[], T]) -> T:
        """Calls `action` on every worker and returns what it returns, if it raises an error nowhere.

        Raises:
            UserError: It failed on another worker, which is named.
            Exception: It failed here.
        """
        result, failure = None, None
        try:
            result = action()
        except Exception as error:
            failure = error
        errors = self._gather(describe(failure).encode() if failure else b"")
        if failure:
            raise failure
        for rank, text in enumerate(errors):
            if text:
                raise UserError(f"{self.cluster.name(rank)} failed: {text.decode()}")
        return result  # type: ignore[return-value]

    def from_chief(self, action: Callable[[], Message]) -> Message:
        """Calls `action` on the chief and returns what it returns, on every worker; the others wait.

        Raises:
            StoppedError: The chief raised it.
            UserError: The chief failed in another way.
            Exception: The same, on the chief itself.
        """
        arrays: dict[str, np.ndarray] = {}
        meta: dict[str, Any] = {}
        failure = None
        if self.is_chief:
            try:
                arrays, meta = action()
            except Exception as error:
                failure = error
                meta = {"error": describe(error), "stopped": isinstance(error, StoppedError)}
        content = self._broadcast(encode_arrays(arrays, {"meta": meta}) if self.is_chief else None)
        if failure:
            raise failure
        arrays, meta = decode_arrays(content, "what the chief sent")
        meta = meta["meta"]
        if "error" in meta:
            raise (
                StoppedError(meta["error"])
                if meta["stopped"]
                else UserError(f"{self.cluster.name(0)} failed: {meta['error']}")
            )
        return arrays, meta

    def check_equal(self, facts: dict[str, Any]) -> None:
        """Raises UserError, on all workers, if the facts of one differ from those of the chief; the first is named."""
        texts = self._gather(json.dumps(facts, sort_keys=True).encode())
        theirs = [json.loads(text) for text in texts]
        for rank, other in enumerate(theirs):
            if other != theirs[0]:
                found, (this, chief) = differences(theirs[0], other), map(self.cluster.name, (rank, 0))
                raise UserError(
                    f"{this} must have the records, settings and versions of {chief}. Received: {'; '.join(found[:3])}"
                )

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Within the context, TensorFlow's errors about another worker become a LostError that names it.

        Raises:
            LostError: A worker has ended or cannot be reached.
        """
        try:
            yield
        except tf.errors.OpError as error:
            if not (isinstance(error, _LOST) or "Collective ops is aborted" in str(error)):
                raise
            raise LostError(self._what_is_lost(str(error))) from error

    def _what_is_lost(self, message: str) -> str:
        _log.debug("%s", one_line(message))
        found = unreachable(self.cluster)
        time.sleep(_GRACE_SECONDS)
        named = re.search(r"/job:(\w+)/(?:replica:\d+/)?task:(\d+)", message)
        rank = self.cluster.rank_of(named[1], int(named[2])) if named else None
        if found:
            who = "; ".join(f"{self.cluster.name(rank)} {state}" for rank, state in sorted(found.items()))
        elif rank is not None and rank != self.cluster.rank:
            who = f"the connection to {self.cluster.name(rank)} was lost"
        else:
            who = "the connection to another worker was lost"
        return f"{who}; start all workers again with the same commands to resume from the last checkpoint"


def join(environment: Mapping[str, str] = os.environ) -> Team:
    """Joins the cluster that the environment names, as soon as all its workers have started.

    To be called before TensorFlow's first operation.

    Raises:
        UserError: The environment names no cluster, or a worker does not start.
    """
    cluster = read_cluster(environment)
    wait_for_all(cluster)
    jobs: dict[str, list[str]] = {}
    for job, _, address in cluster.tasks:
        jobs.setdefault(job, []).append(address)
    job, index, _ = cluster.tasks[cluster.rank]
    context.context().configure_coordination_service(
        service_type="standalone",
        service_leader=f"/job:{cluster.tasks[0][0]}/replica:0/task:0",
        cluster_register_timeout_in_ms=_REGISTER_SECONDS * 1000,
        heartbeat_timeout_in_ms=HEARTBEAT_SECONDS * 1000,
        coordinated_jobs=[
            context.coordination_config_pb2.CoordinatedJob(name=name, num_tasks=len(addresses))
            for name, addresses in jobs.items()
        ],
    )
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        tf.train.ClusterSpec(jobs),
        task_type=job,
        task_id=index,
        rpc_layer="grpc",
        num_accelerators={"GPU": len(tf.config.list_physical_devices("GPU"))},
    )
    try:
        return Team(cluster, tf.distribute.MultiWorkerMirroredStrategy(resolver))
    except tf.errors.OpError as error:
        _log.debug("%s", one_line(error))
        lost = unreachable(cluster)
        who = "; ".join(f"{cluster.name(rank)} {state}" for rank, state in lost.items()) or describe(error)
        raise LostError(f"the workers did not find each other: {who}; start all of them again") from error
