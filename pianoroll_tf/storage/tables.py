"""Tables as CSV files: written with all digits of every number, read as numbers."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pianoroll_tf.storage.files import write_changed


def to_csv(rows: Sequence[dict[str, Any]], columns: Sequence[str] = ()) -> bytes:
    r"""Serializes rows of the same keys to CSV: None becomes an empty cell, a number keeps all its digits.

    The keys are the names of the columns; if there is no row, these are `columns`.

    >>> to_csv([{"epoch": 1, "loss": 1 / 3}, {"epoch": 2, "loss": None}])
    b'epoch,loss\n1,0.3333333333333333\n2,\n'
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0] if rows else columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def write_csv(path: Path, rows: Sequence[dict[str, Any]], columns: Sequence[str] = ()) -> None:
    """Writes the rows as `to_csv` serializes them, unless the file has this content already."""
    write_changed(path, to_csv(rows, columns))


def read_csv(path: Path | str) -> list[dict[str, Any]]:
    """Reads a CSV file, one dict per row: numbers as float, empty cells as None."""
    with Path(path).open(newline="", encoding="utf-8") as file:
        return [{name: _parse_cell(text) for name, text in row.items()} for row in csv.DictReader(file)]


def _parse_cell(text: str) -> float | str | None:
    try:
        return float(text) if text else None
    except ValueError:
        return text
