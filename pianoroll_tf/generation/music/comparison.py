"""Compares generated with real music, both as MIDI files: facts, a two-sample test, a picture."""

import contextlib
import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.midi import MidiError
from pianoroll_tf.generation.music.facts import PieceFacts, corpus_facts, piece_facts, read_piece
from pianoroll_tf.generation.music.two_sample import FOLDS, compare_halves, two_sample
from pianoroll_tf.generation.render import MUSIC_COLOUR, PRIMER_COLOUR, as_png, draw_notes

# Name in `corpus_facts` → label in the table
LABELS = {
    "synchrony": "onsets that share their step with another",
    "synchrony_by_chance": "the same by chance",
    "clash": "steps with a semitone clash",
    "phase_1": "onsets on the beat",
    "phase_2": "on its second sixteenth",
    "phase_3": "on its third sixteenth",
    "phase_4": "on its fourth sixteenth",
    "recurring_bars": "bars whose rhythm recurs in the piece",
    "one_step": "notes of one sixteenth",
    "restruck": "onsets that strike a sounding pitch again",
    "voices": "pitches at once",
    "density": "active cells",
    "density_spread": "their spread from piece to piece",
    "onsets": "onsets per sixteenth",
    "steps": "length of a piece, sixteenths",
    "steps_spread": "its spread from piece to piece",
    "pitches": "range of a piece, semitones",
}
# Name in `corpus_facts` → rest of a sentence that begins with the share
SENTENCES = {
    "synchrony": "of the notes begin together with another",
    "phase_1": "of the notes begin on the beat",
    "one_step": "of the notes are as short as a sixteenth",
    "restruck": "of the notes strike a pitch again that still sounds",
    "clash": "of the steps hold two pitches a semitone apart",
}
MAX_PICTURE_PIECES = 4  # of either set
PICTURE_STEPS = 256  # of each piece


@dataclasses.dataclass(frozen=True)
class PieceSet:
    """Pieces that are either all generated or all real, and the number of those left out because they have no notes."""

    rolls: list[np.ndarray]  # states on sixteenths, uint8 [steps, 84] each
    facts: list[PieceFacts]
    silent: int


def read_pieces(files: Sequence[bytes]) -> PieceSet:
    """Reads MIDI files; those without notes in the range of a roll are left out and counted."""
    found: list[tuple[np.ndarray, Meter]] = []
    for content in files:
        with contextlib.suppress(MidiError):  # the file of a silent piece has no notes
            found.append(read_piece(content))
    found = [(roll, meter) for roll, meter in found if roll.any()]
    facts = [piece_facts(roll, meter) for roll, meter in found]
    return PieceSet([roll for roll, _ in found], facts, silent=len(files) - len(found))


def compare(generated: PieceSet, real: PieceSet) -> dict[str, Any]:
    """Compares two sets of pieces.

    Returns:
        JSON-ready: `pieces` and `silent` (numbers), facts of each set under `generated` and `real`, `test` (two-sample
        test of the sets) and `halves` (test of two halves of the real pieces), None if there are too few pieces.
    """
    enough = min(len(generated.rolls), len(real.rolls)) >= FOLDS
    return {
        "pieces": {"generated": len(generated.rolls), "real": len(real.rolls)},
        "silent": {"generated": generated.silent, "real": real.silent},
        "generated": corpus_facts(generated.facts),
        "real": corpus_facts(real.facts),
        "test": two_sample(generated.rolls, real.rolls) if enough else None,
        "halves": compare_halves(real.rolls),
    }


def comparison_table(compared: dict[str, Any]) -> str:
    """The result of `compare`, or of `run_comparison.compare_run`, as a text table."""
    pieces = compared["pieces"]
    head = f"{'':<44}{'generated':>12}{'real':>12}"
    lines = [head, f"{'pieces':<44}{pieces['generated']:>12}{pieces['real']:>12}"]
    if any(compared["silent"].values()):
        lines.append(f"{'silent pieces, left out':<44}" + "".join(f"{n:>12}" for n in compared["silent"].values()))
    for name, label in LABELS.items():
        values = (compared[kind].get(name) for kind in ("generated", "real"))
        lines.append(f"{label:<44}" + "".join(f"{'–':>12}" if value is None else f"{value:>12.3f}" for value in values))
    if compared.get("copying"):
        lines += _copying_lines(compared["copying"])
    elif not compared.get("own_records", True):
        lines.append("steps in a row shared with training: not known, as the run's own records are not found")
    if compared["test"]:
        best = ", ".join(f"{name} ({auc:.2f})" for name, auc in compared["test"]["facts"][:3])
        auc = f"{compared['test']['auc']:.3f}"
        lines.append(f"a classifier tells them apart with an AUC of {auc}; best facts alone: {best}")
    if compared["halves"]:
        lines.append(f"and two halves of the real pieces with {compared['halves']['auc']:.3f}, where 0.5 is chance")
    if "ended" in compared:
        lines.append(f"{compared['ended']} of {pieces['generated']} pieces were ended by the model")
    return "\n".join(lines)


def _copying_lines(copying: dict[str, Any]) -> list[str]:
    """The longest runs shared with training pieces, and which is the longest of a generated piece."""
    lines = [
        f"{label:<44}{copying['generated'][name]:>12g}{copying['real'][name]:>12g}"
        for name, label in (
            ("median", "steps in a row shared with training, median"),
            ("longest", "the most of any piece"),
        )
    ]
    most = copying["most"]
    if most["steps"]:
        first, last = most["first_step"] + 1, most["first_step"] + most["steps"]
        shift = f", {abs(most['semitones'])} semitones {'higher' if most['semitones'] > 0 else 'lower'}"
        lines.append(
            f"steps {first} to {last} of generated piece {most['piece']} are those from step {most['source_step'] + 1} "
            f"of {most['name']}{shift if most['semitones'] else ''}"
        )
    return lines


def sentences(comparison: dict[str, Any], reference: str) -> str:
    """Some of the numbers of `compare` as sentences, a line each; `reference` is what the real pieces are called."""
    generated, real = comparison["generated"], comparison["real"]
    lines = [
        f"  {generated[name]:.0%} {predicate}; in {reference} {real[name]:.0%}"
        for name, predicate in SENTENCES.items()
        if name in generated and name in real
    ]
    if comparison["test"]:
        auc = comparison["test"]["auc"]
        lines.append(f"  a classifier tells it from {reference} with an AUC of {auc:.2f} (0.5 is chance, 1 is always)")
    return "\n".join(lines)


def comparison_picture(generated: Sequence[np.ndarray], real: Sequence[np.ndarray]) -> bytes:
    """Draws the first pieces of both sets, states on sixteenths, as a PNG file: generated on the left, real right."""
    from matplotlib.figure import Figure

    rows = max(1, min(MAX_PICTURE_PIECES, max(len(generated), len(real))))
    figure = Figure(figsize=(16, 2.6 * rows), dpi=100, layout="constrained")
    sides = (("generated", generated, MUSIC_COLOUR), ("real", real, PRIMER_COLOUR))
    for column, (title, rolls, colour) in enumerate(sides):
        for row in range(rows):
            axes = figure.add_subplot(rows, 2, 2 * row + column + 1)
            axes.set(xlim=(0, PICTURE_STEPS / 4), ylim=(33, 85), title=title if not row else "")
            axes.tick_params(labelsize=7)
            axes.grid(color="0.92", linewidth=0.5)
            if row < len(rolls):
                draw_notes(axes, rolls[row][:PICTURE_STEPS], 0, 4, colour)
    figure.supxlabel("beats", fontsize="small")
    return as_png(figure)
