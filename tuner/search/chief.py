"""KerasTuner's chief with leases: the trial of a worker that has gone silent is requeued."""

import os
import time
from collections.abc import Callable
from concurrent import futures

import grpc
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer

from pianoroll_tf.errors import UserError
from tuner.search.oracle import ResumableOracle
from tuner.search.tuner import TUNER_ID

SHUTDOWN_SECONDS = 10.0  # for telling workers that the search is over
_POLL_SECONDS = 0.2


class Leases:
    """When each worker was last heard from; a silent one keeps its trial for `seconds` of the clock."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self._clock = seconds, clock
        self._last_heard: dict[str, float] = {}

    def touch(self, tuner_id: str) -> None:
        """Renews the lease of a worker."""
        self._last_heard[tuner_id] = self._clock()

    def lapsed(self, tuner_id: str) -> bool:
        """Whether a worker's lease has ended; that of an unknown worker begins now."""
        return self._clock() - self._last_heard.setdefault(tuner_id, self._clock()) > self.seconds

    def alive(self) -> int:
        """Number of workers whose lease has not ended."""
        return sum(not self.lapsed(tuner_id) for tuner_id in list(self._last_heard))


class Servicer(OracleServicer):
    """KerasTuner's service; it also renews leases, and tells a worker that its trial was given to another."""

    def __init__(self, oracle: ResumableOracle, leases: Leases) -> None:
        super().__init__(oracle)
        self._leases = leases

    def CreateTrial(self, request, context):  # noqa: N802  (KerasTuner's name)
        """Request of a worker for a trial."""
        self._leases.touch(request.tuner_id)
        return super().CreateTrial(request, context)

    def GetTrial(self, request, context):  # noqa: N802
        """Request for a trial's state; with the name of a worker in the metadata, its heartbeat."""
        if request.trial_id not in self.oracle.trials:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such trial")
        tuner_id = dict(context.invocation_metadata()).get(TUNER_ID)
        if tuner_id is not None:
            self._leases.touch(tuner_id)
            if not self.oracle.holds(tuner_id, request.trial_id):
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, "the trial was given to another worker")
        return super().GetTrial(request, context)


def release_lapsed(oracle: ResumableOracle, leases: Leases, log: Callable[[str], None]) -> None:
    """Requeues the trials of silent workers, and forgets silent workers without a trial."""
    for tuner_id in set(oracle.ongoing_trials) | set(oracle.tuner_ids):
        if leases.lapsed(tuner_id):
            trial_id = oracle.requeue(tuner_id)
            if trial_id is not None:
                log(f"{tuner_id} is silent for {leases.seconds:.0f} s; trial {trial_id} is requeued")


class Chief:
    """The server of a search on HOST:PORT (port 0: any free port); raises UserError if it cannot listen there."""

    def __init__(self, oracle: ResumableOracle, address: str, lease_seconds: float) -> None:
        self._oracle, self.leases = oracle, Leases(lease_seconds)
        # without SO_REUSEPORT, else two chiefs could share a port and each get some of the calls
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=[("grpc.so_reuseport", 0)])
        protos.get_service_grpc().add_OracleServicer_to_server(Servicer(oracle, self.leases), self._server)
        try:
            bound = self._server.add_insecure_port(address)
        except RuntimeError:
            bound = 0
        if not bound:
            raise UserError(f"--chief must be an address of this machine with a free port. Received: {address}")
        self.address = f"{address.rpartition(':')[0]}:{bound}"
        self._server.start()

    def serve(self, poll: Callable[[], None], log: Callable[[str], None]) -> None:
        """Serves until no trial is left, and calls `poll` several times a second."""
        try:
            while not self._oracle.finished():
                time.sleep(_POLL_SECONDS)
                release_lapsed(self._oracle, self.leases, log)
                poll()
            over = time.monotonic() + SHUTDOWN_SECONDS
            while self._oracle.tuner_ids and time.monotonic() < over:
                time.sleep(_POLL_SECONDS)
                poll()
        finally:
            self._server.stop(grace=1.0).wait()


def set_environment(chief: str, tuner_id: str) -> None:
    """Sets the environment variables by which KerasTuner acts as a chief (whose name contains "chief") or a worker."""
    host, _, port = chief.rpartition(":")
    os.environ |= {
        "KERASTUNER_ORACLE_IP": host,
        "KERASTUNER_ORACLE_PORT": port,
        "KERASTUNER_TUNER_ID": tuner_id,
    }
