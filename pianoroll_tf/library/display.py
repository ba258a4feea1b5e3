"""How a notebook shows a piece: a figure without pyplot, which would keep it in memory, and a player."""

import base64
import html
from typing import Any

from matplotlib.figure import Figure

from pianoroll_tf.data.clock import meter_spans
from pianoroll_tf.generation.audio import SAMPLE_RATE, as_wav, synthesize
from pianoroll_tf.generation.render import as_png, roll_figure

PLAYER_SECONDS = 60  # of a piece that the player holds, as it is stored with the notebook


class _NotebookFigure(Figure):
    """A figure that a notebook shows as a picture."""

    def _repr_png_(self) -> bytes:
        """The picture, for IPython."""
        return as_png(self)


def draw(piece: Any, first: int, steps: int) -> Figure:
    """The picture of `steps` steps of a `Piece` from the step `first`; ValueError if there are no such steps."""
    shown = piece.roll[first : first + steps]
    if first < 0 or not len(shown):
        raise ValueError(f"first must be >= 0 and < {len(piece)}. Received: first={first}, steps={steps}")
    title, bars = "", []
    if len(shown) < len(piece):
        begin, end, whole = (step / piece.steps_per_unit for step in (first, first + len(shown), len(piece)))
        title = f"{piece.grid} {begin:g} to {end:g} of {whole:g}"
    if piece.steps_per_beat:
        bars = [
            bar - first
            for begin, end, meter in meter_spans(piece.meters, len(piece))
            for bar in range(begin, end, meter.bar_steps(piece.steps_per_beat))
            if first <= bar < first + len(shown)
        ]
    primer = min(max(piece.primer_steps - first, 0), len(shown))
    unit, rate = piece.grid, piece.steps_per_unit
    return roll_figure(shown, primer, rate, unit, title, first, bars, figure_class=_NotebookFigure)


def as_html(piece: Any) -> str:
    """Picture and player of a `Piece`; of a long one, the start."""
    text = html.escape(repr(piece))
    if not len(piece):
        return text
    start = piece.part(0, max(1, round(PLAYER_SECONDS * piece.steps_per_second)))
    if len(start) < len(piece):
        text += f"; the player holds the first {start.seconds:.0f} s"
    sound, _ = synthesize(start.midi(), start.seconds)
    halved = sound[: len(sound) // 2 * 2].reshape(-1, 2).mean(axis=1)  # half the space in the notebook
    wav, png = as_wav(halved, SAMPLE_RATE // 2), as_png(piece.plot())
    png_data, wav_data = (base64.b64encode(content).decode() for content in (png, wav))
    return (
        f'<figure><img alt="piano-roll" style="max-width:100%" src="data:image/png;base64,{png_data}">'
        f'<figcaption>{text}</figcaption><audio controls src="data:audio/wav;base64,{wav_data}"></audio></figure>'
    )
