"""The pieces of records that generated music is compared with: those of a split, and the names of their files."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.records import PieceRecord, check_shards, decode_piece, manifest_sha256, read_manifest
from pianoroll_tf.data.roll import to_dense
from pianoroll_tf.data.tfrecord import read_records
from pianoroll_tf.generation.render import midi_bytes

TEMPO = 120.0  # quarters per minute of the files that are compared; no fact depends on it


def read_split(records_dir: Path | str, split: str) -> Iterator[PieceRecord]:
    """The pieces of a split; raises what is wrong with a damaged record."""
    for shard in check_shards(records_dir, split)["shards"]:
        with (Path(records_dir) / shard["name"]).open("rb") as file:
            for record in read_records(io.BytesIO(file.read())):
                if isinstance(record, Exception):
                    raise record
                yield decode_piece(record)


def piece_names(pieces: Iterable[PieceRecord], records_dir: Path | str) -> list[str]:
    """The paths of the pieces' files when the records were built; of a piece that the manifest lacks, its sha256."""
    paths = {entry["sha256"]: entry["path"] for entry in read_manifest(records_dir, with_files=True).get("files", ())}
    return [paths.get(piece.sha256.hex(), piece.sha256.hex()) for piece in pieces]


def real_files(pieces: Iterable[PieceRecord], grid: RecordsConfig) -> Iterator[bytes]:
    """The pieces as MIDI files, written in the same way as generated music."""
    for piece in pieces:
        yield midi_bytes(to_dense(piece.roll), grid.rate(TEMPO), TEMPO, piece.meters or ((0, Meter()),))


def find_training_records(sha256: str, folders: Iterable[Path | str]) -> Path | None:
    """The first folder that holds the records with a manifest of this sha256, which a model was trained on."""
    for folder in map(Path, folders):
        try:
            if manifest_sha256(folder) == sha256:
                return folder
        except OSError:
            continue
    return None
