"""The workers of a search on this machine: processes that are started, watched, and restarted when they die."""

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pianoroll_tf.errors import UserError
from pianoroll_tf.system import usable_cpus

if TYPE_CHECKING:  # a worker watches its parent before it loads a framework
    from tuner.search.oracle import ResumableOracle

MAX_ATTEMPTS = 3  # workers that may die during one trial before it counts as failed
EXIT_STOPPED = 143  # exit code of a worker that saved everything and ended because of SIGTERM


class Worker:
    """One worker process, which exits when its standard input closes, so that it never outlives this process.

    Args:
        name: Identifies it to the chief.
        command: Its command line.
        log: File to which its messages are appended.
        threads: Cores it may use.
        gpu: The GPU it is to use; None: no restriction.
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
                # Ctrl-C is for this process, which then stops its workers
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
            )

    def restart(self) -> None:
        """Starts the process again."""
        self.close()
        self.process = self._start()

    def close(self) -> None:
        """Closes its standard input, at which it exits."""
        if self.process.stdin is not None:
            self.process.stdin.close()

    def last_log_line(self) -> str:
        """The last line of its log."""
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "its log is empty"


class Supervisor:
    """Watches workers: a worker that dies is restarted, and its trial is requeued."""

    def __init__(self, workers: Sequence[Worker], oracle: "ResumableOracle", log: Callable[[str], None]) -> None:
        self._workers, self._oracle, self._log = list(workers), oracle, log
        self._deaths: Counter[str] = Counter()  # by trial
        self._deaths_without_trial = 0  # since a trial ended
        self._ended = 0

    def poll(self) -> None:
        """Checks each worker.

        Raises UserError if one failed for a cause that a restart cannot remove (the disk is full, the records are
        damaged), or if they die repeatedly without a trial.
        """
        if len(self._oracle.end_order) > self._ended:
            self._ended, self._deaths_without_trial = len(self._oracle.end_order), 0
        for worker in self._workers:
            code = worker.process.poll()
            if code == 1:
                raise UserError(f"{worker.name} failed: {worker.last_log_line()}")
            if code and not self._oracle.finished():
                self._restart(worker, code)

    def _restart(self, worker: Worker, code: int) -> None:
        how = f"killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        trial_id = self._oracle.requeue(worker.name)
        self._log(f"{worker.name} was {how}; it is restarted")
        if trial_id is None:
            self._deaths_without_trial += 1
            if self._deaths_without_trial > MAX_ATTEMPTS * len(self._workers):
                raise UserError(f"{worker.name} dies before it gets a trial ({how}): {worker.last_log_line()}")
        elif code != EXIT_STOPPED:
            self._deaths[trial_id] += 1
            if self._deaths[trial_id] >= MAX_ATTEMPTS:
                self._oracle.fail(trial_id, f"{MAX_ATTEMPTS} workers died during it, the last {how}")
        worker.restart()

    def stop(self, seconds: float = 30.0) -> None:
        """Ends all workers; those that train save everything first. One that takes longer than `seconds` is killed."""
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
        count: Number of workers.
        command: Command line of each; the number of its threads is added.
        logs: Folder of their logs.
        threads: Cores that each may use; None: an equal share of those of this process.
        gpus: GPUs of this machine.
    """
    threads = threads or max(1, usable_cpus() // max(count, 1))
    command, names = [*command, "--threads", str(threads)], [f"worker-{index}" for index in range(count)]
    return [
        Worker(name, command, logs / f"{name}.log", threads, index % gpus if gpus else None)
        for index, name in enumerate(names)
    ]


def exit_with_parent() -> None:
    """Ends this process as soon as its standard input closes, that is when its parent has ended."""

    def wait() -> None:
        sys.stdin.buffer.read()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
