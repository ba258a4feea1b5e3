"""The two pipelines of a build: files → pieces, and, when the pieces have been chosen, records → shards."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import apache_beam as beam
from apache_beam.metrics import Metrics

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.beam import chunks
from pianoroll_tf.data.beam.files import is_url, join, write_whole
from pianoroll_tf.data.beam.readers import borrow_readers, return_readers
from pianoroll_tf.data.beam.url_input import read_limited
from pianoroll_tf.data.conversion import Piece
from pianoroll_tf.data.discover import printable
from pianoroll_tf.data.smf import MidiError
from pianoroll_tf.data.workers import File

NAMESPACE = "pianoroll_tf"  # of the counters
SKIPPED = "skipped"  # tag of the side output
SKIPPED_LIST = "skipped.txt"  # in the work folder


def convert_pipeline(pipeline: beam.Pipeline, work: str, names: Sequence[str], config: RecordsConfig) -> None:
    """Converts the files of chunks; results are files in the work folder.

    Files that are skipped are counted by their reasons, and listed in `SKIPPED_LIST`.
    """
    converted = (
        pipeline
        | "Chunks" >> beam.Create(names, reshuffle=False)
        | "Spread chunks" >> beam.Reshuffle()
        | "Convert files" >> beam.ParDo(ConvertFiles(work, config)).with_outputs(SKIPPED, main="converted")
    )
    _ = (
        converted[SKIPPED]
        | "One list" >> beam.WithKeys(0).with_output_types(tuple[int, str])
        | "Group skipped" >> beam.GroupByKey()
        | "Write list of skipped" >> beam.ParDo(WriteSkipped(work))
    )


def shard_pipeline(
    pipeline: beam.Pipeline, work: str, parts: Sequence[str], shards: Sequence[tuple[str, int]], beat: int | None
) -> None:
    """Writes shards.

    Args:
        pipeline: To be extended.
        work: The work folder, where the parts have plans.
        parts: Files of records.
        shards: Name and number of pieces of each shard.
        beat: Steps per beat of the pieces; None on the grid of seconds.
    """
    _ = (
        pipeline
        | "Parts" >> beam.Create(parts, reshuffle=False)
        | "Spread parts" >> beam.Reshuffle()
        | "Read records" >> beam.ParDo(ReadRecords(work)).with_output_types(tuple[int, tuple[int, bytes]])
        | "Group by shard" >> beam.GroupByKey()
        | "Write shards" >> beam.ParDo(WriteShards(work, shards, beat))
    )


class ConvertFiles(beam.DoFn):
    """Converts the files of a chunk in a process under limits of memory and time.

    The main output is empty, as the results are files; what is skipped is the side output.
    """

    def __init__(self, work: str, config: RecordsConfig) -> None:
        self._work, self._config = work, config

    def setup(self) -> None:
        """Called by the engine before the first chunk."""
        self._readers = borrow_readers(self._config)

    def teardown(self) -> None:
        """Called by the engine after the last chunk."""
        return_readers(self._config, self._readers)

    def process(self, name: str) -> Iterator[beam.pvalue.TaggedOutput[Literal["skipped"], str]]:
        """Writes the results of a chunk; yields the path and the reason of each file that is skipped."""
        skipped: list[tuple[str, str]] = []
        used = 0

        def pieces() -> Iterator[tuple[str, Piece]]:
            nonlocal used
            for path, piece in self._convert(chunks.read_list(self._work, name)):
                if piece.reason:
                    skipped.append((path, piece.reason))
                else:
                    used += 1
                yield path, piece

        chunks.write_results(self._work, name, pieces())
        Metrics.counter(NAMESPACE, "converted").inc(used)
        for path, reason in skipped:
            Metrics.counter(NAMESPACE, f"skipped: {reason.split(':')[0]}").inc()
            yield beam.pvalue.TaggedOutput("skipped", f"{printable(path)}: {reason}")

    def _convert(self, files: Iterable[chunks.ListedFile]) -> Iterator[tuple[str, Piece]]:
        """Local files are opened by the reader process, others read here and sent to it."""
        refused: list[tuple[str, Piece]] = []

        def readable() -> Iterator[File]:
            for file in files:
                content = read_limited(file.source) if is_url(file.source) else file.source
                if isinstance(content, MidiError):
                    refused.append((file.path, Piece(reason=str(content))))
                else:
                    yield File(file.path, content)

        yield from self._readers.convert(readable())
        yield from refused


class WriteSkipped(beam.DoFn):
    """Writes all lines about skipped files as one file, for a person who looks at a build that runs or has failed."""

    def __init__(self, work: str) -> None:
        self._work = work

    def process(self, element: tuple[int, Iterable[str]]) -> None:
        """Writes the lines sorted."""
        content = "".join(f"{line}\n" for line in sorted(element[1])).encode()
        write_whole(join(self._work, SKIPPED_LIST), lambda file: file.write(content))


class ReadRecords(beam.DoFn):
    """Reads the records of a part that were chosen, with their shards and positions."""

    def __init__(self, work: str) -> None:
        self._work = work

    def process(self, part: str) -> Iterator[tuple[int, tuple[int, bytes]]]:
        """Yields number of the shard, position in it, and record."""
        yield from chunks.planned_records(self._work, part)


class WriteShards(beam.DoFn):
    """Writes shards, each with the records in the order of their positions."""

    def __init__(self, work: str, shards: Sequence[tuple[str, int]], beat: int | None) -> None:
        self._work, self._shards, self._beat = work, shards, beat

    def process(self, element: tuple[int, Iterable[tuple[int, bytes]]]) -> None:
        """Writes one shard, which is held in memory."""
        name, pieces = self._shards[element[0]]
        records = sorted(element[1])
        if [position for position, _ in records] != list(range(pieces)):
            raise RuntimeError(f"{name} must have {pieces} records, each once. Received: {len(records)} records")
        chunks.write_planned_shard(self._work, name, [record for _, record in records], self._beat)
