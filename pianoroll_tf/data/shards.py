"""Chooses the pieces of a journal, and writes them as shards with a manifest."""

import hashlib
import json
import os
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from pianoroll_tf.config import NUM_PITCHES, RecordsConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.conversion import MAX_HOLD
from pianoroll_tf.data.discover import printable
from pianoroll_tf.data.journal import Journal
from pianoroll_tf.data.records import FORMAT, MANIFEST, SPLITS, decode_piece, shard_name, write_manifest
from pianoroll_tf.data.rhythm import UsualOnsets, positions_in_beat
from pianoroll_tf.data.splits import MIN_PIECES, assign, empty_splits, split_by_hash
from pianoroll_tf.data.tfrecord import frame
from pianoroll_tf.settings import to_dict
from pianoroll_tf.storage.files import flush

SUMMED = ("pieces", "notes", "notes_outside_range", "steps", "active_cells", "milliseconds")


def choose(journal: Journal, config: RecordsConfig) -> None:
    """Skips duplicates, and assigns the other pieces to splits.

    Files are duplicates if their rolls are equal. The one with the smallest sha256 is kept, so neither names nor order
    matter.
    """
    duplicates, first, kept = [], "", b""
    for path, content in journal.rows("path, content", "record IS NOT NULL", "content, sha256, path"):
        if content == first:
            duplicates.append((f"duplicate: same roll as {printable(os.fsdecode(kept))}", path))
        else:
            first, kept = content, path
    journal.database.executemany("UPDATE files SET reason = ? WHERE path = ?", duplicates)
    _assign_splits(journal, config)
    journal.commit()


def _assign_splits(journal: Journal, config: RecordsConfig) -> None:
    """Assigns every piece to a split, holding all of them in memory only if a split would be empty."""
    journal.database.create_function("split_by_hash", 1, lambda music: split_by_hash(music, config), deterministic=True)
    journal.database.execute("UPDATE files SET split = split_by_hash(music) WHERE reason = ''")
    filled = [split for split in SPLITS if journal.count(f"split = '{split}'")]
    several = len(list(islice(journal.rows("DISTINCT music", "reason = ''", "music"), MIN_PIECES))) == MIN_PIECES
    if several and not empty_splits(filled, config):
        return
    splits = assign([music for (music,) in journal.rows("DISTINCT music", "reason = ''", "music")], config)
    chosen = ((split, music) for music, split in splits.items())
    journal.database.executemany("UPDATE files SET split = ? WHERE music = ? AND reason = ''", chosen)


def skipped_by_reason(journal: Journal) -> dict[str, int]:
    """Number of skipped files by the part of their reason before the colon; the most frequent first."""
    counts = Counter(reason.split(":")[0] for (reason,) in journal.rows("reason", "reason != ''"))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def write_records(
    journal: Journal, config: RecordsConfig, grid: str, folder: Path, decision: str = ""
) -> dict[str, Any]:
    """Writes all shards and the manifest, flushed to disk.

    Args:
        journal: Pieces with their splits, as `choose` leaves them.
        config: Settings of the build.
        grid: The grid of the pieces.
        folder: An empty folder.
        decision: Why `--grid auto` chose this grid, in words; empty if the grid was set.

    Returns:
        The manifest without its `files`, which may be many.
    """
    steps_per_beat = config.steps_per_beat if grid == "beats" else None
    splits = {
        split: _write_split(journal, split, config.shards, folder) | _music(journal, split, steps_per_beat)
        for split in SPLITS
    }
    manifest = {
        "format": FORMAT,
        "settings": to_dict(config),
        "grid": grid,
        "grid_decision": decision,
        "totals": _totals(journal, splits),
        "splits": splits,
    }
    entries = (_file_entry(*row) for row in journal.rows("path, sha256, reason, notes, split"))
    with (folder / MANIFEST).open("wb") as file:
        write_manifest(file, manifest, entries)
        flush(file)
    return manifest


