"""Opens a split in memory or as a stream, as the setting says or as the size of the records demands."""

import os
from pathlib import Path
from typing import Any

from pianoroll_tf.data.loading import Corpus, load_corpus
from pianoroll_tf.data.records import read_manifest
from pianoroll_tf.data.stream import Stream
from pianoroll_tf.system import available_memory

SHARE = 4  # a training split that takes more than this part of the available memory is not loaded
_STEP_BYTES = 35  # 28 of the bits, 4 + 2 of the clock, 1 of the counts; loading needs about as much again for a moment


def memory_bytes(manifest: dict[str, Any]) -> int:
    """About how many bytes the training split takes in memory.

    >>> memory_bytes({"splits": {"train": {"steps": 100, "active_cells": 400}}})
    3900
    """
    split = manifest["splits"]["train"]
    return _STEP_BYTES * split["steps"] + split["active_cells"]


def streams(setting: str, records_dir: str | os.PathLike) -> bool:
    """Whether splits are read from disk, by `DatasetConfig.stream`.

    "auto": if the training split takes more than a quarter of the memory that is available now.

    Raises:
        UserError: The folder holds no records.
    """
    if setting != "auto":
        return setting == "yes"
    available = available_memory()
    return available is not None and memory_bytes(read_manifest(records_dir)) > available // SHARE


def open_split(records_dir: str | os.PathLike, split: str, stream: bool) -> Corpus | Stream:
    """The split of a folder of records, in memory or as a stream; errors as `load_corpus`."""
    return Stream(records_dir, split) if stream else load_corpus(records_dir, split)


def said(records_dir: str | os.PathLike, setting: str) -> str:
    """One line that says why the data are read from disk."""
    size = memory_bytes(read_manifest(records_dir))
    why = "by --stream yes" if setting == "yes" else f"as that is over 1/{SHARE} of the memory available at its start"
    return f"the pieces are read from {Path(records_dir)} while they are needed ({_megabytes(size)} in memory), {why}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
