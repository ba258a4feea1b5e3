"""The engine of a build by Apache Beam: workers convert files and write shards, this process chooses the pieces."""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

from apache_beam.io.filesystems import FileSystems

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.archives import Archive
from pianoroll_tf.data.beam import chunks
from pianoroll_tf.data.beam.files import in_threads
from pianoroll_tf.data.beam.options import pipeline_options
from pianoroll_tf.data.beam.running import run_pipeline
from pianoroll_tf.data.beam.transforms import convert_pipeline, shard_pipeline
from pianoroll_tf.data.beam.url_input import UrlFolder
from pianoroll_tf.data.conversion import Piece
from pianoroll_tf.data.engine import conversion_settings
from pianoroll_tf.data.inputs import Input, open_input
from pianoroll_tf.data.journal import Journal
from pianoroll_tf.data.records import SPLITS
from pianoroll_tf.data.shard_facts import ShardFacts
from pianoroll_tf.data.shard_plan import plan_shards
from pianoroll_tf.errors import UserError

FILES_PER_CHUNK = 64  # of which a worker that dies costs one
_PLAN = "CREATE TEMP TABLE plan (part TEXT, place INTEGER, shard INTEGER, position INTEGER)"


class Beam:
    """Builds records by Beam's pipelines; see `data.engine.Engine`.

    Args:
        options: Those of `--beam-options`.
        workers: Processes of the DirectRunner.

    Attributes:
        work: Where launcher and workers exchange files, and the shards remain, if not in the build's work folder.
        counters: Of the last pipeline that converted files, if its runner counts.
    """

    name = "beam"

    def __init__(self, options: str = "", workers: int = 1) -> None:
        self._options = pipeline_options(options, workers)
        FileSystems.set_options(self._options)
        self.work: str | None = None
        self.counters: dict[str, int] = {}
        self._locations: Callable[[Iterable[str]], Iterator[tuple[str, Any]]]

    def open_input(self, path: Path | str, include: str | None, follow_links: bool) -> Input:
        """See `data.engine.Engine`."""
        if isinstance(path, str):
            folder = UrlFolder(path, include)
            self._locations = folder.locations
            return folder
        source = open_input(path, include, follow_links)
        if isinstance(source, Archive):
            raise UserError(f"INPUT must be a folder or a list of paths with --runner beam. Received: {path}")
        self._locations = source.sources
        return source

    def convert(
        self, source: Input, files: Iterable[tuple[str, str]], config: RecordsConfig, work: Path
    ) -> Iterator[tuple[str, Piece, bytes | None]]:
        """See `data.engine.Engine`."""
        folder, settings = self.work or str(work / "chunks"), conversion_settings(config)
        listed = self._listed(files)
        lists = iter(lambda: list(islice(listed, FILES_PER_CHUNK)), [])
        names = list(in_threads(lambda chunk: chunks.write_list(folder, chunk, settings), lists))
        found = in_threads(lambda name: chunks.has_results(folder, name), names)
        if missing := [name for name, is_there in zip(names, found, strict=True) if not is_there]:
            self.counters = run_pipeline(
                self._options, lambda pipeline: convert_pipeline(pipeline, folder, missing, config)
            )
        for results in in_threads(lambda name: chunks.read_results(folder, name), names):
            yield from results

    def write_shards(
        self, journal: Journal, config: RecordsConfig, grid: str, folder: Path, work: Path
    ) -> dict[str, ShardFacts]:
        """See `data.engine.Engine`."""
        written = self.work or str(work / "chunks")
        shards = list(plan_shards(journal, config.shards))
        parts = _write_plans(journal, [(shard.split, shard.pieces) for shard in shards], written)
        named = [(shard.name, shard.pieces) for shard in shards]
        beat = config.steps_per_beat if grid == "beats" else None
        run_pipeline(self._options, lambda pipeline: shard_pipeline(pipeline, written, parts, named, beat))
        for shard in shards if self.work is None else ():
            Path(written, shard.name).rename(folder / shard.name)
        return {shard.name: chunks.shard_facts(written, shard.name) for shard in shards}

    def _listed(self, files: Iterable[tuple[str, str]]) -> Iterator[chunks.ListedFile]:
        """The files with the paths or URLs that a worker opens."""
        waiting = iter(files)
        while some := dict(islice(waiting, FILES_PER_CHUNK)):
            for path, location in self._locations(some):
                yield chunks.ListedFile(path, some[path], location)


def _write_plans(journal: Journal, shards: list[tuple[str, int]], work: str) -> list[str]:
    """Writes the plan of each file of records; returns their names.

    They are sorted by the database, so that memory does not limit the number of pieces.
    """
    database = journal.database
    database.execute("DROP TABLE IF EXISTS temp.plan")
    database.execute(_PLAN)
    rows = {split: journal.rows("record", f"split = '{split}'", "sha256") for split in SPLITS}
    for number, (split, pieces) in enumerate(shards):
        places = (json.loads(place) for (place,) in islice(rows[split], pieces))
        planned = ((*place, number, position) for position, place in enumerate(places))
        database.executemany("INSERT INTO plan VALUES (?, ?, ?, ?)", planned)
    planned_parts = (
        (part, [place[1:] for place in found])
        for part, found in groupby(database.execute("SELECT * FROM plan ORDER BY part, place"), itemgetter(0))
    )

    def write(plan: tuple[str, list[tuple[int, int, int]]]) -> str:
        chunks.write_plan(work, *plan)
        return plan[0]

    return list(in_threads(write, planned_parts))
