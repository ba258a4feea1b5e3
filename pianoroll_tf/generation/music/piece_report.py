"""A report on a generated piece, one HTML file: picture, sound, facts beside the training data, copied passages."""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.records import PieceRecord, manifest_sha256, read_manifest, resolved
from pianoroll_tf.data.roll import from_dense, to_dense
from pianoroll_tf.errors import UserError
from pianoroll_tf.generation.music.comparison import LABELS, read_pieces
from pianoroll_tf.generation.music.copying import SharedRun, longest_shared_runs
from pianoroll_tf.generation.music.facts import corpus_facts
from pianoroll_tf.generation.music.training_pieces import piece_names, read_split, real_files
from pianoroll_tf.messages import count

MAX_FACTS_PIECES = 100  # training pieces of which facts are shown; the pieces of a split are in no particular order
MAX_TEST_PIECES = 24  # that are compared with the training pieces as the generated ones are
_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}img,audio{width:100%}"
    "td,th{padding:.1rem 1rem .1rem 0;text-align:right}td:first-child{text-align:left}"
)


@dataclass(frozen=True)
class ReportRecords:
    """The records that pieces are compared with.

    Attributes:
        folder: Of the records.
        grid: Their grid, which is that of the model.
        training: Pieces of the training split.
        names: Of the files of the training pieces.
        test: Rolls of test pieces, at most `MAX_TEST_PIECES`.
        are_of_model: Whether the model was trained on them.
    """

    folder: Path
    grid: RecordsConfig
    training: list[PieceRecord]
    names: list[str]
    test: list[np.ndarray]
    are_of_model: bool


@dataclass(frozen=True)
class ReportedPiece:
    """A generated piece.

    Attributes:
        path: Of its MIDI file, beside which the report is written.
        music: The generated steps, uint8 [steps, 84].
        first_step: Step of the file with which they begin, after the primer.
        picture: A PNG file.
        sound: A WAV file.
    """

    path: Path
    music: np.ndarray
    first_step: int
    picture: bytes
    sound: bytes


def read_report_records(folder: Path, grid: RecordsConfig, sha256: str) -> ReportRecords:
    """Reads the records for reports on the pieces of a model.

    Args:
        folder: Of the records.
        grid: That of the model.
        sha256: Of the manifest of the records that the model was trained on.

    Raises:
        UserError: There are no records, they are on another grid, or their training split is empty.
    """
    found = resolved(read_manifest(folder))
    ours, theirs = (f"{one.steps_per_unit} steps a {one.grid[:-1]}" for one in (grid, found))
    if ours != theirs:
        raise UserError(f"report must be records on the grid of the model, {ours}. Received: {folder} with {theirs}")
    training = list(read_split(folder, "train"))
    if not training:
        raise UserError(
            f"report must be records with training pieces. Received: {folder}, whose training split is empty"
        )
    test = [to_dense(piece.roll) for piece, _ in zip(read_split(folder, "test"), range(MAX_TEST_PIECES), strict=False)]
    names = piece_names(training, folder)
    return ReportRecords(folder, grid, training, names, test, manifest_sha256(folder) == sha256)


def write_reports(pieces: Sequence[ReportedPiece], records: ReportRecords, rate: float) -> list[tuple[bytes, str]]:
    """The reports on pieces, and the sentence of each about what it shares with the training pieces.

    Args:
        pieces: At least one.
        records: From `read_report_records`.
        rate: Steps per second of the pieces.

    Returns:
        (content of an HTML file, sentence) per piece.
    """
    training = [to_dense(piece.roll) for piece in records.training]
    longest = max(len(piece.music) for piece in pieces)
    test = [roll[:longest] for roll in records.test]
    runs = longest_shared_runs([*(piece.music for piece in pieces), *test], training)
    sample = read_pieces(list(real_files(records.training[:MAX_FACTS_PIECES], records.grid)))
    real = corpus_facts(sample.facts) if sample.facts else {}
    usual = usual_runs([run.steps for run in runs[len(pieces) :]], longest)
    found = []
    for piece, run in zip(pieces, runs, strict=False):
        sentence = shared_sentence(run, piece.first_step, rate, records.names)
        own = read_pieces(list(real_files([PieceRecord(from_dense(piece.music), bytes(32))], records.grid)))
        facts = corpus_facts(own.facts) if own.facts else {}
        found.append((_page(piece, [sentence, usual], facts, real, len(sample.facts), records), sentence))
    return found


def shared_sentence(run: SharedRun, first_step: int, rate: float, names: Sequence[str]) -> str:
    """What a piece shares with the training pieces, in words.

    >>> shared_sentence(SharedRun(24, 9, 8, 0, 100, -2), first_step=16, rate=8.0, names=["a.mid"])
    'The longest passage that it shares with a training piece has 24 steps (3.0 s, 9 notes): from 3.0 s on it is what \
begins at step 101 of a.mid, 2 semitones lower.'
    """
    if not run.steps:
        return "It shares not even one step with a training piece."
    seconds, begin = run.steps / rate, (first_step + run.first_step) / rate
    shift = f", {count(abs(run.semitones), 'semitone')} {'higher' if run.semitones > 0 else 'lower'}"
    return (
        f"The longest passage that it shares with a training piece has {count(run.steps, 'step')} ({seconds:.1f} s, "
        f"{count(run.onsets, 'note')}): from {begin:.1f} s on it is what begins at step {run.source_step + 1} of "
        f"{names[run.source]}{shift if run.semitones else ''}."
    )


def usual_runs(steps: Sequence[int], longest: int) -> str:
    """What test pieces share with the training pieces, in words.

    >>> usual_runs([4, 10, 6], longest=200)
    'Of 3 test pieces, cut to at most 200 steps, the median is 6 steps and the most 10.'
    """
    if not steps:
        return "There are no test pieces to compare this with."
    pieces = f"{count(len(steps), 'test piece')}, cut to at most {longest} steps"
    return f"Of {pieces}, the median is {np.median(steps):g} steps and the most {max(steps)}."


def _page(
    piece: ReportedPiece,
    sentences: Sequence[str],
    facts: dict[str, float],
    real: dict[str, float],
    sampled: int,
    records: ReportRecords,
) -> bytes:
    """The HTML file."""
    title = html.escape(piece.path.stem)
    warning = (
        f"{records.folder} does not hold the records that the model was trained on: what it learnt is not searched."
    )
    paragraphs = "".join(
        f"<p>{html.escape(text)}</p>" for text in (*sentences, *([] if records.are_of_model else [warning]))
    )
    rows = "".join(
        f"<tr><td>{html.escape(label)}</td><td>{facts[name]:.3f}</td><td>{real[name]:.3f}</td></tr>"
        for name, label in LABELS.items()
        if name in facts and name in real and not name.endswith("_spread")
    )
    picture, sound = (base64.b64encode(content).decode() for content in (piece.picture, piece.sound))
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>{_STYLE}</style>
<h1>{title}</h1>
<audio controls src="data:audio/wav;base64,{sound}"></audio>
<img alt="The piano-roll of the piece" src="data:image/png;base64,{picture}">
<h2>Is it new?</h2>
<p>The search is exact: all cells of a passage are equal, after any transposition.</p>
{paragraphs}
<h2>Beside the training data</h2>
<table><tr><th></th><th>this piece</th><th>{count(sampled, "training piece")}</th></tr>{rows}</table>
""".encode(errors="backslashreplace")
