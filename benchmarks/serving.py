"""The server under load, beside one that answers with the same model one request at a time: `make bench-serve`."""

import argparse
import contextlib
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import machine
from benchmarks.fixtures import Fixtures
from benchmarks.harness import Measurements
from benchmarks.results_table import Row, number, outcome, table
from benchmarks.run import as_json, log
from benchmarks.serving_phase import Server, phase

NAME = "serving"
# Phases, one after the other, and how many clients each has; 64 again: what the others leave behind
PHASES = {"1 client": 1, "8 clients": 8, "64 clients": 64, "256 clients": 256, "64 clients again": 64}
FILLING = {"1 client, gaps": 1, "8 clients, gaps": 8}  # phases of ours alone, in which gaps are filled
GAP_STEPS, PARTICLES = 32, 16  # of a gap
MANY_CLIENTS = 64  # clients from which the goals count
WARM_UP_CLIENTS, WARM_UP_SECONDS = 8, 3.0
STEPS = 128  # of a piece: 16 s of music
NOTE = (
    "clients share the two CPUs with the server; each asks for its next piece of {steps} steps as soon as it has the"
    " last, on a connection that is kept; after 429 or 503 it waits for Retry-After and up to half as long again"
)
FILL_NOTE = f"each of {GAP_STEPS} steps, with {PARTICLES} particles, 128 steps before it and as many after it"
MEMORY_NOTE = "resident, at the end of a phase beside after its first 5 s"
HEALTH_NOTE = "asked every 50 ms on a new connection, from a process of its own, which waits for the same CPUs"


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command's flags."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--model",
        type=Path,
        default=Path("saved_models/demo"),
        help="saved_models/NAME (saved_models/demo; where that is not, an untrained one of default size)",
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="data sets, for an untrained model")
    parser.add_argument("--out", type=Path, default=Path("build/benchmarks"), help="folder of what is written")
    parser.add_argument("--seconds", type=float, default=30.0, help="of a phase (30)")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"of a piece ({STEPS})")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Measures, prints, writes; returns the exit code."""
    args, facts, begin = parse(argv), machine.machine(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pianoroll_tf-bench-") as scratch:
        model, kind = args.model, "trained"
        if not model.is_dir():
            if not (args.data / "classical-piano-midi").is_dir():
                print(f"model must be a folder (make demo makes one). Received: model={model}", file=sys.stderr)
                return 2
            log(f"{model} is not there: an untrained model is made")
            model, kind = Path(Fixtures(args.data.resolve(), Path(scratch).resolve()).model), "untrained"
        results = {NAME: measure(model.resolve(), args.seconds, args.steps)}
    lines = [outcome(row, results) for row in rows(args.steps)]
    command = f"`python -m benchmarks.serving --seconds {args.seconds:g} --steps {args.steps}`, a model that is {kind}."
    text = "\n\n".join([command, table(lines), details(results[NAME]), machine.describe(facts)]) + "\n"
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / f"{NAME}.md").write_text(text)
    (args.out / f"{NAME}.json").write_text(as_json(facts, results, lines, time.monotonic() - begin))
    print(text)
    print(f"{time.monotonic() - begin:.0f} s; written: {args.out / NAME}.md and .json")
    return 0


@contextlib.contextmanager
def servers(model: Path) -> Iterator[dict[str, Server]]:
    """Ours, with its defaults, and the naive one; both live until the end, and one at a time is asked."""
    version = max((path for path in model.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))
    commands = {
        "ours": ("-m", "pianoroll_tf.serve", str(model), "--port", "{port}"),
        "naive": ("-m", "benchmarks.serving_naive", str(version), "{port}"),
    }
    made = {}
    with contextlib.ExitStack() as closing:
        for name, command in commands.items():
            made[name] = Server(*command)
            closing.callback(made[name].close)
        yield made


def measure(model: Path, seconds: float, steps: int) -> dict[str, Measurements]:
    """All phases in turn, ours and then naive; a server that fails has the reason, the other is still measured."""
    found = {"ours": Measurements(), "naive": Measurements()}
    with servers(model) as running:
        for server in running.values():
            server.wait()
            phase(server, WARM_UP_CLIENTS, WARM_UP_SECONDS, steps)
        plan = [(name, clients, "generate", steps, list(running)) for name, clients in PHASES.items()]
        plan += [(name, clients, "infill", GAP_STEPS, ["ours"]) for name, clients in FILLING.items()]
        for name_of_phase, clients, kind, length, names in plan:
            for name in names:
                if found[name].missing:
                    continue
                log(f"{NAME}: {name}, {name_of_phase}")
                server = running[name]
                try:
                    values = phase(server, clients, seconds, length, kind)
                except (OSError, ValueError) as error:  # it has died: nobody answers, its memory cannot be read
                    found[name].missing = f"it ended with {server.process.poll()} ({error})"
                    continue
                log(f"{values['rate']:.1f} a second, /healthz at most {values['health_longest']:.0f} ms")
                found[name].values |= {f"{metric}, {name_of_phase}": [value] for metric, value in values.items()}
    return found


def rows(steps: int) -> list[Row]:
    """The lines of the table."""

    def row(name: str, metric: str, of_phase: str, unit: str, has_peer: bool = True, **options) -> Row:
        side = "{}/{}." + f"{metric}, {of_phase}"
        peer = {"peers": (side.format(NAME, "naive"),), "peer_name": "one at a time"} if has_peer else {}
        return Row(name=f"{name}, {of_phase}", unit=unit, ours=side.format(NAME, "ours"), **peer, **options)

    loaded = [name for name, clients in PHASES.items() if clients >= MANY_CLIENTS]
    goals = {name: 5.0 for name, clients in PHASES.items() if clients == MANY_CLIENTS}
    most = dict.fromkeys(goals, 100.0)
    answered = {"unit": "a second", "note": NOTE.format(steps=steps)}
    healthy = {"unit": "ms", "more": False, "note": HEALTH_NOTE}
    right = {"unit": "answers", "more": False, "has_peer": False, "at_most": 0.0}
    alone = {"unit": "ms", "has_peer": False}
    flat = {"unit": "times", "more": False, "has_peer": False, "at_most": 1.05, "note": MEMORY_NOTE}
    return [
        *(row("pieces answered", "rate", name, goal=goals.get(name), **answered) for name in PHASES),
        *(row(f"time to a piece, {q}", q, name, unit="ms", more=False) for q in ("p50", "p99") for name in PHASES),
        *(row("`/healthz`, longest", "health_longest", name, at_most=most.get(name), **healthy) for name in PHASES),
        *(row("time in the model", "model_share", name, "of all the CPUs' time", has_peer=False) for name in PHASES),
        *(row("answers but 200, 429, 503", "wrong", name, **right) for name in loaded),
        *(row("memory kept", "growth", name, **flat) for name in loaded),
        *(row("gaps filled", "rate", name, "a second", has_peer=False, note=FILL_NOTE) for name in FILLING),
        *(row(f"time to a filled gap, {q}", q, name, more=False, **alone) for q in ("p50", "p99") for name in FILLING),
        *(row("`/healthz`, longest", "health_longest", name, more=False, **alone) for name in FILLING),
        *(row("answers but 200, 429, 503", "wrong", name, **right) for name in FILLING),
    ]


COLUMNS = {
    "answers/s": "rate",
    "p50 ms": "p50",
    "p99 ms": "p99",
    "200": "status 200",
    "429": "status 429",
    "503": "status 503",
    "other": "wrong",
    "`/healthz` p99 ms": "health_p99",
    "longest ms": "health_longest",
    "loop late p99 ≤ ms": "loop_p99",
    "longest ≤ ms": "loop_longest",
    "MiB at first": "rss_begin",
    "after 5 s": "rss_settled",
    "at last": "rss_end",
    "CPUs, server": "server_cpu",
    "CPUs, clients": "cpu",
    "CPUs, others": "other_cpu",
    "model": "model_share",
    "rows a round": "rows",
}


def details(found: dict[str, Measurements]) -> str:
    """Every phase, in the order in which they came, in a table of its own."""
    head = ["", *COLUMNS]
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, ["---", *["---:"] * len(COLUMNS)])]
    for of_phase in (*PHASES, *FILLING):
        for name, measured in found.items():
            if name != "ours" and of_phase in FILLING:
                continue
            cells = [_cell(metric, measured.values.get(f"{metric}, {of_phase}")) for metric in COLUMNS.values()]
            lines.append("| " + " | ".join([f"{name}, {of_phase}", *cells]) + " |")
    lines += [f"\n{name}: {measured.missing}" for name, measured in found.items() if measured.missing]
    words = (
        "late: how late the server's own loop was for a task every 20 ms, by the bounds of its histogram; model: time"
        " that drawing threads were in the model, of all that the CPUs had; rows a round: pieces drawn at once;"
        " others: other programs on the machine, which should have been idle."
    )
    return "\n".join([*lines, "", words])


def _cell(metric: str, values: list[float] | None) -> str:
    if not values:
        return ""
    if metric.startswith(("rss", "status")):
        return f"{values[0]:,.0f}"
    return f"{values[0]:.0%}" if metric == "model_share" else number(values[0])


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers and scratch do not stay behind
    sys.exit(main())
