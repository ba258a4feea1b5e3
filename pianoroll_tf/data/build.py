"""Builds a folder of records from MIDI files: find, read, choose, write, rename."""

import contextlib
import dataclasses
import errno
import functools
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.conversion import Piece
from pianoroll_tf.data.discover import FoundFile, printable
from pianoroll_tf.data.engine import Engine, Processes, conversion_settings
from pianoroll_tf.data.existing_records import existing_manifest
from pianoroll_tf.data.given_splits import from_folders, from_table, identity, in_common_folder, outside_of_folders
from pianoroll_tf.data.grid import decide
from pianoroll_tf.data.inputs import Input
from pianoroll_tf.data.journal import Journal
from pianoroll_tf.data.manifest import skipped_by_reason
from pianoroll_tf.data.records import MANIFEST
from pianoroll_tf.data.shards import write_records
from pianoroll_tf.data.splits import choose
from pianoroll_tf.errors import UserError
from pianoroll_tf.progress import NoProgress
from pianoroll_tf.storage.folders import check_folder, remove_work_folder, whole_folder, work_folder

# Errors of a write to an open file, which name no file
WRITE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def build(
    midi: Path | str,
    records_dir: Path,
    config: RecordsConfig,
    workers: int = 1,
    overwrite: bool = False,
    progress: type[NoProgress] = NoProgress,
    follow_links: bool = False,
    engine: Engine | None = None,
) -> tuple[dict[str, Any], bool]:
    """Builds the records, resuming an interrupted build with the same settings.

    Args:
        midi: Folder of MIDI files, archive (.zip, .tar, .tar.gz, .tgz), or text file of paths (.txt); or what
            `engine` opens.
        records_dir: Folder to create; it appears whole, by a rename.
        config: Settings of the records.
        workers: Number of processes that read files.
        overwrite: Whether to replace records that were made of other files or with other settings.
        progress: `Progress` shows progress on stderr.
        follow_links: Whether to follow links in the folder.
        engine: What does the work; default: `workers` processes of this machine.

    Returns:
        `(manifest, is_new)`; `is_new` is False if the records were up to date already. The manifest of new records
        comes without `files`, which may be many.

    Raises:
        UserError: No file can be used, or `records_dir` holds something else.
        OSError: A folder cannot be read or written.
    """

    def up_to_date() -> dict[str, Any] | None:
        """The manifest of existing records; None if they do not exist or are to be replaced."""
        # Hidden files are not overlooked, as the whole folder is going to be replaced.
        if not check_folder(records_dir, "a folder of records", MANIFEST, allow_hidden=False) or overwrite:
            return None
        return existing_manifest(records_dir, source, config, progress)

    records_dir = records_dir.resolve()
    table = None if config.splits in ("auto", "music", "folders") else Path(config.splits)
    given = None
    if table is not None:
        given = from_table(table)
        config = dataclasses.replace(config, splits=identity(table))
    engine = engine or Processes(workers)
    source = _Limited(
        engine.open_input(midi, config.include, follow_links), config.limit
    )  # raises if there are no files
    if manifest := up_to_date():
        remove_work_folder(records_dir)
        return manifest, False
    with _name_write_errors(records_dir), work_folder(records_dir) as folder:
        if manifest := up_to_date():  # another process has just built them
            shutil.rmtree(folder)
            return manifest, False
        grid, decision, outside = config.grid, "", ""
        if grid == "auto":
            beats = dataclasses.replace(config, grid="beats")
            with _converted(folder, source, beats, engine, progress) as journal:
                pieces = (json.loads(facts) for (facts,) in journal.rows("evidence", "record IS NOT NULL"))
                grid, decision = decide(pieces)
        resolved = dataclasses.replace(config, grid=grid)
        with _converted(folder, source, resolved, engine, progress) as journal:
            if config.splits in ("auto", "folders"):
                paths = _usable(journal)
                given = from_folders(paths, required=config.splits == "folders")
                outside = outside_of_folders(paths) if given is None else ""
            elif given is not None:
                given = in_common_folder(given, _usable(journal))
            choose(journal, config, given)
            with whole_folder(records_dir, folder / "records") as whole:
                write = functools.partial(engine.write_shards, work=folder)
                manifest = write_records(journal, config, grid, whole, decision, outside, write)
        shutil.rmtree(folder)
    return manifest, True


@contextlib.contextmanager
def _name_write_errors(records_dir: Path) -> Iterator[None]:
    """Turns a failed write of the block into a UserError that names the folder."""
    try:
        yield
    except sqlite3.Error as error:
        raise UserError(f"cannot write beside {records_dir}: {error}") from error
    except OSError as error:
        if error.filename is None and error.errno in WRITE_ERRORS:
            raise UserError(f"cannot write beside {records_dir}: {error.strerror}") from error
        raise


@contextlib.contextmanager
def _converted(
    folder: Path, source: Input, config: RecordsConfig, engine: Engine, progress: type[NoProgress]
) -> Iterator[Journal]:
    """Yields the journal with a row for every file, on one grid; each grid has its own journal.

    Raises:
        UserError: No file can be used; `folder` is removed.
    """
    path = folder / f"{engine.name}-{config.grid}.sqlite"
    with contextlib.closing(Journal(path, conversion_settings(config))) as journal:
        _convert_missing(journal, source, config, engine, folder, progress)
        if not journal.count("reason = ''"):
            skipped = skipped_by_reason(journal)
            shutil.rmtree(folder)
            reasons = ", ".join(f"{count} {reason}" for reason, count in skipped.items())
            raise UserError(
                f"none of the {sum(skipped.values())} files of {printable(str(source.path))} can be used: {reasons}"
            )
        yield journal


class _Limited:
    """The first files of an input, by name."""

    def __init__(self, source: Input, limit: int | None) -> None:
        self.path, self._source, self._limit = source.path, source, limit
        self.stamp, self.sources = source.stamp, source.sources

    def found(self) -> Iterator[FoundFile]:
        """See `data.inputs.Input`."""
        return islice(self._source.found(), self._limit)


def _usable(journal: Journal) -> list[str]:
    """Paths of the files that can be used."""
    return [os.fsdecode(path) for (path,) in journal.rows("path", "reason = ''")]


def _convert_missing(
    journal: Journal,
    source: Input,
    config: RecordsConfig,
    engine: Engine,
    folder: Path,
    progress: type[NoProgress],
) -> None:
    """Brings the journal up to date: one row per file. Only files that are being read are held in memory."""
    found = ((file.path, source.stamp(file.path) + file.reason, file.reason) for file in source.found())
    total = journal.keep_only(found)

    def missing() -> Iterator[tuple[str, str]]:
        for path, stamp, reason in journal.missing():
            if reason:
                journal.add(path, stamp, Piece(reason=reason))
                bar.update()
            else:
                yield path, stamp

    with progress(total, "files") as bar:
        bar.update(journal.count())
        for path, piece, place in engine.convert(source, missing(), config, folder):
            journal.add(path, journal.stamp(path), piece, place)
            bar.update()
    journal.commit()
