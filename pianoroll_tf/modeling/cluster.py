"""The cluster of a training on several machines: who this process is, who the others are, and who can be reached."""

import contextlib
import dataclasses
import json
import logging
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pianoroll_tf.errors import UserError

START_SECONDS = 600.0  # in which all tasks of a cluster must have started
_SAY_AFTER_SECONDS = 5.0
_PROBE_SECONDS = 3.0
_RETRY_SECONDS = 0.2
_JOBS = ("chief", "worker")  # in the order in which TensorFlow counts tasks: the first task is the chief
_PORT_BASE, _PORTS_PER_JOB, _JOBS_APART = 12000, 100, 200  # ports of Slurm's jobs; below those of outgoing connections
_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The tasks of a training, in order; the first one is the chief.

    Attributes:
        tasks: (job, index within the job, address "host:port") of each task.
        rank: The place of this process among them.
    """

    tasks: tuple[tuple[str, int, str], ...]
    rank: int

    def name(self, rank: int) -> str:
        """How messages call a task: "worker 1 (10.0.0.2:2222)"."""
        job, index, address = self.tasks[rank]
        return f"{job} {index} ({address})"

    def rank_of(self, job: str, index: int) -> int | None:
        """The place of a task; None if there is no such task."""
        return next((rank for rank, task in enumerate(self.tasks) if task[:2] == (job, index)), None)


def read_cluster(environment: Mapping[str, str]) -> Cluster:
    """The cluster that `TF_CONFIG` names or, without it, that of Slurm's job step.

    Raises:
        UserError: Neither is there, or it names no cluster of which this process is a part.
    """
    if "TF_CONFIG" in environment:
        return _from_tf_config(environment["TF_CONFIG"])
    if "SLURM_PROCID" in environment:
        return _from_slurm(environment)
    raise UserError(
        "--strategy multi_worker must have TF_CONFIG, or Slurm's variables (srun), to know the other workers. "
        "Received: neither TF_CONFIG nor SLURM_PROCID"
    )


def _from_tf_config(text: str) -> Cluster:
    form = '{"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", "index": 0}}'
    try:
        given: Any = json.loads(text)
        jobs, task = given["cluster"], given["task"]
        kind, index = task["type"], int(task["index"])
        tasks = tuple((job, number, address) for job in _JOBS for number, address in enumerate(jobs.get(job, ())))
        rank = [task[:2] for task in tasks].index((kind, index))
        ports = [int(address.rpartition(":")[2]) for _, _, address in tasks]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"TF_CONFIG must be {form}, with a task of the cluster. Received: {text!r}") from error
    addresses = [address for _, _, address in tasks]
    if set(jobs) - set(_JOBS):
        raise UserError(f"TF_CONFIG must have no jobs but {' and '.join(_JOBS)}. Received: {', '.join(sorted(jobs))}")
    if len(set(addresses)) < len(addresses) or not all(0 < port < 1 << 16 for port in ports):
        raise UserError(f"TF_CONFIG must have a HOST:PORT of its own for each task. Received: {', '.join(addresses)}")
    return Cluster(tasks, rank)


def _from_slurm(environment: Mapping[str, str]) -> Cluster:
    """The cluster of a job step, whose nodes TensorFlow's resolver expands.

    The resolver sorts nodes by name, which Slurm does not (n9 comes before n10), so a task finds itself by its node.
    """
    import tensorflow as tf

    try:
        tasks = int(environment["SLURM_STEP_NUM_TASKS"])
        port = _PORT_BASE + int(environment.get("SLURM_JOB_ID", "0")) % _JOBS_APART * _PORTS_PER_JOB
        # Slurm binds GPUs to tasks (--gpus-per-task); the resolver would fail on nodes without nvidia-smi
        resolver = tf.distribute.cluster_resolver.SlurmClusterResolver(
            port_base=port, gpus_per_node=tasks, gpus_per_task=1, auto_set_gpu=False
        )
        addresses = resolver.cluster_spec().as_dict()["worker"]
        rank = resolver.get_task_info()[1]
        if "SLURMD_NODENAME" in environment and "SLURM_LOCALID" in environment:
            own = f"{environment['SLURMD_NODENAME']}:{port + int(environment['SLURM_LOCALID'])}"
            rank = addresses.index(own)
    except (ValueError, KeyError, RuntimeError, AssertionError, IndexError) as error:
        names = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_STEP_NODELIST", "SLURM_STEP_TASKS_PER_NODE")
        given = ", ".join(f"{name}={environment.get(name, '')}" for name in names)
        raise UserError(f"Slurm's variables must be those of a job step (srun). Received: {given}") from error
    return Cluster(tuple(("worker", index, address) for index, address in enumerate(addresses)), rank)


def _state(address: str) -> str:
    """What is wrong with a task, as its address shows it; empty if it accepts connections."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), _PROBE_SECONDS):
            return ""
    except ConnectionRefusedError:
        return "has ended"
    except socket.gaierror:
        return "has a name that cannot be resolved"
    except OSError:
        return "does not answer"


def unreachable(cluster: Cluster) -> dict[int, str]:
    """The other tasks that accept no connection now, by rank, with what is wrong."""
    others = [rank for rank in range(len(cluster.tasks)) if rank != cluster.rank]
    with ThreadPoolExecutor(max(len(others), 1)) as pool:
        states = list(pool.map(_state, [cluster.tasks[rank][2] for rank in others]))
    return {rank: state for rank, state in zip(others, states, strict=True) if state}


def wait_for_all(cluster: Cluster, seconds: float = START_SECONDS, say: Callable[[str], None] = _log.warning) -> None:
    """Waits until every task of the cluster has started; `say` is called with one line if that takes a while.

    TensorFlow would wait too, but where no signal is handled, and without a word. Each process listens at its own
    address until it has seen all others; then TensorFlow does.

    Raises:
        UserError: A task has not started in time, or this process cannot listen at its address.
    """
    began, said = time.monotonic(), False
    with _listening(cluster):
        missing = unreachable(cluster)
        while missing:
            waited = time.monotonic() - began
            names = ", ".join(cluster.name(rank) for rank in missing)
            if waited > seconds:
                verb = "has" if len(missing) == 1 else "have"
                raise UserError(f"all workers must start within {seconds:.0f} s, but {names} {verb} not")
            if waited > _SAY_AFTER_SECONDS and not said:
                say(f"waits for {names}, for up to {seconds:.0f} s")
                said = True
            time.sleep(_RETRY_SECONDS)
            missing = {rank: state for rank, state in unreachable(cluster).items() if rank in missing}


@contextlib.contextmanager
def _listening(cluster: Cluster) -> Iterator[None]:
    """Within the context, connections to the address of this task are accepted by the system."""
    address = cluster.tasks[cluster.rank][2]
    port = int(address.rpartition(":")[2])
    try:
        server = socket.create_server(("", port), backlog=1024)
    except OSError as error:
        name = cluster.name(cluster.rank)
        raise UserError(f"{name} must be able to listen on port {port}. Received: {error.strerror}") from error
    with server:
        yield