def _music(journal: Journal, split: str, steps_per_beat: int | None) -> dict[str, Any]:
    """Facts about the pieces of a split, beside its counts, that a run stores in its settings."""
    densities, tempos, meters, longest = [], [], Counter({str(Meter()): 0}), 0
    places = steps_per_beat or 1
    usual, struck = UsualOnsets(places), np.zeros(places, np.int64)
    for steps, cells, record in journal.rows("steps, active_cells, record", f"split = '{split}'", "sha256"):
        densities.append(cells / (steps * NUM_PITCHES))
        longest = max(longest, steps)
        piece = decode_piece(record)
        tempos.append(piece.tempo)
        onsets = piece.roll.onset_counts()
        position = positions_in_beat(piece.meters, len(onsets), places)
        struck += np.bincount(position, onsets, places).astype(np.int64)
        usual.add(onsets, position)
        if steps_per_beat:
            changes = [*([] if piece.meters and piece.meters[0][0] <= 0 else [(0, Meter())]), *piece.meters]
            ends = [*(step for step, _ in changes[1:]), steps]
            for (step, meter), end in zip(changes, ends, strict=True):
                meters[str(meter)] += end - step
    return {
        "longest_piece": longest,
        "density_spread": float(np.std(densities) / np.mean(densities)) if densities else 0.0,
        "tempo": float(np.median(tempos)) if tempos else 120.0,
        "meter": min(meters, key=lambda name: (-meters[name], name)),
        "struck_counts": struck.tolist(),
        "usual_onsets": usual.found(),
    }


def _file_entry(path: bytes, sha256: str, reason: str, notes: int, split: str) -> dict[str, Any]:
    """The entry of a file in the manifest."""
    status = "skipped" if reason else "used"
    facts = {"sha256": sha256 or None, "reason": reason or None, "split": split or None}
    return {"path": printable(os.fsdecode(path)), "status": status, "notes": notes, **facts}


def _totals(journal: Journal, splits: dict[str, dict]) -> dict[str, Any]:
    totals = {name: sum(split[name] for split in splits.values()) for name in SUMMED}
    skipped = skipped_by_reason(journal)
    return {
        **totals,
        "hours": round(totals["milliseconds"] / 3_600_000, 4),
        "density": totals["active_cells"] / (totals["steps"] * NUM_PITCHES),
        "files": totals["pieces"] + sum(skipped.values()),
        "skipped": skipped,
        "tempo_ignored": sum(flag for (flag,) in journal.rows("tempo_ignored", "split != ''")),
    }


def _write_split(journal: Journal, split: str, shards: int, folder: Path) -> dict[str, Any]:
    """Writes the pieces of a split, sorted by sha256, in shards of nearly equal numbers of pieces."""
    columns = ", ".join((*SUMMED[1:], "pitch_counts", "hold_counts", "record"))
    rows = journal.rows(columns, f"split = '{split}'", "sha256")
    (pieces,) = next(iter(journal.database.execute("SELECT count(*) FROM files WHERE split = ?", (split,))))
    shards = min(shards, pieces)
    entry: dict[str, Any] = dict.fromkeys(SUMMED, 0) | {"shards": []}
    pitch_counts, hold_counts = np.zeros(NUM_PITCHES, np.int64), np.zeros(MAX_HOLD, np.int64)
    for index in range(shards):
        begin, end = pieces * index // shards, pieces * (index + 1) // shards
        shard: dict[str, Any] = dict.fromkeys(SUMMED, 0) | {
            "pieces": end - begin,
            "name": shard_name(split, index, shards),
        }
        with (folder / shard["name"]).open("wb") as file:
            digest = hashlib.sha256()
            for _ in range(end - begin):
                *numbers, pitches, holds, record = next(rows)
                for name, number in zip(SUMMED[1:], numbers, strict=True):
                    shard[name] += number
                pitch_counts += np.array(json.loads(pitches), np.int64)
                held = json.loads(holds)
                hold_counts[: len(held)] += np.array(held, np.int64)
                framed = frame(record)
                digest.update(framed)
                file.write(framed)
            flush(file)
            shard |= {"bytes": file.tell(), "sha256": digest.hexdigest()}
        for name in SUMMED:
            entry[name] += shard[name]
        entry["shards"].append(shard)
    holds = np.trim_zeros(hold_counts, "b").tolist()
    return entry | {"pitch_counts": pitch_counts.tolist(), "hold_counts": holds}
