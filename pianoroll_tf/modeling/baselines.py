"""The baselines: the frequency of each note, and copying the last step, as probabilities from the training split."""

from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import NUM_PITCHES, RunConfig
from pianoroll_tf.data.loading import Corpus
from pianoroll_tf.data.opening import open_split, streams
from pianoroll_tf.data.pipeline import evaluation_dataset
from pianoroll_tf.data.records import manifest_sha256
from pianoroll_tf.data.roll import STRUCK_BIT
from pianoroll_tf.data.stream import Stream
from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling.evaluation import Evaluator

SMOOTHING = 0.5  # cells added to both outcomes of every pitch (Jeffreys): no probability is 0 or 1


def note_frequency(corpus: Corpus | Stream) -> np.ndarray:
    """Log-odds that each pitch sounds in the training split, regardless of the previous steps, float32 [pitch]."""
    sounding = sum(np.bincount(_cells(part)[1], minlength=NUM_PITCHES) for part in corpus.parts())
    return _log_odds(np.asarray(sounding), corpus.steps)


def copy_the_last_step(corpus: Corpus | Stream) -> np.ndarray:
    """Log-odds that each pitch sounds, given whether it did at the previous step; silence precedes each piece.

    Returns:
        float32 [2, pitch]: row 0 for a pitch that was silent, row 1 for one that sounded.
    """
    total, both, before = np.sum([_sounding(part) for part in corpus.parts()], axis=0)
    return np.stack([_log_odds(total - both, corpus.steps - before), _log_odds(both, before)])


def _sounding(corpus: Corpus) -> np.ndarray:
    """Numbers of cells: that sound, that did so at the previous step too, that precede a step; int64 [3, pitch]."""
    steps, pitches = _cells(corpus)
    last = np.isin(steps, corpus.piece_offsets[1:] - 1)
    held = _held(corpus, steps, pitches)
    return np.stack([np.bincount(pitches[chosen], minlength=NUM_PITCHES) for chosen in (..., held, ~last)])


def _cells(corpus: Corpus) -> tuple[np.ndarray, np.ndarray]:
    """Step and pitch (0..83) of every active cell, int64 [active] each."""
    steps = np.repeat(np.arange(len(corpus.counts)), corpus.counts)
    return steps, (corpus.cells % STRUCK_BIT).astype(np.int64)


def _held(corpus: Corpus, steps: np.ndarray, pitches: np.ndarray) -> np.ndarray:
    """Whether the pitch of each of the `_cells` sounded at the previous step too, bool [active]."""
    before = np.isin((steps - 1) * NUM_PITCHES + pitches, steps * NUM_PITCHES + pitches)
    return before & ~np.isin(steps, corpus.piece_offsets[:-1])


def _log_odds(sounding: np.ndarray, of: np.ndarray | int) -> np.ndarray:
    """Log-odds of `sounding` cells among `of`, smoothed, float32.

    >>> print(_log_odds(np.array([0, 1]), 2))  # odds 0.5 : 2.5 and 1.5 : 1.5
    [-1.609438  0.      ]
    """
    return np.log((sounding + SMOOTHING) / (of - sounding + SMOOTHING)).astype(np.float32)


def strikes_and_ends(corpus: Corpus | Stream) -> tuple[float, float]:
    """Log-odds that a pitch that keeps sounding is struck again, and that a piece ends with a step."""
    struck = held = 0
    for part in corpus.parts():
        kept = _held(part, *_cells(part))
        struck, held = struck + int((part.cells[kept] >= STRUCK_BIT).sum()), held + int(kept.sum())
    pieces = int((corpus.piece_steps > 0).sum())
    return float(_log_odds(np.array(struck), held)), float(_log_odds(np.array(pieces), corpus.steps))


def _evaluator(corpus: Corpus | Stream, sounds: Callable[[tf.Tensor], tf.Tensor]) -> Evaluator:
    """The evaluator of the log-odds that `sounds` computes from the previous cells, [batch, time, pitch]."""
    struck, ends = strikes_and_ends(corpus)

    def predict(batch, state):
        before = batch["inputs"]
        others = (tf.fill(tf.shape(before), struck), tf.fill(tf.shape(before[..., :1]), ends))
        return tf.concat([sounds(before), *others], axis=-1), state

    return Evaluator(predict, lambda batch: ())


def _note_frequency_evaluator(corpus: Corpus | Stream) -> Evaluator:
    table = tf.constant(note_frequency(corpus))
    return _evaluator(corpus, lambda before: tf.broadcast_to(table, tf.shape(before)))


def _copy_the_last_step_evaluator(corpus: Corpus | Stream) -> Evaluator:
    silent, sounding = (tf.constant(row) for row in copy_the_last_step(corpus))
    return _evaluator(corpus, lambda before: tf.where(before != 0, sounding, silent))


# Name → function from the training split to an evaluator
BASELINES: dict[str, Callable[[Corpus | Stream], Evaluator]] = {
    "copy_last_step": _copy_the_last_step_evaluator,
    "note_frequency": _note_frequency_evaluator,
}


def baseline_nlls(config: RunConfig, names: Iterable[str] = tuple(BASELINES)) -> dict[str, float]:
    """The validation NLL of baselines, which a run must beat, by name; empty if its records no longer exist."""
    try:
        if manifest_sha256(config.data.path) != config.data.manifest_sha256:
            return {}
        stream = streams(config.dataset.stream, config.data.path)
        training, validation = (open_split(config.data.path, split, stream) for split in ("train", "val"))
    except (OSError, UserError):
        return {}
    dataset = evaluation_dataset(validation, config.dataset)
    return {name: BASELINES[name](training).statistics(dataset).results()["nll"] for name in names}


def copying_nll(config: RunConfig) -> float | None:
    """The validation NLL of copying the last step; None if the records of the run no longer exist."""
    return baseline_nlls(config, ["copy_last_step"]).get("copy_last_step")
