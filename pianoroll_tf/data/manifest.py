"""The manifest of a folder of records: what the pieces of a journal and the shards made of them amount to."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from pianoroll_tf.config import NUM_PITCHES, RecordsConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.conversion import MAX_HOLD
from pianoroll_tf.data.discover import printable
from pianoroll_tf.data.journal import Journal
from pianoroll_tf.data.records import FORMAT, SPLITS, tempo
from pianoroll_tf.data.rhythm import UsualOnsets
from pianoroll_tf.data.shard_facts import ShardFacts
from pianoroll_tf.data.shard_plan import PlannedShard, plan_shards
from pianoroll_tf.data.splits import divided_between_splits
from pianoroll_tf.data.velocities import STRENGTHS
from pianoroll_tf.settings import to_dict

LONG_SILENCE = 300  # seconds; a note after that is probably a stray one
SUMMED = ("pieces", "notes", "notes_outside_range", "steps", "active_cells", "milliseconds")


def skipped_by_reason(journal: Journal) -> dict[str, int]:
    """Number of skipped files by the part of their reason before the colon; the most frequent first."""
    counts = Counter(reason.split(":")[0] for (reason,) in journal.rows("reason", "reason != ''"))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def make_manifest(
    journal: Journal,
    config: RecordsConfig,
    grid: str,
    written: Mapping[str, ShardFacts],
    decision: str = "",
    outside: str = "",
) -> dict[str, Any]:
    """The manifest without its `files`, which may be many (`file_entries`).

    Args:
        journal: The pieces have their splits, by `splits.choose`.
        config: Settings of the records.
        grid: That of the pieces.
        written: Facts of each shard of `shard_plan.plan_shards`, by its name.
        decision: Why `--grid auto` chose the grid, in words.
        outside: The file because of which folders named after splits are none.
    """
    splits: dict[str, dict] = {split: {"shards": [], "facts": []} for split in SPLITS}
    for shard in plan_shards(journal, config.shards):
        splits[shard.split]["shards"].append(shard)
        splits[shard.split]["facts"].append(written[shard.name])
    steps_per_beat = config.steps_per_beat if grid == "beats" else None
    entries = {
        split: _counts(journal, split, each["shards"], each["facts"])
        | _music(journal, split, each["facts"], steps_per_beat)
        for split, each in splits.items()
    }
    manifest = {
        "format": FORMAT,
        "settings": to_dict(config),
        "grid": grid,
        "grid_decision": decision,
        "totals": _totals(journal, entries),
        "splits": entries,
    }
    return manifest | ({"outside_split_folders": printable(outside)} if outside else {})


def file_entries(journal: Journal) -> Iterator[dict[str, Any]]:
    """Yields the entries of all files in the manifest, by path."""
    facts = "path, sha256, reason, notes, split, version_of, drum_notes, unclosed_notes, silence_seconds"
    return (_file_entry(*row) for row in journal.rows(facts))


def _counts(
    journal: Journal, split: str, shards: Iterable[PlannedShard], written: Iterable[ShardFacts]
) -> dict[str, Any]:
    """What a split and each of its shards amount to."""
    columns = ", ".join((*SUMMED[1:], "pitch_counts", "hold_counts", "velocity_sums"))
    rows = journal.rows(columns, f"split = '{split}'", "sha256")
    pitch_counts, hold_counts = np.zeros(NUM_PITCHES, np.int64), np.zeros(MAX_HOLD, np.int64)
    velocity_sums = np.zeros(4 * len(STRENGTHS), np.int64)
    entries = []
    for shard, facts in zip(shards, written, strict=True):
        sums = np.zeros(len(SUMMED) - 1, np.int64)
        for *numbers, pitches, holds, velocities in islice(rows, shard.pieces):
            sums += numbers
            pitch_counts += json.loads(pitches)
            held = json.loads(holds)
            hold_counts[: len(held)] += held
            velocity_sums += np.array(json.loads(velocities) or 0, np.int64)
        file = {"name": shard.name, "bytes": facts.bytes, "sha256": facts.sha256}
        entries.append(file | dict(zip(SUMMED, [shard.pieces, *sums.tolist()], strict=True)))
    holds = np.trim_zeros(hold_counts, "b").tolist()
    counts = {"pitch_counts": pitch_counts, "velocity_sums": velocity_sums}
    return (
        _sums(entries)
        | {"shards": entries, "hold_counts": holds}
        | {name: numbers.tolist() for name, numbers in counts.items()}
    )


def _sums(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    parts = list(parts)
    return {name: sum(part[name] for part in parts) for name in SUMMED}


def _music(journal: Journal, split: str, shards: list[ShardFacts], steps_per_beat: int | None) -> dict[str, Any]:
    """Facts about the pieces of a split, beside its counts, that a run stores in its settings."""
    densities, longest = [], 0
    for steps, cells in journal.rows("steps, active_cells", f"split = '{split}'", "sha256"):
        densities.append(cells / (steps * NUM_PITCHES))
        longest = max(longest, steps)
    places = steps_per_beat or 1
    tempos, meters = [], Counter({str(Meter()): 0})
    usual, struck = UsualOnsets(places), np.zeros(places, np.int64)
    for facts in shards:
        tempos += [tempo(microseconds) for microseconds in facts.microseconds]
        meters.update(facts.meter_steps)
        struck += facts.struck_counts
        usual.add_counts(facts.averages)
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
