"""Trains the run of `tiny_run` on several workers, each a process; as a script, is one of them.

TF_CONFIG=… python team_run.py RECORDS RUN CHECKPOINT_SECONDS [SECTION.NAME=JSON ...] [kill=BATCH] …
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from repository import ROOT

from pianoroll_tf import cli
from pianoroll_tf.tensorflow_startup import import_tensorflow


def free_ports(count: int) -> list[int]:
    """Ports on which nothing listens now."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [server.getsockname()[1] for server in servers]


def environments(addresses: Sequence[str]) -> list[dict[str, str]]:
    """The environment of each worker."""
    base = os.environ | {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'support'}",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "2",
    }
    return [
        base | {"TF_CONFIG": json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})}
        for index in range(len(addresses))
    ]


class Workers:
    """Processes of workers.

    Args:
        addresses: "host:port" of each.
        arguments: Those of this script, for each worker or for all.
        wrap: (worker, words) → the words that run a command where the worker is; default: here.
    """

    def __init__(
        self,
        addresses: Sequence[str],
        arguments: Callable[[int], Sequence[object]],
        wrap: Callable[[int, list[str]], list[str]] = lambda _, words: words,
    ) -> None:
        script = str(ROOT / "tests" / "support" / "team_run.py")
        self.processes = [
            subprocess.Popen(
                wrap(index, [sys.executable, script, *map(str, arguments(index))]),
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for index, environment in enumerate(environments(addresses))
        ]

    def wait(self, seconds: float = 100) -> list[tuple[int, str, str]]:
        """Exit code, standard output and error of each worker when all have ended."""
        results = []
        for process in self.processes:
            out, err = process.communicate(timeout=seconds)
            results.append((process.returncode, out, err))
        return results

    def kill(self) -> None:
        """Ends all that still run."""
        for process in self.processes:
            process.kill()
            process.communicate()


@contextlib.contextmanager
def workers(*args, **kwargs) -> Iterator[Workers]:
    """`Workers` that have ended after the context."""
    made = Workers(*args, **kwargs)
    try:
        yield made
    finally:
        made.kill()


def local_workers(count: int, arguments: Callable[[int], Sequence[object]]) -> AbstractContextManager[Workers]:
    """`workers` on this host."""
    return workers([f"127.0.0.1:{port}" for port in free_ports(count)], arguments)


def wait_for(path: Path, seconds: float = 60) -> None:
    """Returns when there is a file."""
    limit = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > limit:
            raise TimeoutError(f"there is no {path}")
        time.sleep(0.02)


def body(args) -> None:
    """Trains as one of the workers.

    `kill` and `stop` are numbers of batches after which a signal comes to this worker, `pause` and `heartbeat` seconds.
    """
    import_tensorflow()
    from tiny_run import changes, tiny_config

    from pianoroll_tf.modeling import replica_step, step_loop, team
    from pianoroll_tf.modeling.multi_worker import train_together

    own = {name: float(value) for name, _, value in (text.partition("=") for text in args.settings) if "." not in name}
    settings = changes([text for text in args.settings if "." in text.partition("=")[0]])
    done = 0

    def make_step(*args):
        step = replica_step.make_step(*args)

        def counted(*args):
            nonlocal done
            result = step(*args)
            done += 1
            time.sleep(own.get("pause", 0))
            for name, number in (("kill", signal.SIGKILL), ("stop", signal.SIGTERM)):
                if own.get(name) == done:
                    os.kill(os.getpid(), number)
            return result

        return counted

    step_loop.make_step = make_step
    team.HEARTBEAT_SECONDS = int(own.get("heartbeat", team.HEARTBEAT_SECONDS))
    joined = team.join()
    config = joined.all_succeed(lambda: tiny_config(args.records, **settings))
    state = train_together(joined, config, args.run, checkpoint_seconds=args.seconds, quiet=True)
    print(state.finished)


def main() -> int:
    """Runs the script."""
    parser = cli.make_parser("team_run", "One of several workers.")
    parser.add_argument("records", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("seconds", type=float)
    parser.add_argument("settings", nargs="*")
    return cli.run(body, parser, None)


if __name__ == "__main__":
    sys.exit(main())
