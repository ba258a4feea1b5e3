"""Writes the chosen pieces of a journal as shards with a manifest."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from pianoroll_tf.config import NUM_PITCHES, RecordsConfig
from pianoroll_tf.data.clock import Meter, meter_spans
from pianoroll_tf.data.conversion import MAX_HOLD
from pianoroll_tf.data.discover import printable
from pianoroll_tf.data.journal import Journal
from pianoroll_tf.data.records import FORMAT, MANIFEST, SPLITS, decode_piece, shard_name, write_manifest
from pianoroll_tf.data.rhythm import UsualOnsets, positions_in_beat
from pianoroll_tf.data.splits import divided_between_splits
from pianoroll_tf.data.tfrecord import frame
from pianoroll_tf.data.velocities import STRENGTHS
from pianoroll_tf.settings import to_dict
from pianoroll_tf.storage.files import flush

LONG_SILENCE = 300  # seconds; a note after that is probably a stray one
SUMMED = ("pieces", "notes", "notes_outside_range", "steps", "active_cells", "milliseconds")


def skipped_by_reason(journal: Journal) -> dict[str, int]:
    """Number of skipped files by the part of their reason before the colon; the most frequent first."""
    counts = Counter(reason.split(":")[0] for (reason,) in journal.rows("reason", "reason != ''"))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def write_records(
    journal: Journal, config: RecordsConfig, grid: str, folder: Path, decision: str = "", outside: str = ""
) -> dict[str, Any]:
    """Writes all shards and the manifest into an empty folder, flushed to disk.

    The pieces have their splits, by `splits.choose`. `grid` is that of the pieces, and `decision` says in words why
    `--grid auto` chose it; `outside` is the file because of which folders named after splits are none. Returns the
    manifest without its `files`, which may be many.
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
    manifest |= {"outside_split_folders": printable(outside)} if outside else {}
    facts = "path, sha256, reason, notes, split, version_of, drum_notes, unclosed_notes, silence_seconds"
    entries = (_file_entry(*row) for row in journal.rows(facts))
    with (folder / MANIFEST).open("wb") as file:
        write_manifest(file, manifest, entries)
        flush(file)
    return manifest


def _write_split(journal: Journal, split: str, shards: int, folder: Path) -> dict[str, Any]:
    """Writes the pieces of a split, sorted by sha256, in shards of nearly equal numbers of pieces."""
    columns = ", ".join((*SUMMED[1:], "pitch_counts", "hold_counts", "velocity_sums", "record"))
    rows = journal.rows(columns, f"split = '{split}'", "sha256")
    pieces = journal.count(f"split = '{split}'")
    shards = min(shards, pieces)
    pitch_counts, hold_counts = np.zeros(NUM_PITCHES, np.int64), np.zeros(MAX_HOLD, np.int64)
    velocity_sums = np.zeros(4 * len(STRENGTHS), np.int64)
    written = []
    for index in range(shards):
        count = pieces * (index + 1) // shards - pieces * index // shards
        name, digest, sums = shard_name(split, index, shards), hashlib.sha256(), np.zeros(len(SUMMED) - 1, np.int64)
        with (folder / name).open("wb") as file:
            for *numbers, pitches, holds, velocities, record in islice(rows, count):
                sums += numbers
                pitch_counts += json.loads(pitches)
                held = json.loads(holds)
                hold_counts[: len(held)] += held
                velocity_sums += np.array(json.loads(velocities) or 0, np.int64)
                framed = frame(record)
                digest.update(framed)
                file.write(framed)
            flush(file)
            shard = {"name": name, "bytes": file.tell(), "sha256": digest.hexdigest()}
        written.append(shard | dict(zip(SUMMED, [count, *sums.tolist()], strict=True)))
    holds = np.trim_zeros(hold_counts, "b").tolist()
    counts = {"pitch_counts": pitch_counts, "velocity_sums": velocity_sums}
    return (
        _sums(written)
        | {"shards": written, "hold_counts": holds}
        | {name: numbers.tolist() for name, numbers in counts.items()}
    )


def _sums(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    parts = list(parts)
    return {name: sum(part[name] for part in parts) for name in SUMMED}


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
            for begin, end, meter in meter_spans(piece.meters, steps):
                meters[str(meter)] += end - begin
    return {
        "longest_piece": longest,
        "density_spread": float(np.std(densities) / np.mean(densities)) if densities else 0.0,
        "tempo": float(np.median(tempos)) if tempos else 120.0,
        "meter": min(meters, key=lambda name: (-meters[name], name)),
        "struck_counts": struck.tolist(),
        "usual_onsets": usual.found(),
    }


def _totals(journal: Journal, splits: dict[str, dict]) -> dict[str, Any]:
    totals, skipped = _sums(splits.values()), skipped_by_reason(journal)
    return {
        **totals,
        "hours": round(totals["milliseconds"] / 3_600_000, 4),
        "density": totals["active_cells"] / (totals["steps"] * NUM_PITCHES),
        "files": totals["pieces"] + sum(skipped.values()),
        "skipped": skipped,
        "tempo_ignored": journal.count("split != '' AND tempo_ignored"),
        "drum_notes": journal.count("split != ''", "drum_notes", "sum"),
        "unclosed_notes": journal.count("split != ''", "unclosed_notes", "sum"),
        "silences": _silences(journal),
        "versions": journal.count("split != ''") - journal.count("split != ''", "DISTINCT family"),
        "largest_family": _largest_family(journal),
        "divided_families": _divided_families(journal),
    }


def _largest_family(journal: Journal) -> int:
    """Number of pieces that are versions of one another, at most."""
    sizes = "SELECT count(*) AS size FROM files WHERE split != '' GROUP BY family ORDER BY size DESC LIMIT 1"
    return (journal.database.execute(sizes).fetchone() or (0,))[0]


def _divided_families(journal: Journal) -> dict[str, Any]:
    """How many pieces of music have versions in several splits, and an example, as only given splits can have."""
    number, example = divided_between_splits(journal.database, "family")
    return {"pieces": number, "example": example}


def _silences(journal: Journal) -> dict[str, Any]:
    """How many pieces have a long silence, and the one with the longest."""
    long = f"split != '' AND silence_seconds >= {LONG_SILENCE}"
    rows = journal.rows("path, silence_seconds", long, "silence_seconds DESC, path LIMIT 1")
    longest = [[printable(os.fsdecode(path)), seconds] for path, seconds in rows]
    return {"pieces": journal.count(long), "longest": longest}


def _file_entry(
    path: bytes,
    sha256: str,
    reason: str,
    notes: int,
    split: str,
    version_of: bytes,
    drum_notes: int,
    unclosed_notes: int,
    silence_seconds: float,
) -> dict[str, Any]:
    """The entry of a file in the manifest; the last four facts only where there is something to say."""
    name, other = (printable(os.fsdecode(each)) for each in (path, version_of))
    entry: dict[str, Any] = {"path": name, "status": "skipped" if reason else "used", "notes": notes}
    entry |= {"sha256": sha256 or None, "reason": reason or None, "split": split or None}
    special = {
        "version_of": other if split and other != name else "",
        "drum_notes": drum_notes,
        "unclosed_notes": unclosed_notes,
        "silence_seconds": silence_seconds if silence_seconds >= LONG_SILENCE else 0,
    }
    return entry | {fact: value for fact, value in special.items() if value}
