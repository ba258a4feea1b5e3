"""Builds a folder of records from a folder of MIDI files: find, read, choose, write, rename."""

import contextlib
import dataclasses
import errno
import importlib.metadata
import json
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from pianoroll_tf import __version__
from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.conversion import Piece
from pianoroll_tf.data.discover import Found, find_files
from pianoroll_tf.data.existing_records import existing_manifest
from pianoroll_tf.data.grid import Evidence, decide
from pianoroll_tf.data.journal import Journal, stamp
from pianoroll_tf.data.records import FORMAT, MANIFEST
from pianoroll_tf.data.shards import choose, skipped_by_reason, write_records
from pianoroll_tf.data.workers import convert_all
from pianoroll_tf.errors import UserError
from pianoroll_tf.progress import Progress
from pianoroll_tf.settings import to_dict
from pianoroll_tf.storage.folders import check_folder, remove_work_folder, whole_folder, work_folder

READING = ("grid", "steps_per_second", "steps_per_beat", "parser", "drums", "pedal")  # settings a record depends on

WRITE_FAILURES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # what a write to an open file fails with


def build(
    midi_dir: Path, records_dir: Path, config: RecordsConfig, workers: int = 1, overwrite: bool = False
) -> tuple[dict[str, Any], bool]:
    """Makes the records, going on where an earlier build of the same settings was ended.

    Args:
        midi_dir: Folder of MIDI files.
        records_dir: Folder to make; appears whole, by rename.
        config: Settings.
        workers: Processes that read.
        overwrite: Whether to replace records that were made of other files or with other settings.

    Returns:
        `(manifest, made)`; `made` is false if the same records stood there already. The manifest of a folder that
        was made comes without `files`, which may be many.

    Raises:
        UserError: Nothing can be used, or something else stands there.
        OSError: A folder cannot be read or written.
    """
    records_dir = records_dir.resolve()
    _found(midi_dir, config)  # refuses a folder without MIDI files before anything is made
    if _has_records(records_dir) and not overwrite:
        manifest = existing_manifest(records_dir, midi_dir, list(_found(midi_dir, config)), config)
        remove_work_folder(records_dir)
        return manifest, False
    with _write_errors(records_dir), work_folder(records_dir) as place:
        if not overwrite and _has_records(records_dir):  # another build has just made it
            manifest = existing_manifest(records_dir, midi_dir, list(_found(midi_dir, config)), config)
            shutil.rmtree(place)
            return manifest, False
        decision = None
        if config.grid == "auto":
            with _read(place, midi_dir, dataclasses.replace(config, grid="beats"), workers) as journal:
                decision = decide(_evidence(journal))
        grid = decision.grid if decision else config.grid
        with _read(place, midi_dir, dataclasses.replace(config, grid=grid), workers) as journal:
            choose(journal, config)
            with whole_folder(records_dir, place / "records") as whole:
                manifest = write_records(journal, config, grid, whole, str(decision or ""))
        shutil.rmtree(place)
    return manifest, True


def _has_records(records_dir: Path) -> bool:
    """Whether the folder holds records already; raises UserError if it holds anything else, hidden files too."""
    return check_folder(records_dir, "a folder of records", MANIFEST, allow_hidden=False)


@contextlib.contextmanager
def _write_errors(records_dir: Path) -> Iterator[None]:
    """Within it, a failed write names the folder that cannot be written."""
    try:
        yield
    except sqlite3.Error as error:
        raise UserError(f"cannot write beside {records_dir}: {error}") from error
    except OSError as error:
        if error.filename is None and error.errno in WRITE_FAILURES:
            raise UserError(f"cannot write beside {records_dir}: {error.strerror}") from error
        raise


@contextlib.contextmanager
def _read(place: Path, midi_dir: Path, config: RecordsConfig, workers: int) -> Iterator[Journal]:
    """The journal with a row for every file, on one grid; each grid has a journal of its own.

    Raises:
        UserError: No file can be used; nothing is left behind.
    """
    with contextlib.closing(_journal(place, config)) as journal:
        _read_all(journal, midi_dir, _found(midi_dir, config), config, workers)
        _refuse_empty(journal, midi_dir, place)
        yield journal


def _found(midi_dir: Path, config: RecordsConfig) -> Iterator[Found]:
    """The files of a build, found anew for each reading: there may be too many for a list."""
    return islice(find_files(midi_dir, config.include), config.limit)


def _evidence(journal: Journal) -> Iterator[Evidence]:
    """What each piece says about its beats."""
    for places, recurrence in journal.rows("onset_places, bar_recurrence", "record IS NOT NULL"):
        yield Evidence(tuple(json.loads(places)), *json.loads(recurrence))


def _journal(place: Path, config: RecordsConfig) -> Journal:
    settings = {name: value for name, value in to_dict(config).items() if name in READING}
    versions = {"package": __version__, "parser": importlib.metadata.version(config.parser)}
    return Journal(place / f"journal-{config.grid}.sqlite", {"format": FORMAT, **settings, "versions": versions})


def _refuse_empty(journal: Journal, midi_dir: Path, place: Path) -> None:
    """Raises UserError, and leaves nothing behind, if no file can be used."""
    if next(journal.rows("1", "reason = ''"), None):
        return
    skipped = skipped_by_reason(journal)
    shutil.rmtree(place)
    reasons = ", ".join(f"{count} {reason}" for reason, count in skipped.items())
    raise UserError(f"none of the {sum(skipped.values())} files of {midi_dir} can be used: {reasons}")


def _read_all(journal: Journal, midi_dir: Path, found: Iterable[Found], config: RecordsConfig, workers: int) -> None:
    """Brings the journal to one row a file; remembers only the files that are being read and those without use."""
    useless: list[tuple[Found, str]] = []
    total = 0

    def stamps() -> Iterator[tuple[str, str]]:
        nonlocal total
        for file in found:
            total += 1
            mark = stamp(midi_dir / file.path)
            if file.reason:
                useless.append((file, mark))
            yield file.path, mark

    journal.keep_only(stamps())
    for file, mark in useless:
        if file.path not in journal:
            journal.add(file.path, mark, Piece(reason=file.reason))
    reading: dict[str, tuple[str, str]] = {}

    def waiting() -> Iterator[str]:
        for path, mark in journal.missing():
            whole = os.fspath(midi_dir / path)
            reading[whole] = path, mark
            yield whole

    with Progress(total, "files") as progress:
        progress.update(journal.count())
        for whole, piece in convert_all(waiting(), config, workers):
            journal.add(*reading.pop(whole), piece)
            progress.update()
    journal.commit()
