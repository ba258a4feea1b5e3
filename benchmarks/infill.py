"""Compares filled bars with plain continuations through the gap and with the real bars, on test pieces.

Usage: python -m benchmarks.infill saved_models/NAME tfrecords/NAME [--pieces 20] [--particles 64]

Each gap is of two bars. The filled bars are chosen among the particles by the 64 steps that follow; the next 64 take no
part in the choice. The plain continuation is the first particle.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

SEED = 7000
GAP_BARS, FIRST_BAR, EVERY_BARS, GAPS_PER_PIECE = 2, 4, 8, 3
FIRST_STEPS = 16
ROWS = ("real bars", "plain continuation")
COLUMNS = {
    "gaps": "gaps",
    "first": "the first 16 steps that follow, nats per step",
    "after": "the 64 steps that follow, nats per step",
    "beyond": "the next 64, nats per step",
    "gap": "the gap, nats per step",
    "effective": "effective particles",
    "onsets": "onsets per step",
    "density": "density",
    "clash": "steps with a semitone clash",
    "length": "length of notes at the seam, steps",
    "broken": "held notes struck again",
}


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The command's flags."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.infill", description=__doc__, allow_abbrev=False)
    parser.add_argument("model", type=Path, help="an exported model")
    parser.add_argument("records", type=Path, help="its records, of which the test split is used")
    parser.add_argument("--pieces", type=int, default=1000, help="number of pieces at most (all)")
    parser.add_argument("--particles", type=int, nargs="+", default=[4, 16, 64], help="numbers of particles (4 16 64)")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Prints the table and the gain over plain continuation."""
    args = parse(argv)
    import pianoroll_tf
    from pianoroll_tf.generation import saved_model

    model = saved_model.load(args.model)
    found: dict[str, list[dict[str, float]]] = {}
    for number, piece in enumerate(pianoroll_tf.Records(args.records).pieces("test")):
        if number == args.pieces:
            break
        for start, end in gaps(piece.roll, piece.meters, model.steps_per_beat):
            for name, facts in measure(model, piece, start, end, args.particles, SEED + 1000 * number + start).items():
                found.setdefault(name, []).append(facts | {"piece": number})
        print(f"\r{number + 1} pieces", end="", file=sys.stderr)
    print(file=sys.stderr)
    print(table(found))
    for name in found:
        if name not in ROWS:
            gain, error = difference(found[name], found[ROWS[1]], "after")
            print(f"\n{name}: {gain:+.3f} nats in each of the 64 steps, ± {error:.3f} (standard error over pieces)")
    return 0


def gaps(roll: np.ndarray, meters: Any, steps_per_beat: int) -> Iterator[tuple[int, int]]:
    """First step, and step after the last, of some gaps of a piece, each with at least 64 steps that follow."""
    from pianoroll_tf.generation.continuation import Primer
    from pianoroll_tf.generation.infilling import LOOK_AHEAD_STEPS

    bars = Primer(roll, meters=meters).bars(steps_per_beat)
    firsts = range(FIRST_BAR, len(bars) - GAP_BARS, EVERY_BARS)
    possible = [(bars[first], bars[first + GAP_BARS]) for first in firsts]
    yield from [gap for gap in possible if gap[1] + LOOK_AHEAD_STEPS <= len(roll)][:GAPS_PER_PIECE]


