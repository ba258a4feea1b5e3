"""The steps of a corpus as bit fields, from which a whole batch of windows is cut and made dense by one look-up.

The 84 pitches of a step are 7 groups of 12; a group is a code of 12 bits, for which a table has the 12 cells. So a
batch takes no longer than writing its cells; scattering ones into zeros takes three times as long.
"""

import numpy as np
import tensorflow as tf

from pianoroll_tf.config import NUM_PITCHES
from pianoroll_tf.data.loading import Corpus
from pianoroll_tf.data.roll import STRUCK_BIT

GROUP = 12  # pitches per code: the table of 48 KB stays in the processor's cache
GROUPS = NUM_PITCHES // GROUP
_BLOCK_STEPS = 1 << 16  # packed at a time, in the processor's cache
_GROUP_OF, _BIT_OF = np.divmod(np.arange(STRUCK_BIT, dtype=np.int32), GROUP)  # of each column
_WEIGHT_OF = (1 << _BIT_OF).astype(np.int16)


def pack(corpus: Corpus) -> np.ndarray:
    """Packs the steps of a corpus and a silent step after them: int16 [steps + 1, 2, 7], sounding and struck cells.

    >>> from pianoroll_tf.data.loading import join_pieces
    >>> one = join_pieces([np.array([2], np.uint8)], [np.array([1, 12 + 128], np.uint8)])
    >>> pack(one).tolist()
    [[[2, 1, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0, 0]], [[0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0]]]
    """
    steps, cell = len(corpus.counts), 0
    codes = np.zeros((steps + 1, 2, GROUPS), np.int16)
    for begin in range(0, steps, _BLOCK_STEPS):
        counts = corpus.counts[begin : begin + _BLOCK_STEPS]
        step = np.repeat(np.arange(0, len(counts) * GROUPS, GROUPS, dtype=np.int32), counts)
        cells = corpus.cells[cell : cell + len(step)]
        column = cells % STRUCK_BIT
        place, weight = step + np.take(_GROUP_OF, column), np.take(_WEIGHT_OF, column)
        # Cells of the same group follow one another, so their union is that of a slice
        slices = np.flatnonzero(np.concatenate([[len(place) > 0], place[1:] != place[:-1]]))
        for plane, weights in enumerate((weight, weight * (cells >= STRUCK_BIT))):
            union = np.zeros(len(counts) * GROUPS, np.int16)
            if len(slices):
                np.bitwise_or.at(union, place[slices], np.bitwise_or.reduceat(weights, slices))
            codes[begin : begin + len(counts), plane] = union.reshape(-1, GROUPS)
        cell += len(step)
    return codes


def clock_of(corpus: Corpus) -> np.ndarray:
    """The clock codes of a corpus and of a silent step after it, int32 [steps + 1]."""
    return np.append(corpus.clock, 0).astype(np.int32)


class Frames:
    """Cuts windows of T = `window_steps` from the steps of pieces.

    Args:
        codes: From `pack`.
        clock: From `clock_of`.
        window_steps: T.
    """

    def __init__(self, codes: tf.Tensor, clock: tf.Tensor, window_steps: int) -> None:
        self._steps = window_steps + 1
        self._codes, self._clock = codes, clock
        self._silent = tf.size(clock, tf.int64) - 1

    @classmethod
    def of(cls, corpus: Corpus, window_steps: int) -> "Frames":
        """Those of a corpus in memory."""
        return cls(tf.constant(pack(corpus)), tf.constant(clock_of(corpus)), window_steps)

    def cut(self, windows: dict[str, tf.Tensor]) -> tf.Tensor:
        """Codes of T + 1 frames per window, int16 [batch, T + 1, 2, 7]; silent outside the piece.

        The first is that of the step before `start`. A window has the `begin` of its piece, and its `start` and `end`,
        int64 [batch] each.
        """
        step = windows["start"][:, None] - 1 + tf.range(self._steps, dtype=tf.int64)  # [batch, T + 1]
        inside = (step >= windows["begin"][:, None]) & (step < windows["end"][:, None])
        return tf.gather(self._codes, tf.where(inside, step, self._silent))

    def clock(self, windows: dict[str, tf.Tensor]) -> tf.Tensor:
        """Clock codes of the T steps of each window, int32 [batch, T]; 0 outside the piece."""
        step = windows["start"][:, None] + tf.range(self._steps - 1, dtype=tf.int64)
        return tf.gather(self._clock, tf.where(step < windows["end"][:, None], step, self._silent))


def dense(codes: tf.Tensor) -> tf.Tensor:
    """Converts codes, int16 [batch, time, 2, 7], to cells, uint8 [batch, time, 84]: 0 silent, 1 held, 2 struck."""
    table = tf.constant(np.arange(1 << GROUP)[:, None] >> np.arange(GROUP) & 1, tf.uint8)
    planes = tf.reshape(tf.gather(table, codes), [*codes.shape[:2], 2, NUM_PITCHES])
    return planes[:, :, 0] + planes[:, :, 1]


def pitch_range(codes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The lowest and the highest column that sounds in each window, int32 [batch]; 84 and -1 for a silent window."""
    bits = tf.constant(np.arange(GROUP), tf.int16)
    union = tf.reduce_any(tf.bitwise.right_shift(codes[:, :, 0, :, None], bits) % 2 == 1, axis=1)
    sounds, column = tf.reshape(union, [-1, NUM_PITCHES]), tf.range(NUM_PITCHES)
    lowest = tf.reduce_min(tf.where(sounds, column, NUM_PITCHES), axis=1)
    return lowest, tf.reduce_max(tf.where(sounds, column, -1), axis=1)


def transpose(codes: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """Moves every cell up by `shift` columns, int32 [batch], -12..12; cells that leave the 84 columns are lost."""
    wide = tf.pad(tf.cast(codes, tf.int64), [[0, 0], [0, 0], [0, 0], [1, 1]])
    # Each group between its neighbours, 36 bits, from which the 12 bits in its place after the shift are cut.
    three = wide[..., 2:] * (1 << 2 * GROUP) + wide[..., 1:-1] * (1 << GROUP) + wide[..., :-2]
    places = tf.cast(GROUP - shift, tf.int64)[:, None, None, None]
    return tf.cast(tf.bitwise.right_shift(three, places) % (1 << GROUP), tf.int16)
