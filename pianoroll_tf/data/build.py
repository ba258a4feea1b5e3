"""Builds a folder of records from a folder of MIDI files: read, choose, write, rename."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pianoroll_tf.cli import Progress
from pianoroll_tf.config import RecordsConfig, to_dict
from pianoroll_tf.data.conversion import Piece, convert
from pianoroll_tf.data.discover import Found, find_files
from pianoroll_tf.data.journal import Journal, stamp
from pianoroll_tf.data.records import FORMAT
from pianoroll_tf.data.shards import choose, sync_folder, write_records

READING = ("grid", "steps_per_second", "steps_per_beat", "parser", "drums", "pedal")  # settings a record depends on


def build(midi_dir: Path, records_dir: Path, config: RecordsConfig, workers: int) -> dict[str, Any]:
    """Makes the records, going on where an earlier build of the same settings was ended.

    Returns:
        The manifest.
    """
    found = find_files(midi_dir, config.include)[: config.limit]
    partial = records_dir.parent / f".{records_dir.name}.partial"
    partial.mkdir(parents=True, exist_ok=True)
    settings = {name: value for name, value in to_dict(config).items() if name in READING}
    journal = Journal(partial / "journal.sqlite", {"format": FORMAT, **settings})
    try:
        _read_all(journal, os.fsencode(midi_dir), found, config, workers)
        choose(journal, config)
        whole = partial / "records"
        shutil.rmtree(whole, ignore_errors=True)
        whole.mkdir()
        manifest = write_records(journal, config, whole)
    finally:
        journal.close()
    whole.rename(records_dir)
    sync_folder(records_dir.parent)
    shutil.rmtree(partial)
    return manifest


def _read_all(journal: Journal, root: bytes, found: list[Found], config: RecordsConfig, workers: int) -> None:
    stamps = {file.path: stamp(os.path.join(root, file.path)) for file in found}
    journal.keep_only(stamps.items())
    with Progress(len(found), "files") as progress:
        left = []
        for file in found:
            if file.path in journal:
                progress.update()
            elif file.reason:
                journal.add(file.path, stamps[file.path], Piece(reason=file.reason))
                progress.update()
            else:
                left.append(file.path)
        for path, piece in _convert_all(root, left, config, workers):
            journal.add(path, stamps[path], piece)
            progress.update()
    journal.commit()


def _convert_all(root: bytes, paths: list[bytes], config: RecordsConfig, workers: int) -> Iterator[tuple[bytes, Piece]]:
    for path in paths:
        yield path, convert(os.path.join(root, path), config)
