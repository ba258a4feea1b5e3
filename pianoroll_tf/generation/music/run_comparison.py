"""Compares music that a run generates from scratch with the pieces of its records, both as MIDI files."""

import io
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pianoroll_tf.config import RecordsConfig, RunConfig, SamplingConfig
from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.records import PieceRecord, check_shards, decode_piece, read_manifest
from pianoroll_tf.data.roll import to_dense
from pianoroll_tf.data.tfrecord import read_records
from pianoroll_tf.generation import archive, saved_model
from pianoroll_tf.generation.continuation import NO_PRIMER, continue_music
from pianoroll_tf.generation.music.comparison import compare, comparison_picture, read_pieces
from pianoroll_tf.generation.music.copying import copying_facts
from pianoroll_tf.generation.render import midi_bytes
from pianoroll_tf.modeling.run_folder import CALIBRATION, EVALUATION
from pianoroll_tf.storage.files import write_whole

TEMPO = 120.0  # quarters per minute of the files that are compared; no fact depends on it
SEED = 1_000  # of the first piece; the demo's own pieces have others


def read_split(records_dir: Path | str, split: str) -> Iterator[PieceRecord]:
    """The pieces of a split; raises what is wrong with a damaged record."""
    for shard in check_shards(records_dir, split)["shards"]:
        with (Path(records_dir) / shard["name"]).open("rb") as file:
            for record in read_records(io.BytesIO(file.read())):
                if isinstance(record, Exception):
                    raise record
                yield decode_piece(record)


def real_files(pieces: Iterable[PieceRecord], grid: RecordsConfig) -> Iterator[bytes]:
    """The pieces as MIDI files, written in the same way as generated music."""
    for piece in pieces:
        yield midi_bytes(to_dense(piece.roll), grid.rate(TEMPO), TEMPO, piece.meters or ((0, Meter()),))


def compare_with_training(
    generated: Sequence[np.ndarray], real: Sequence[PieceRecord], records_dir: Path | str
) -> dict[str, Any] | None:
    """The result of `copying_facts` for generated pieces and those of a split; None without a training split."""
    training = list(read_split(records_dir, "train"))
    if not (training and real and generated):
        return None
    paths = {entry["sha256"]: entry["path"] for entry in read_manifest(records_dir, with_files=True).get("files", ())}
    names = [paths.get(piece.sha256.hex(), piece.sha256.hex()) for piece in training]
    rolls, trained = ([to_dense(piece.roll) for piece in pieces] for pieces in (real, training))
    return copying_facts(generated, rolls, trained, names)


def compare_run(
    model, config: RunConfig, run: Path, records_dir: Path | str, split: str, pieces: int
) -> tuple[dict[str, Any], bytes]:
    """Generates pieces, writes them, and compares them with the pieces of a split.

    Args:
        model: Model of the run, with its best weights.
        config: Settings of the run.
        run: Folder of the run. The export is written to `evaluation/model/`, the MIDI files to `evaluation/music/`.
        records_dir: Folder of the records with the real pieces.
        split: Split of the real pieces.
        pieces: Number of pieces to generate, at the default settings, each until the model ends it.

    Returns:
        (the result of `comparison.compare`, with `ended`, the number of pieces that the model ended, and `copying`,
        that of `copying_facts`, or None if the split is the training split itself; a PNG picture).
    """
    folder = run / EVALUATION
    version, _ = archive.export(model, config, folder / "model", cache=run / CALIBRATION)
    music = saved_model.load(version)
    drawn = list(continue_music(music, NO_PRIMER.roll, None, SamplingConfig(seed=SEED), pieces))
    (folder / "music").mkdir(parents=True, exist_ok=True)
    files, rate = [], config.records.rate(TEMPO)
    for number, (roll, _) in enumerate(drawn, 1):
        files.append(midi_bytes(roll, rate, TEMPO, [(0, music.meter)]))
        write_whole(folder / "music" / f"{number:02d}.mid", files[-1])
    pieces_of_split = list(read_split(records_dir, split))
    generated, real = read_pieces(files), read_pieces(list(real_files(pieces_of_split, config.records)))
    rolls = [roll for roll, _ in drawn]
    copying = None if split == "train" else compare_with_training(rolls, pieces_of_split, records_dir)
    facts = {"split": split, "records": os.fspath(records_dir), "ended": sum(ended for _, ended in drawn)}
    return facts | {"copying": copying} | compare(generated, real), comparison_picture(generated.rolls, real.rolls)
