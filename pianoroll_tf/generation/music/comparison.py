"""Generated music beside real music: facts that hear it, a two-sample test, a picture; all from MIDI files."""

import contextlib
import dataclasses
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from pianoroll_tf.data.clock import Meter
from pianoroll_tf.data.midi import MidiError
from pianoroll_tf.generation.music.facts import HeardFacts, corpus_facts, heard, read_piece
from pianoroll_tf.generation.music.two_sample import TwoSample, halves, two_sample
from pianoroll_tf.generation.render import BAR_HEIGHT, MUSIC_COLOUR, NOTE_GAP, PRIMER_COLOUR

# Name in the facts of a corpus → how a person reads it
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
SHOWN = 4  # pieces of either side in the picture
PICTURE_STEPS = 256


@dataclasses.dataclass(frozen=True)
class Side:
    """Pieces of one kind, as their MIDI files say.

    Attributes:
        rolls: States on sixteenths, uint8 [steps, 84] each.
        facts: Of each.
        silent: Pieces that were left out because they have no note.
    """

    rolls: list[np.ndarray]
    facts: list[HeardFacts]
    silent: int = 0


def side(files: Sequence[bytes]) -> Side:
    """Reads MIDI files; those without notes in the range are left out of rolls and facts, and counted."""
    found: list[tuple[np.ndarray, Meter]] = []
    for content in files:
        with contextlib.suppress(MidiError):  # the file of a silent piece has no notes
            found.append(read_piece(content))
    found = [(roll, meter) for roll, meter in found if roll.any()]
    facts = [heard(roll, meter) for roll, meter in found]
    return Side([roll for roll, _ in found], facts, silent=len(files) - len(found))


def judge(generated: Side, real: Side) -> dict[str, Any]:
    """All numbers, JSON-ready: facts of either side; `test` and `halves`, None where there are too few pieces."""
    tested: TwoSample | None = None
    if min(len(generated.rolls), len(real.rolls)) >= 5:
        tested = two_sample(generated.rolls, real.rolls)
    same = halves(real.rolls)
    return {
        "pieces": {"generated": len(generated.rolls), "real": len(real.rolls)},
        "silent": {"generated": generated.silent, "real": real.silent},
        "generated": corpus_facts(generated.facts),
        "real": corpus_facts(real.facts),
        "test": dataclasses.asdict(tested) if tested else None,
        "halves": dataclasses.asdict(same) if same else None,
    }


def table(judged: dict[str, Any]) -> str:
    """The numbers for a person to read, generated beside real."""
    pieces = judged["pieces"]
    head = f"{'':<44}{'generated':>12}{'real':>12}"
    lines = [head, f"{'pieces':<44}{pieces['generated']:>12}{pieces['real']:>12}"]
    if any(judged["silent"].values()):
        lines.append(f"{'silent pieces, left out':<44}" + "".join(f"{n:>12}" for n in judged["silent"].values()))
    for name, label in LABELS.items():
        values = (judged[kind].get(name) for kind in ("generated", "real"))
        lines.append(f"{label:<44}" + "".join(f"{'–':>12}" if value is None else f"{value:>12.3f}" for value in values))
    if judged["test"]:
        told = ", ".join(f"{name} ({auc:.2f})" for name, auc in judged["test"]["facts"][:3])
        lines.append(
            f"a classifier tells them apart with an AUC of {judged['test']['auc']:.3f}; best facts alone: {told}"
        )
    if judged["halves"]:
        lines.append(f"and two halves of the real pieces with {judged['halves']['auc']:.3f}, where 0.5 is chance")
    return "\n".join(lines)


def picture(generated: Sequence[np.ndarray], real: Sequence[np.ndarray]) -> bytes:
    """Some pieces of either kind, one below the other, generated on the left and real on the right: a PNG file."""
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure

    from pianoroll_tf.data.roll import roll_to_notes

    rows = max(1, min(SHOWN, max(len(generated), len(real))))
    figure = Figure(figsize=(16, 2.6 * rows), dpi=100, layout="constrained")
    sides = (("generated", generated, MUSIC_COLOUR), ("real", real, PRIMER_COLOUR))
    for column, (title, rolls, colour) in enumerate(sides):
        for row in range(rows):
            axes = figure.add_subplot(rows, 2, 2 * row + column + 1)
            axes.set(xlim=(0, PICTURE_STEPS / 4), ylim=(33, 85), title=title if not row else "")
            axes.tick_params(labelsize=7)
            axes.grid(color="0.92", linewidth=0.5)
            if row >= len(rolls):
                continue
            start, end, pitch = roll_to_notes(rolls[row][:PICTURE_STEPS])
            left, right = start / 4, (end - NOTE_GAP) / 4
            low, high = pitch - BAR_HEIGHT / 2, pitch + BAR_HEIGHT / 2
            corners = [(left, low), (right, low), (right, high), (left, high)]
            bars = np.stack([np.stack(corner, axis=-1) for corner in corners], axis=1)
            axes.add_collection(PolyCollection(bars, facecolor=colour, linewidth=0))
    figure.supxlabel("beats", fontsize="small")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
