"""The files by which the launcher and the workers of a build exchange work: lists of files, results, plans, shards.

Work that is done again, after a worker has died or a build was interrupted, only replaces files by others that mean the
same. All are in one folder on a filesystem that the launcher and all workers reach.
"""

import dataclasses
import hashlib
import io
import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple

from pianoroll_tf.data.beam.files import exists, join, read, read_json, write_json, write_whole
from pianoroll_tf.data.conversion import Piece
from pianoroll_tf.data.records import encode_piece
from pianoroll_tf.data.shard_facts import ShardFacts, write_shard
from pianoroll_tf.data.tfrecord import DamagedRecordError, frame, read_records
from pianoroll_tf.errors import DamagedError


class ListedFile(NamedTuple):
    """A file to convert."""

    path: str  # in the input
    stamp: str
    source: str  # path or URL that a worker opens


def write_list(work: str, files: Sequence[ListedFile], settings: dict[str, Any]) -> str:
    """Writes the list of a chunk's files; returns the name of the chunk, which depends on the files and settings."""
    name = hashlib.sha256(json.dumps([settings, files]).encode()).hexdigest()[:32]
    if not exists(join(work, f"{name}.list")):
        write_json(join(work, f"{name}.list"), files)
    return name


def read_list(work: str, name: str) -> list[ListedFile]:
    """The files of a chunk."""
    return [ListedFile(*file) for file in read_json(join(work, f"{name}.list"))]


def write_results(work: str, name: str, pieces: Iterable[tuple[str, Piece]]) -> None:
    """Writes the records of a chunk and then, by which they are found, the facts of all its files."""
    part, facts = f"{name}-{secrets.token_hex(8)}.records", []

    def write_records(file: BinaryIO) -> int:
        """Returns the number of records."""
        records = 0
        for path, piece in pieces:
            values = {field.name: getattr(piece, field.name) for field in dataclasses.fields(piece)}
            values["record"] = None
            if piece.record is not None:
                file.write(frame(encode_piece(piece.record)))
                values["record"], records = records, records + 1
            facts.append([path, values])
        return records

    records = write_whole(join(work, part), write_records)
    write_json(join(work, f"{name}.facts"), {"part": part, "records": records, "files": facts})


def has_results(work: str, name: str) -> bool:
    """Whether a chunk has been converted, and its results are undamaged and complete."""
    if not exists(join(work, f"{name}.facts")):
        return False
    try:
        results = read_json(join(work, f"{name}.facts"))
        return len(records_of(work, results["part"])) == results["records"]
    except (DamagedError, OSError):
        return False


def read_results(work: str, name: str) -> list[tuple[str, Piece, bytes | None]]:
    """Path, piece and place of the record of each file of a chunk.

    The place, for the journal, is JSON: the name of a file of records, and the number of the record in it.
    """
    results, found = read_json(join(work, f"{name}.facts")), []
    for path, values in results["files"]:
        facts: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        index = facts.pop("record")
        place = None if index is None else json.dumps([results["part"], index]).encode()
        found.append((path, Piece(**facts), place))
    return found


def records_of(work: str, part: str) -> list[bytes]:
    """The records of a file of a chunk's records.

    Raises:
        DamagedError: It is damaged.
    """
    records = []
    for record in read_records(io.BytesIO(read(join(work, part)))):
        if isinstance(record, DamagedRecordError):
            raise DamagedError(f"{join(work, part)} is damaged ({record}); delete {work} to begin again")
        records.append(record)
    return records


def write_plan(work: str, part: str, places: Sequence[tuple[int, int, int]]) -> None:
    """Writes where the chosen records of a part belong: (index of the record, number of the shard, position in it)."""
    write_json(join(work, f"{part}.plan"), places)


def planned_records(work: str, part: str) -> Iterator[tuple[int, tuple[int, bytes]]]:
    """Yields number of the shard, position in it, and record, of the chosen records of a part."""
    records = records_of(work, part)
    for index, shard, position in read_json(join(work, f"{part}.plan")):
        yield shard, (position, records[index])


def write_planned_shard(work: str, name: str, records: Sequence[bytes], steps_per_beat: int | None) -> None:
    """Writes a shard and then its facts."""
    facts = write_whole(join(work, name), lambda file: write_shard(records, file, steps_per_beat))
    write_json(join(work, f"{name}.facts"), facts.to_json())


def shard_facts(work: str, name: str) -> ShardFacts:
    """The facts of a shard that a worker has written."""
    return ShardFacts.from_json(read_json(join(work, f"{name}.facts")))