def measure(model: Any, piece: Any, start: int, end: int, counts: list[int], seed: int) -> dict[str, dict[str, float]]:
    """The facts about one gap: real, plain, and filled with each number of particles."""
    from pianoroll_tf.config import SamplingConfig
    from pianoroll_tf.generation import infilling
    from pianoroll_tf.generation.continuation import Primer

    whole = Primer(piece.roll, piece.tempo, piece.meters)
    gap = infilling.Gap.of(whole, start, end, model.window_steps, model.steps_per_beat, model.meter)
    music = infilling.draw_particles(model, gap, SamplingConfig(seed=seed), max(counts))
    music = np.concatenate([piece.roll[np.newaxis, start:end], music])
    rolls = np.stack([gap.filled(one) for one in music])
    read = rolls[:, start - len(gap.before) : end + 2 * infilling.LOOK_AHEAD_STEPS]
    nats = infilling.score(model, gap, read)[:, len(gap.before) :]
    facts = [facts_of(gap, roll, one) for roll, one in zip(rolls, nats, strict=True)]
    rows = dict(zip(ROWS, facts, strict=False))
    for count in counts:
        after = nats[1 : count + 1, gap.steps : gap.steps + infilling.LOOK_AHEAD_STEPS].sum(axis=1)
        filling = infilling.choose(music[1 : count + 1], after, seed)
        rows[f"filled, {count} particles"] = facts[1 + filling.chosen] | {"effective": filling.effective}
    return rows


def facts_of(gap: Any, roll: np.ndarray, nats: np.ndarray) -> dict[str, float]:
    """The facts about a piece with something in its gap; `nats` are those of the steps from the gap on."""
    from pianoroll_tf.generation.infilling import LOOK_AHEAD_STEPS
    from pianoroll_tf.generation.music.facts import piece_facts

    facts, split = piece_facts(roll[gap.start : gap.end]), gap.steps + LOOK_AHEAD_STEPS
    found = {name: getattr(facts, name) for name in ("onsets", "density", "clash") if getattr(facts, name) is not None}
    first = nats[gap.steps : gap.steps + FIRST_STEPS]
    parts = {"gap": nats[: gap.steps], "first": first, "after": nats[gap.steps : split], "beyond": nats[split:]}
    found |= {name: float(part.mean()) for name, part in parts.items() if len(part)}
    return found | seam_facts(gap.whole, roll, gap.end)


def seam_facts(real: np.ndarray, roll: np.ndarray, end: int) -> dict[str, float]:
    """What happens to the notes where a gap ends.

    `length`: mean steps of the notes that sound at its last step; `broken`: share of the notes that the real piece
    holds behind it that are struck there, as the gap does not hold them.

    >>> real, roll = np.ones((4, 84), np.uint8), np.ones((4, 84), np.uint8)
    >>> real[0] = roll[0] = 2
    >>> roll[1, :42] = 0
    >>> roll[2, :42] = 2
    >>> seam_facts(real, roll, end=2)
    {'length': 4.0, 'broken': 0.5}
    """
    from pianoroll_tf.data.roll import HELD, STRUCK, roll_to_notes

    begins, ends, _ = roll_to_notes(roll)
    lengths = (ends - begins)[(begins < end) & (ends >= end)]
    held = real[end] == HELD
    found = {"length": float(lengths.mean())} if len(lengths) else {}
    return found | ({"broken": float((roll[end, held] == STRUCK).mean())} if held.any() else {})


def difference(one: list[dict[str, float]], other: list[dict[str, float]], name: str) -> tuple[float, float]:
    """Mean of the differences of a fact over the pieces, and its standard error."""
    by_piece: dict[float, list[float]] = {}
    for a, b in zip(one, other, strict=True):
        by_piece.setdefault(a["piece"], []).append(a[name] - b[name])
    means = np.array([np.mean(values) for values in by_piece.values()])
    return float(means.mean()), float(means.std(ddof=1) / np.sqrt(len(means)))


def table(found: dict[str, list[dict[str, float]]]) -> str:
    """The means over all gaps, as a table in Markdown."""
    lines = ["| | " + " | ".join(COLUMNS.values()) + " |", "| --- |" + " ---: |" * len(COLUMNS)]
    for name, gaps_found in found.items():
        cells = [str(len(gaps_found))]
        for column in list(COLUMNS)[1:]:
            values = [facts[column] for facts in gaps_found if column in facts]
            share = column in ("density", "broken", "clash")
            cells.append("" if not values else f"{np.mean(values):.1%}" if share else f"{np.mean(values):.2f}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
