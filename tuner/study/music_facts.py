"""Facts of generated music beside those of the test split: onsets, metre, recurrence, a classifier, copied steps.

They are those of `pianoroll_tf.generation.music`, on the grid of the study: a fact about beats or bars is None on a
grid of seconds, and one about re-struck notes is None where rolls have no articulation. All sets are cut to the same
length.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from pianoroll_tf.data.clock import MAX_QUARTERS, Meter
from pianoroll_tf.data.roll import STRUCK, as_states
from pianoroll_tf.generation.music.copying import longest_shared_runs
from pianoroll_tf.generation.music.facts import PieceFacts, corpus_facts, piece_facts, recurring_bars
from pianoroll_tf.generation.music.two_sample import FOLDS, Windows, compare_halves, compare_windows, measure_windows
from tuner.study.measures import FACTS, METRE
from tuner.study.music_distance import HALVINGS

TREES = 100  # of the classifier, once a run: as good as 300 to two digits, in a third of the time
# Entry of `FACTS` → its name in `corpus_facts`; others are computed from these
NAMES = {name: name for name in FACTS if name not in ("shared_steps", "beyond_chance")} | {METRE: "phase_1"}


@dataclasses.dataclass(frozen=True)
class Grid:
    """What the facts depend on: steps per beat (None: a grid of seconds), articulation, metre of generated pieces."""

    steps_per_beat: int | None
    articulation: bool
    meter: Meter = Meter()  # noqa: RUF009 (frozen)


@dataclasses.dataclass(frozen=True)
class PartFacts:
    """The facts of one piece, or part of one, and the most steps in a row that it shares with a training piece."""

    facts: PieceFacts
    shared_steps: int | None


@dataclasses.dataclass(frozen=True)
class RealFacts:
    """The test split, measured.

    Attributes:
        pieces: Whole, as states.
        parts: Of each piece, as long as generated ones.
        windows: Of the pieces, for the classifier; None if they are too few.
        training: The training pieces, as states; empty: nothing is compared with them.
    """

    grid: Grid
    pieces: list[np.ndarray]
    parts: list[list[PartFacts]]
    windows: Windows | None
    training: list[np.ndarray]


def measure_real(
    pieces: Sequence[np.ndarray],
    clocks: Sequence[np.ndarray],
    training: Sequence[np.ndarray],
    grid: Grid,
    piece_steps: int,
    count: int,
) -> RealFacts:
    """Measures the test split.

    Args:
        pieces: States of its pieces, [steps, 84] each.
        clocks: Clock code of each step of each piece; not used on a grid of seconds.
        training: States of the training pieces.
        piece_steps: Steps of a generated piece.
        count: Parts of which the steps shared with training are counted, the first ones.
    """
    parts = [
        [_trim(piece[at : at + piece_steps], clock[at : at + piece_steps], grid) for at in _starts(piece, piece_steps)]
        for piece, clock in zip(pieces, clocks, strict=True)
    ]
    every = [part for found in parts for part in found]
    lengths = iter(_shared_steps([roll for roll, _ in every[:count]], training) + [None] * len(every[count:]))
    return RealFacts(
        grid=grid,
        pieces=list(pieces),
        parts=[[PartFacts(_facts(*part, grid), next(lengths)) for part in found] for found in parts],
        windows=measure_windows(pieces) if len(pieces) >= FOLDS else None,
        training=list(training),
    )


def _starts(piece: np.ndarray, steps: int) -> list[int]:
    """Where the parts of a piece begin; a rest of less than half a part is left out, as by `music_distance.cut`."""
    starts = range(0, len(piece), steps)
    return [at for at in starts if 2 * (len(piece) - at) >= steps] or list(starts)


def _trim(part: np.ndarray, clock: np.ndarray, grid: Grid) -> tuple[np.ndarray, int]:
    """A part from its first bar line, and the steps of most of its bars; from its start if there is none."""
    if grid.steps_per_beat is None:
        return part, 0
    in_bar = clock % (grid.steps_per_beat * MAX_QUARTERS)  # 0 at a bar line: first position of the first quarter
    lines = np.flatnonzero(in_bar == 0)
    if len(lines) < 2:
        return part, grid.meter.bar_steps(grid.steps_per_beat)
    return part[lines[0] :], int(np.bincount(np.diff(lines)).argmax())


def _facts(roll: np.ndarray, bar_steps: int, grid: Grid) -> PieceFacts:
    """The facts of a roll that begins at a bar line."""
    found = piece_facts(roll, steps_per_beat=grid.steps_per_beat)
    if grid.steps_per_beat is None:
        return found
    return dataclasses.replace(found, recurring_bars=recurring_bars(as_states(roll) == STRUCK, bar_steps))


def _shared_steps(rolls: Sequence[np.ndarray], training: Sequence[np.ndarray]) -> list[int | None]:
    if not rolls or not training:
        return [None] * len(rolls)
    return [run.steps for run in longest_shared_runs(rolls, training)]


def summarise_facts(parts: Sequence[PartFacts], grid: Grid) -> dict[str, float | None]:
    """Each entry of `FACTS` over some pieces; None where the grid does not have it, or no piece does."""
    mean = corpus_facts([part.facts for part in parts]) if parts else {}
    values: dict[str, float | None] = {name: mean.get(found) for name, found in NAMES.items()}
    # of dense noise nearly all onsets share a step, so a share alone does not tell whether notes begin together
    together = mean["synchrony"] - mean["synchrony_by_chance"] if "synchrony" in mean else None
    values["beyond_chance"] = together
    if not grid.articulation:
        values["restruck"] = None
    lengths = [part.shared_steps for part in parts if part.shared_steps is not None]
    return values | {"shared_steps": float(np.median(lengths)) if lengths else None}


def gaps(one: Sequence[PartFacts], other: Sequence[PartFacts], grid: Grid) -> dict[str, float | None]:
    """The distance of each entry of `FACTS` between two sets; that of the metre is over all positions of the beat."""
    pairs = zip(*(summarise_facts(parts, grid).items() for parts in (one, other)), strict=True)
    found: dict[str, float | None] = {
        name: None if a is None or b is None else abs(a - b) for (name, a), (_, b) in pairs
    }
    if found[METRE] is not None and grid.steps_per_beat:
        means = [corpus_facts([part.facts for part in parts]) for parts in (one, other)]
        names = [f"phase_{position}" for position in range(1, grid.steps_per_beat + 1)]
        found[METRE] = sum(abs(means[0][name] - means[1][name]) for name in names) / 2
    return found


def fact_measures(pieces: Sequence[np.ndarray], real: RealFacts) -> dict[str, float | None]:
    """The facts of generated pieces, their distances from the real ones, and how well a classifier tells them apart.

    Args:
        pieces: States, or cells of 0 and 1, [steps, 84] each.
        real: From `measure_real`.

    Returns:
        Entries of `measures.MEASURES`.
    """
    grid, rolls = real.grid, [as_states(piece) for piece in pieces]
    bar_steps = grid.meter.bar_steps(grid.steps_per_beat) if grid.steps_per_beat else 0
    lengths = _shared_steps(rolls, real.training)
    parts = [PartFacts(_facts(roll, bar_steps, grid), steps) for roll, steps in zip(rolls, lengths, strict=True)]
    values = summarise_facts(parts, grid)
    distances = gaps(parts, [part for found in real.parts for part in found], grid)
    test: dict[str, Any] = {"auc": None, "facts": [("", None)]}
    if real.windows is not None and len(rolls) >= FOLDS:
        test = compare_windows(measure_windows(rolls), real.windows, trees=TREES)
    return (
        {f"music_{name}": value for name, value in values.items()}
        | {f"music_{name}_gap": value for name, value in distances.items()}
        | {"music_auc": test["auc"], "music_best_auc": test["facts"][0][1]}
    )


def real_measures(real: RealFacts) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """The facts of the test split, and what of them the gaps and AUCs of its own random halves are: the ceiling.

    No piece is in both halves. There are no AUCs for fewer than ten pieces.
    """
    rng, found = np.random.default_rng(0), []
    for _ in range(HALVINGS if len(real.parts) > 1 else 0):
        order = rng.permutation(len(real.parts))
        one, other = ([part for i in half for part in real.parts[i]] for half in np.array_split(order, 2))
        found.append(gaps(one, other, real.grid))
    ceiling: dict[str, float | None] = {}
    for name in FACTS:
        distances = [each[name] for each in found]
        known = [distance for distance in distances if distance is not None]
        ceiling[f"music_{name}_gap"] = float(np.mean(known)) if known else None
    test = compare_halves(real.pieces, trees=TREES)
    if test is not None:
        ceiling |= {"music_auc": test["auc"], "music_best_auc": test["facts"][0][1]}
    values = summarise_facts([part for found in real.parts for part in found], real.grid)
    return {f"music_{name}": value for name, value in values.items()}, ceiling
