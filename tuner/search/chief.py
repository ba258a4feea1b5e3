"""KerasTuner's chief with leases: the trial of a worker that is not heard of any more goes back into the queue."""

import os
import time
from collections.abc import Callable
from concurrent import futures

import grpc
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer

from pianoroll_tf.errors import UserError
from tuner.search.oracle import Lasting
from tuner.search.tuner import TUNER_ID

FAREWELL_SECONDS = 10.0  # in which workers are told that the search is over
_POLL_SECONDS = 0.2


class Leases:
    """When each worker was heard last.

    Args:
        seconds: How long a trial stays with a worker that is silent.
        clock: Seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds, self._clock = seconds, clock
        self._heard: dict[str, float] = {}

    def touch(self, tuner_id: str) -> None:
        """A worker was heard."""
        self._heard[tuner_id] = self._clock()

    def lapsed(self, tuner_id: str) -> bool:
        """Whether a worker's lease has ended; that of one that was never heard begins now."""
        return self._clock() - self._heard.setdefault(tuner_id, self._clock()) > self.seconds

    def alive(self) -> int:
        """Workers whose lease has not ended."""
        return sum(not self.lapsed(tuner_id) for tuner_id in list(self._heard))


class Servicer(OracleServicer):
    """KerasTuner's service, which notes who calls, and tells a worker when its trial is another's.

    Args:
        oracle: Answers the calls.
        leases: Are kept up to date.
    """

    def __init__(self, oracle: Lasting, leases: Leases) -> None:
        super().__init__(oracle)
        self._leases = leases

    def CreateTrial(self, request, context):  # noqa: N802  (KerasTuner's name)
        """A worker asks for a trial."""
        self._leases.touch(request.tuner_id)
        return super().CreateTrial(request, context)

    def GetTrial(self, request, context):  # noqa: N802
        """A worker asks for a trial's state; with its name beside that, it is a heart-beat."""
        if request.trial_id not in self.oracle.trials:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such trial")
        tuner_id = dict(context.invocation_metadata()).get(TUNER_ID)
        if tuner_id is not None:
            self._leases.touch(tuner_id)
            if not self.oracle.holds(tuner_id, request.trial_id):
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, "the trial is another worker's")
        return super().GetTrial(request, context)


def release_lapsed(oracle: Lasting, leases: Leases, say: Callable[[str], None]) -> None:
    """Puts the trials of silent workers back into the queue, and forgets workers that wait for none any more.

    Args:
        oracle: Holds the trials.
        leases: Of the workers.
        say: Is told of each in a line.
    """
    for tuner_id in set(oracle.ongoing_trials) | set(oracle.tuner_ids):
        if leases.lapsed(tuner_id):
            trial_id = oracle.requeue(tuner_id)
            if trial_id is not None:
                say(f"{tuner_id} is silent for {leases.seconds:.0f} s; trial {trial_id} goes back into the queue")


class Chief:
    """The server of a search.

    Args:
        oracle: Answers the workers.
        address: HOST:PORT to listen on; port 0: any that is free.
        lease_seconds: How long a trial stays with a worker that is silent.

    Raises:
        UserError: The address cannot be listened on.
    """

    def __init__(self, oracle: Lasting, address: str, lease_seconds: float) -> None:
        self._oracle, self.leases = oracle, Leases(lease_seconds)
        # without SO_REUSEPORT: else two chiefs could share a port, and each get some of the calls
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=[("grpc.so_reuseport", 0)])
        protos.get_service_grpc().add_OracleServicer_to_server(Servicer(oracle, self.leases), self._server)
        host = address.rpartition(":")[0]
        try:
            bound = self._server.add_insecure_port(address)
        except RuntimeError:
            bound = 0
        if not bound:
            raise UserError(f"--chief must be an address of this machine with a free port. Received: {address}")
        self.address = f"{host}:{bound}"
        self._server.start()

    def serve(self, poll: Callable[[], None], say: Callable[[str], None]) -> None:
        """Answers until no trial is left.

        Args:
            poll: Called several times a second.
            say: Is told in a line of each worker that was lost.
        """
        try:
            while not self._oracle.finished():
                time.sleep(_POLL_SECONDS)
                release_lapsed(self._oracle, self.leases, say)
                poll()
            over = time.monotonic() + FAREWELL_SECONDS
            while self._oracle.tuner_ids and time.monotonic() < over:
                time.sleep(_POLL_SECONDS)
                poll()
        finally:
            self._server.stop(grace=1.0).wait()


def name_in_environment(chief: str, tuner_id: str) -> None:
    """Sets KerasTuner's variables, by which it is a chief (whose name says so) or a worker.

    Args:
        chief: HOST:PORT.
        tuner_id: Name of this process.
    """
    host, _, port = chief.rpartition(":")
    os.environ |= {
        "KERASTUNER_ORACLE_IP": host,
        "KERASTUNER_ORACLE_PORT": port,
        "KERASTUNER_TUNER_ID": tuner_id,
    }
