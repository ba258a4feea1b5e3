"""Measures of the music that a trained model generates, by its distance from the test split."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import NUM_PITCHES, RecordsConfig, RunConfig
from pianoroll_tf.data.clock import parse_meter
from pianoroll_tf.data.loading import Corpus
from pianoroll_tf.data.roll import SparseRoll, as_states, to_dense
from pianoroll_tf.generation.calibration.calibrate import ROWS, WINDOW_STEPS, calibrate
from pianoroll_tf.generation.calibration.trials import make_governor
from pianoroll_tf.generation.endpoints import SamplingModel, sample_rows
from pianoroll_tf.generation.render import midi_bytes
from pianoroll_tf.generation.training_samples import BEATS_PER_SECOND
from pianoroll_tf.modeling.run import steps_per_beat
from tuner.study.music_distance import FEATURES, Values, compare, cut, distribution, halves, join
from tuner.study.music_facts import Grid, RealFacts, fact_measures, measure_real

MAX_SEARCHED_STEPS = 1_000_000  # of training pieces, for steps that generated pieces share with them: some 4 s a run


def rolls(corpus: Corpus, articulation: bool = False) -> list[np.ndarray]:
    """The pieces of a split, uint8 [steps, 84] each; with articulation, notes may be struck again while they sound."""
    cells = np.cumsum([0, *corpus.counts], dtype=np.int64)[corpus.piece_offsets]
    pieces = [
        to_dense(SparseRoll(corpus.counts[start:end], corpus.cells[first:last]))
        for start, end, first, last in zip(
            corpus.piece_offsets, corpus.piece_offsets[1:], cells, cells[1:], strict=False
        )
    ]
    return pieces if articulation else [as_states(piece != 0) for piece in pieces]


@dataclasses.dataclass(frozen=True)
class Reference:
    """The music of the test split, cut to the length of the generated pieces.

    Attributes:
        features: Entry of `music_distance.FEATURES` → its distribution over all parts.
        ceiling: Entry → (overlap, distance) of two halves.
        facts: Of the same music; None: not measured.
    """

    parts: list[np.ndarray]
    features: dict[str, Values]
    ceiling: dict[str, tuple[float, float | None]]
    facts: RealFacts | None = None


def measure_splits(test: Corpus, training: Corpus, config: RunConfig, piece_steps: int, count: int) -> Reference:
    """The reference of a study, with facts; `count` parts of the test split are searched for in the training split.

    Of a large training split, only the first pieces are searched, `MAX_SEARCHED_STEPS` in all.
    """
    articulation = config.model.articulation
    pieces = rolls(test, articulation)
    grid = Grid(steps_per_beat(config), articulation, parse_meter(config.data.meter))
    clocks = np.split(test.clock, test.piece_offsets[1:-1])
    searched = rolls(first_pieces(training, MAX_SEARCHED_STEPS), articulation)
    facts = measure_real(pieces, clocks, searched, grid, piece_steps, count)
    return dataclasses.replace(reference(pieces, piece_steps), facts=facts)


def first_pieces(corpus: Corpus, steps: int) -> Corpus:
    """The first pieces of a corpus that have at most `steps` steps together, at least one piece."""
    pieces = max(1, int(np.searchsorted(corpus.piece_offsets, steps, side="right")) - 1)
    end = corpus.piece_offsets[pieces]
    cells = corpus.counts[:end].sum(dtype=np.int64)
    return Corpus(corpus.counts[:end], corpus.cells[:cells], corpus.piece_offsets[: pieces + 1], corpus.clock[:end])


def reference(pieces: Sequence[np.ndarray], piece_steps: int) -> Reference:
    """Measures the features of the test split, cut in parts as long as a generated piece."""
    cuts = [cut(piece, piece_steps) for piece in pieces]
    by_piece = {name: [distribution(name, parts) for parts in cuts] for name in FEATURES}
    return Reference(
        parts=[part for parts in cuts for part in parts],
        features={name: join(found) for name, found in by_piece.items()},
        ceiling={name: halves(name, found) for name, found in by_piece.items()},
    )


def generate(model, config: RunConfig, pieces: int, steps: int, seed: int) -> tuple[list[np.ndarray], float | None]:
    """Pieces from scratch, under the governor that an export of this model would have; piece i with seed + i.

    Returns:
        (rolls uint8 [steps, 84], density without the governor over that of the training data, None if that is 0).
    """
    data, ratio = config.data, None
    sampler = SamplingModel(model, config.loss, steps_per_beat(config), meter=parse_meter(data.meter))
    if data.density:
        found = calibrate(sampler, data, rows=ROWS, window_steps=min(steps, WINDOW_STEPS), with_shaping=False)
        ratio = found.uncorrected / data.density
        sampler = dataclasses.replace(sampler, governor=make_governor(data, found.shift, found.gain, found.brakes))
    nothing = tf.zeros([pieces, 0, NUM_PITCHES], tf.uint8)

    @tf.function(autograph=False)
    def draw():
        settings = (1.0, 1.0, 1.0)  # temperature, top-p, density: the model as it is
        return sample_rows(sampler, nothing, tf.constant(steps), tf.constant(seed, tf.int64), *settings)[0]

    return list(draw().numpy()), ratio


def music_measures(pieces: Sequence[np.ndarray], real: Reference) -> dict[str, float | None]:
    """Overlap and distance of each feature, the mean of the overlaps, facts: entries of `measures.MEASURES`."""
    found = {name: compare(name, distribution(name, pieces), real.features[name]) for name in FEATURES}
    measures: dict[str, float | None] = {"music_overlap": float(np.mean([area for area, _ in found.values()]))}
    for name, (area, distance) in found.items():
        measures |= {f"music_{name}_overlap": area, f"music_{name}_distance": distance}
    return measures | (fact_measures(pieces, real.facts) if real.facts else {})


def as_midi(roll: np.ndarray, grid: RecordsConfig) -> bytes:
    """A roll as MIDI file; a grid of beats at 120 a minute."""
    return midi_bytes(roll, grid.steps_per_unit * (1 if grid.grid == "seconds" else BEATS_PER_SECOND))
