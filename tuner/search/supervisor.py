"""Workers of a search on this machine: processes that are started, watched, and started again when they die."""

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pianoroll_tf.errors import UserError

if TYPE_CHECKING:  # a worker watches its parent before it loads a framework
    from tuner.search.oracle import Lasting

ATTEMPTS = 3  # workers that may die on one trial before it counts as failed
STOPPED = 143  # exit code of a worker that saved everything and left, because SIGTERM came


class Worker:
    """One worker process.

    Args:
        name: Its name, by which the chief knows it.
        command: What to run; it must leave when its standard input closes, so that it never outlives this process.
        log: File that its messages are added to.
        threads: Processor cores it may use.
        gpu: The GPU it is to use; None: as it finds them.
    """

    def __init__(self, name: str, command: Sequence[str], log: Path, threads: int, gpu: int | None = None) -> None:
        self.name, self._command, self._log = name, command, log
        self._environment = dict(os.environ) | {
            "KERASTUNER_TUNER_ID": name,
            "OMP_NUM_THREADS": str(threads),
            "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        }
        if gpu is not None:
            self._environment["CUDA_VISIBLE_DEVICES"] = str(gpu)
        self.process = self._start()

    def _start(self) -> subprocess.Popen:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,  # Ctrl-C is for this process, which then stops its workers
            )

    def restart(self) -> None:
        """Starts it again."""
        self.close()
        self.process = self._start()

    def close(self) -> None:
        """Lets it leave, if it is there."""
        if self.process.stdin is not None:
            self.process.stdin.close()

    def last_words(self) -> str:
        """The last line of its log."""
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


class Supervisor:
    """Watches workers: what one of them dies on goes back into the queue, and it is started again.

    Args:
        workers: The processes.
        oracle: Holds the trials.
        say: Is told in a line of each that died.
    """

    def __init__(self, workers: Sequence[Worker], oracle: "Lasting", say: Callable[[str], None]) -> None:
        self._workers, self._oracle, self._say = list(workers), oracle, say
        self._deaths: Counter[str] = Counter()  # by trial
        self._in_vain = 0  # deaths since a trial ended
        self._ended = 0

    def poll(self) -> None:
        """Looks after each worker.

        Raises:
            UserError: One says that nothing can be done here (the disk is full, the records are damaged), or they
                die again and again without a trial.
        """
        if len(self._oracle.end_order) > self._ended:
            self._ended, self._in_vain = len(self._oracle.end_order), 0
        for worker in self._workers:
            code = worker.process.poll()
            if code == 1:
                raise UserError(f"{worker.name} failed: {worker.last_words()}")
            if code and not self._oracle.finished():
                self._revive(worker, code)

    def _revive(self, worker: Worker, code: int) -> None:
        how = f"killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        trial_id = self._oracle.requeue(worker.name)
        self._say(f"{worker.name} was {how}; it is started again")
        if trial_id is None:
            self._in_vain += 1
            if self._in_vain > ATTEMPTS * len(self._workers):
                raise UserError(f"{worker.name} dies before it has a trial ({how}): {worker.last_words()}")
        elif code != STOPPED:
            self._deaths[trial_id] += 1
            if self._deaths[trial_id] >= ATTEMPTS:
                self._oracle.fail(trial_id, f"{ATTEMPTS} workers died on it, the last {how}")
        worker.restart()

    def stop(self, seconds: float = 30.0) -> None:
        """Ends all workers: those that train save everything first.

        Args:
            seconds: How long to wait for that.
        """
        for worker in self._workers:
            if worker.process.poll() is None:
                worker.process.terminate()
        for worker in self._workers:
            try:
                worker.process.wait(seconds)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
            worker.close()


def start_workers(
    count: int, command: Sequence[str], logs: Path, threads: int | None = None, gpus: int = 0
) -> list[Worker]:
    """Starts workers, which share the cores and GPUs of this machine.

    Args:
        count: How many.
        command: What each runs; the number of its threads is added.
        logs: Folder of their logs.
        threads: Cores each may use; None: an equal share of those of this process.
        gpus: GPUs of this machine.
    """
    threads = threads or max(1, len(os.sched_getaffinity(0)) // count)
    return [
        Worker(
            f"worker-{index}",
            [*command, "--threads", str(threads)],
            logs / f"worker-{index}.log",
            threads,
            index % gpus if gpus else None,
        )
        for index in range(count)
    ]


def leave_with_parent() -> None:
    """Ends this process as soon as its standard input closes: when the one that started it is no more."""

    def wait() -> None:
        sys.stdin.buffer.read()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
