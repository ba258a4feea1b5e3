"""Fills bars of a MIDI file with an exported model, and writes the whole piece."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from pianoroll_tf.config import SamplingConfig
from pianoroll_tf.generation import pieces
from pianoroll_tf.generation.continuation import Primer, primer_dynamics
from pianoroll_tf.generation.infilling import Filling, Gap, fill
from pianoroll_tf.generation.piece_options import PieceOptions, parse_bars
from pianoroll_tf.generation.pieces import PiecePlan, WrittenPiece
from pianoroll_tf.generation.saved_model import MusicModel
from pianoroll_tf.generation.steering import NO_STEERING, Steering


@dataclasses.dataclass(frozen=True)
class FilledPlan(PiecePlan):
    """What to fill; `primer` is the part before the gap that is continued, `written_primer` the whole piece."""

    gap: Gap


def plan_pieces(model: MusicModel, whole: Primer, options: PieceOptions) -> FilledPlan:
    """Determines the gap, tempo and time signatures.

    Args:
        model: An exported model.
        whole: The whole of `options.primer`.
        options: Those of the user, with `infill`.

    Raises:
        ValueError: The bars are not in the piece, or a length is not allowed.
    """
    tempo = options.tempo or whole.tempo or model.tempo
    rate = model.grid.rate(tempo)
    context = options.primer_steps or model.window_steps
    if options.primer_seconds is not None:
        context = pieces.seconds_to_steps(options.primer_seconds, rate, pieces.MAX_PRIMER_STEPS, "primer_seconds")
    start, end = gap_steps(whole, *parse_bars(options.infill or ""), model, rate)
    gap = Gap.of(whole, start, end, context, model.steps_per_beat, model.meter)
    pieces.check_files(model, options, len(whole.roll) / rate)
    dynamics = primer_dynamics(whole, model.dynamics, model.steps_per_beat)
    meter = whole.meters[-1][1] if whole.meters else model.meter
    before = dataclasses.replace(whole, roll=gap.before)
    return FilledPlan(before, whole, gap.steps, model.grid, tempo, meter, gap.place, dynamics, gap)


def gap_steps(whole: Primer, first_bar: int, last_bar: int, model: MusicModel, rate: float) -> tuple[int, int]:
    """First step of the first bar and step after the last, from 1; on the grid of seconds both are seconds.

    Raises:
        ValueError: The piece has no such bars.
    """
    if model.steps_per_beat is None:
        start, end = round(first_bar * rate), min(round(last_bar * rate), len(whole.roll))
        if start < end:
            return start, end
        allowed = f"seconds within the piece, which has {len(whole.roll) / rate:.4g}"
    else:
        bars = [*whole.bars(model.steps_per_beat), len(whole.roll)]
        if 1 <= first_bar <= last_bar < len(bars):
            return bars[first_bar - 1], bars[last_bar]
        allowed = f"bars 1..{len(bars) - 1} of the piece"
    raise ValueError(f"infill must be {allowed}. Received: infill={first_bar}..{last_bar}")


def fill_pieces(
    model: MusicModel, plan: FilledPlan, sampling: SamplingConfig, options: PieceOptions, steering: Steering
) -> Iterator[tuple[Filling, Primer]]:
    """Fills the gap `options.count` times: what fills it, and the whole piece; the seeds of the particles follow on."""
    gap, given = plan.gap, plan.written_primer.velocities
    if given is not None:
        given = given.copy()
        given[gap.start : gap.end] = 0  # not known
    for number in range(options.count):
        own = dataclasses.replace(sampling, seed=sampling.seed + number * options.particles)
        filling = fill(model, gap, own, options.particles, steering)
        yield filling, dataclasses.replace(plan.written_primer, roll=gap.filled(filling.music), velocities=given)


def write_pieces(
    model: MusicModel,
    plan: FilledPlan,
    sampling: SamplingConfig,
    out: Path,
    options: PieceOptions,
    steering: Steering = NO_STEERING,
) -> Iterator[WrittenPiece]:
    """Fills a gap and writes the files of each piece as soon as it is complete; the arguments of `pieces.write_pieces`.

    Raises:
        OSError: A file cannot be written.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    filled = fill_pieces(model, plan, sampling, options, steering)
    for path, (filling, whole) in zip(pieces.piece_paths(out, options.count), filled, strict=True):
        own = dataclasses.replace(plan, written_primer=whole)
        files = pieces.write_files(path, whole.roll, filling.music, own, options, (plan.gap.start, plan.gap.end))
        yield WrittenPiece(path, filling.music, False, f"{files}; {describe(filling, plan.gap)}")


def describe(filling: Filling, gap: Gap) -> str:
    """What weighted the particles, for a person to read.

    >>> import numpy as np
    >>> gap = Gap(np.zeros((96, 84), np.uint8), 16, 32, np.zeros((0, 84), np.uint8), None, 0)
    >>> describe(Filling(gap.whole[16:32], 1, 1.25, np.array([-96.0, -32.0])), gap)
    '1.2 of 2 particles took part, -0.50 nats per step in the 64 steps that follow, -1.00 on average'
    """
    after, particles = filling.after(gap.look_ahead), len(filling.log_likelihoods)
    if not gap.look_ahead:
        return f"one of {particles} continuations, as nothing follows"
    chosen, mean = (after[name] / gap.look_ahead for name in ("chosen", "mean"))
    return (
        f"{filling.effective:.1f} of {particles} particles took part, {chosen:.2f} nats per step in the "
        f"{gap.look_ahead} steps that follow, {mean:.2f} on average"
    )
