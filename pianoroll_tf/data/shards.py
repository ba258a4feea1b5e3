"""Writes the chosen pieces of a journal as shards with a manifest."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.journal import Journal
from pianoroll_tf.data.manifest import file_entries, make_manifest
from pianoroll_tf.data.records import MANIFEST, SPLITS, write_manifest
from pianoroll_tf.data.shard_facts import ShardFacts, write_shard
from pianoroll_tf.data.shard_plan import plan_shards
from pianoroll_tf.storage.files import flush


def write_shards(journal: Journal, config: RecordsConfig, grid: str, folder: Path) -> dict[str, ShardFacts]:
    """Writes all shards, whose records the journal has; returns the facts of each by its name."""
    steps_per_beat = config.steps_per_beat if grid == "beats" else None
    rows = {split: journal.rows("record", f"split = '{split}'", "sha256") for split in SPLITS}
    written = {}
    for shard in plan_shards(journal, config.shards):
        records = (record for (record,) in islice(rows[shard.split], shard.pieces))
        with (folder / shard.name).open("wb") as file:
            written[shard.name] = write_shard(records, file, steps_per_beat)
            flush(file)
    return written


def write_records(
    journal: Journal,
    config: RecordsConfig,
    grid: str,
    folder: Path,
    decision: str = "",
    outside: str = "",
    write: Callable[[Journal, RecordsConfig, str, Path], dict[str, ShardFacts]] = write_shards,
) -> dict[str, Any]:
    """Writes all shards and the manifest into an empty folder, flushed to disk.

    The pieces have their splits, by `splits.choose`; for `grid`, `decision` and `outside` see `manifest.make_manifest`.
    `write` writes the shards, as `write_shards` does. Returns the manifest without its `files`, which may be many.
    """
    written = write(journal, config, grid, folder)
    manifest = make_manifest(journal, config, grid, written, decision, outside)
    with (folder / MANIFEST).open("wb") as file:
        write_manifest(file, manifest, file_entries(journal))
        flush(file)
    return manifest
