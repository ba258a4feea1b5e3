"""The overhead of a search beside the training of its trials: proposals, bookkeeping, tables, TensorBoard logs."""

import contextlib
import io
import itertools
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Experiment, Variant
from benchmarks.results_table import Row
from benchmarks.worker import Stopwatch, import_tensorflow

TRIALS = 4
MAX_SECONDS = 3.0  # 5 % of a trial of one minute
SMALL = ("conv_filters=16", "gru_units=16", "recurrent=gru")


def overhead(records: str, scratch: str, tuner: str) -> Iterator[dict[str, float]]:
    """Seconds per trial of a whole `tuner.search`, without the calls of `train`.

    Args:
        records: Folder of records.
        scratch: Folder for the searches.
        tuner: Entry of the table of tuners.
    """
    import_tensorflow()
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
            raise RuntimeError(f"tuner.search ended with exit code {code}")
        yield {"seconds": (whole - trained) / TRIALS, "training": trained / TRIALS}


def experiments(fixtures) -> Iterator[Experiment]:
    """The experiment `searching`."""
    folders = {"records": fixtures.records, "scratch": fixtures.folder("searches")}
    variant = Variant(function="benchmarks.rows.searching:overhead", arguments=folders | {"tuner": "bayesian"})
    yield Experiment(name="searching", variants={"bayesian": variant}, repeats=fixtures.repeats(2))


def rows() -> list[Row]:
    """Its row of the table."""
    return [
        Row(
            name="search, time of a trial beside its training",
            unit="s",
            ours="searching/bayesian.seconds",
            at_most=MAX_SECONDS,
            more=False,
            note=f"{TRIALS} trials proposed by `--tuner bayesian`; 3 s is 5 % of a trial of one minute",
        )
    ]
