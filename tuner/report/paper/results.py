"""The runs of all studies of a plan as two tables: results.csv and tuning.csv. Needs no framework."""

from typing import Any

from pianoroll_tf.storage.tables import to_csv
from tuner.report.paper.data import PaperData
from tuner.study.results import result_rows, tuning_rows

FIRST = ["study", "corpus"]


def results_csv(paper: PaperData) -> bytes:
    """One row per run: study, corpus, and the columns of a study's results.csv."""
    return _joined(paper, {name: result_rows(data.study, data.runs) for name, data in paper.studies.items()})


def tuning_csv(paper: PaperData) -> bytes:
    """One row per tuning run: study, corpus, and the columns of a study's tuning.csv."""
    return _joined(paper, {name: tuning_rows(data.study, data.tuning) for name, data in paper.studies.items()})


def _joined(paper: PaperData, tables: dict[str, list[dict[str, Any]]]) -> bytes:
    """The rows of all tables with the columns of any of them."""
    columns = dict.fromkeys([name for rows in tables.values() for row in rows for name in row])
    rows = [
        {"study": study, "corpus": paper.planned(study).corpus} | dict.fromkeys(columns) | row
        for study, found in tables.items()
        for row in found
    ]
    return to_csv(rows, [*FIRST, "combination"])
