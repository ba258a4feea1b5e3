"""What a search takes beside the training of its trials: proposing, bookkeeping, tables, TensorBoard's logs."""

import contextlib
import io
import itertools
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Experiment, Side
from benchmarks.rows import Row
from benchmarks.worker import Stopwatch, tensorflow_as_ours

TRIALS = 4
MINUTE_SHARE = 3.0  # seconds: 5 % of a trial of a minute
SMALL = ("conv_filters=16", "gru_units=16", "recurrent=gru")


def overhead(records: str, scratch: str, tuner: str) -> Iterator[dict[str, float]]:
    """Seconds a trial of a whole `tuner.search` but for the calls of `train`.

    Args:
        records: Folder of records.
        scratch: Folder for the searches.
        tuner: Who proposes.
    """
    tensorflow_as_ours()
    from tuner import training
    from tuner.search import __main__ as search

    train, trained = training.train, 0.0

    def timed(*args, **kwargs):
        nonlocal trained
        watch = Stopwatch()
        try:
            return train(*args, **kwargs)
        finally:
            trained += watch.lap()

    training.train = timed
    fixed = [word for entry in SMALL for word in ("--fix", entry)]
    yield {"trials": TRIALS}
    for number in itertools.count():
        folder = str(Path(scratch) / f"{tuner}-{number}")
        trained, watch = 0.0, Stopwatch()
        words = [records, folder, "--tuner", tuner, "--max-trials", str(TRIALS), "--epochs", "1", *fixed]
        with contextlib.redirect_stdout(io.StringIO()):
            code = search.main(words)
        whole = watch.lap()
        if code:
            raise RuntimeError(f"tuner.search left with {code}")
        yield {"seconds": (whole - trained) / TRIALS, "training": trained / TRIALS}


def experiments(materials) -> Iterator[Experiment]:
    """The experiment `searching`."""
    places = {"records": materials.records, "scratch": materials.folder("searches")}
    side = Side(function="benchmarks.searching:overhead", arguments=places | {"tuner": "bayesian"})
    yield Experiment(name="searching", sides={"bayesian": side}, repeats=materials.repeats(2))


def rows() -> list[Row]:
    """Its line of the table."""
    return [
        Row(
            name="search, time of a trial beside its training",
            unit="s",
            ours="searching/bayesian.seconds",
            at_most=MINUTE_SHARE,
            more=False,
            note=f"{TRIALS} trials proposed by `--tuner bayesian`; 3 s are 5 % of a trial of a minute",
        )
    ]
