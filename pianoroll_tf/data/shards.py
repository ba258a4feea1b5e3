"""Writes the shards of the splits and the manifest from a journal, into a folder that is not yet under its final name."""

import hashlib
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from pianoroll_tf.config import NUM_PITCHES, RecordsConfig, dumps, to_dict
from pianoroll_tf.data.discover import readable
from pianoroll_tf.data.journal import Journal
from pianoroll_tf.data.records import FORMAT, MANIFEST, SPLITS, shard_name
from pianoroll_tf.data.splits import assign
from pianoroll_tf.data.tfrecord import frame

COUNTED = ("pieces", "notes", "notes_outside_range", "steps", "active_cells", "milliseconds")


def choose(journal: Journal, config: RecordsConfig) -> None:
    """Leaves out files whose music another file already has, and gives the others their splits.

    Of files with the same music the one with the smallest sha256 stays, so that neither names nor order matter.
    """
    journal.database.execute(
        """UPDATE files SET reason = 'same notes as: ' || first.reason FROM (
             SELECT path, row_number() OVER same AS place, '' AS reason FROM files WHERE record IS NOT NULL
             WINDOW same AS (PARTITION BY content ORDER BY sha256, path)) AS first
           WHERE files.path = first.path AND first.place > 1"""
    )
    for path, content in list(journal.rows("path, content", "record IS NOT NULL AND reason != ''")):
        where = f"content = '{content}' AND reason = '' AND record IS NOT NULL"
        (kept,) = next(journal.rows("path", where))
        reason = f"same notes as: {readable(kept)}"
        journal.database.execute("UPDATE files SET reason = ? WHERE path = ?", (reason, path))
    splits = assign([sha256 for (sha256,) in journal.rows("sha256", "reason = ''", "sha256")], config)
    journal.database.executemany(
        "UPDATE files SET split = ? WHERE sha256 = ? AND reason = ''",
        ((split, sha256) for sha256, split in splits.items()),
    )
    journal.commit()


def write_records(journal: Journal, config: RecordsConfig, folder: Path) -> dict[str, Any]:
    """Writes all shards and the manifest into `folder` and has them on disk when it returns.

    Returns:
        The manifest.
    """
    splits = {split: _write_split(journal, split, config.shards, folder) for split in SPLITS}
    manifest = {
        "format": FORMAT,
        "settings": to_dict(config),
        "totals": _totals(journal, splits),
        "splits": splits,
        "files": [_file_entry(*row) for row in journal.rows("path, sha256, reason, notes, split")],
    }
    with open(folder / MANIFEST, "wb") as file:
        file.write(dumps(manifest).encode())
        _flush(file)
    sync_folder(folder)
    return manifest


def _file_entry(path: bytes, sha256: str, reason: str, notes: int, split: str) -> dict[str, Any]:
    status = "skipped" if reason else "used"
    facts = {"sha256": sha256 or None, "reason": reason or None, "split": split or None}
    return {"path": readable(path), "status": status, "notes": notes, **facts}


def _totals(journal: Journal, splits: dict[str, dict]) -> dict[str, Any]:
    totals = {name: sum(split[name] for split in splits.values()) for name in COUNTED}
    skipped = Counter(reason.split(":")[0] for (reason,) in journal.rows("reason", "reason != ''"))
    cells = totals["steps"] * NUM_PITCHES
    return {
        **totals,
        "hours": round(totals["milliseconds"] / 3_600_000, 4),
        "density": totals["active_cells"] / cells if cells else 0.0,
        "files": totals["pieces"] + sum(skipped.values()),
        "skipped": dict(sorted(skipped.items())),
        "tempo_ignored": sum(flag for (flag,) in journal.rows("tempo_ignored", "split != ''")),
    }


def _write_split(journal: Journal, split: str, shards: int, folder: Path) -> dict[str, Any]:
    """Pieces sorted by sha256, in contiguous shards of nearly equal numbers of pieces."""
    rows = journal.rows(f"{', '.join(COUNTED[1:])}, pitch_counts, record", f"split = '{split}'", "sha256")
    (pieces,) = next(iter(journal.database.execute("SELECT count(*) FROM files WHERE split = ?", (split,))))
    shards = min(shards, pieces)
    entry: dict[str, Any] = dict.fromkeys(COUNTED, 0) | {"shards": []}
    pitch_counts = np.zeros(NUM_PITCHES, np.int64)
    for index in range(shards):
        begin, end = pieces * index // shards, pieces * (index + 1) // shards
        shard = dict.fromkeys(COUNTED, 0) | {"pieces": end - begin, "name": shard_name(split, index, shards)}
        with open(folder / shard["name"], "wb") as file:
            digest = hashlib.sha256()
            for _ in range(end - begin):
                *numbers, pitches, record = next(rows)
                for name, number in zip(COUNTED[1:], numbers, strict=True):
                    shard[name] += number
                pitch_counts += np.array(json.loads(pitches), np.int64)
                framed = frame(record)
                digest.update(framed)
                file.write(framed)
            _flush(file)
            shard |= {"bytes": file.tell(), "sha256": digest.hexdigest()}
        for name in COUNTED:
            entry[name] += shard[name]
        entry["shards"].append(shard)
    return entry | {"pitch_counts": pitch_counts.tolist()}


def _flush(file) -> None:
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Has the folder's names on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
