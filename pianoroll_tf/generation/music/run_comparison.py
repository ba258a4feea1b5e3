"""Compares music that a run generates from scratch with the pieces of its records, both as MIDI files."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pianoroll_tf.config import RunConfig, SamplingConfig
from pianoroll_tf.data.records import PieceRecord
from pianoroll_tf.data.roll import to_dense
from pianoroll_tf.generation import archive, saved_model
from pianoroll_tf.generation.continuation import NO_PRIMER, continue_music
from pianoroll_tf.generation.music.comparison import compare, comparison_picture, read_pieces
from pianoroll_tf.generation.music.copying import copying_facts
from pianoroll_tf.generation.music.training_pieces import (
    TEMPO,
    find_training_records,
    piece_names,
    read_split,
    real_files,
)
from pianoroll_tf.generation.render import midi_bytes
from pianoroll_tf.modeling.run_folder import CALIBRATION, EVALUATION
from pianoroll_tf.storage.files import write_whole

SEED = 1_000  # of the first piece; the demo's own pieces have others


def compare_with_training(
    generated: Sequence[np.ndarray], real: Sequence[PieceRecord], records_dir: Path | str
) -> dict[str, Any] | None:
    """The result of `copying_facts` for generated pieces and those of a split, beside the training split of records.

    None if there is nothing to compare.
    """
    training = list(read_split(records_dir, "train"))
    if not (training and real and generated):
        return None
    names = piece_names(training, records_dir)
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
        (the result of `comparison.compare`, with `ended`, the number of pieces that the model ended, `copying`, that of
        `copying_facts` with the training split of the run's own records, or None if the split is that one, and
        `own_records`, whether these were found; a PNG picture).
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
    own = find_training_records(config.data.manifest_sha256, (records_dir, config.data.path))
    is_training = split == "train" and own == Path(records_dir)
    copying = None if own is None or is_training else compare_with_training(rolls, pieces_of_split, own)
    facts = {"split": split, "records": os.fspath(records_dir), "ended": sum(ended for _, ended in drawn)}
    facts["own_records"] = own is not None
    return facts | {"copying": copying} | compare(generated, real), comparison_picture(generated.rolls, real.rolls)
