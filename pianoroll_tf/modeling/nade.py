"""The equations of the nade head: NADE with a triangular matrix; teacher-forced log-odds, and two ways of sampling.

The pitches p of a step are decided in ascending order. With the network's output h, the cells y and strikes
s decided so far, and the cells x of the previous step:

    a_p      = c + U h + sum over q < p with y_q = 1 of (W_q + x_q X_q + s_q S_q)
    sounds_p = b_p  + D_p  h + V_p  tanh(a_p) + sum over q < p with y_q = 1 of L_pq
    struck_p = b'_p + D'_p h + V'_p tanh(a_p)
    ends     = b''  + D''  h + V''  tanh(a_84)

`struck_p` is decided only where p sounds now and sounded at the previous step; a pitch that begins to sound is struck.

Reference:
    Larochelle and Murray 2011, "The Neural Autoregressive Distribution Estimator"; Boulanger-Lewandowski et al. 2012,
    "Modeling Temporal Dependencies in High-Dimensional Sequences", section 5 (RNN-NADE). Their matrix from the sequence
    to the visible bias is D here; X, S and L are additions.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf


class Thresholds(NamedTuple):
    """The random numbers u of a step as thresholds: a decision is yes where its log-odds l exceed log(u / (1 - u))."""

    sounds: tf.Tensor  # float32 [batch, P]
    struck: tf.Tensor  # float32 [batch, P]; not used without strikes
    ends: tf.Tensor  # float32 [batch]


def log_odds(numbers: tf.Tensor) -> tf.Tensor:
    """The log-odds of numbers in [0, 1): the thresholds of decisions whose log-odds are not shaped."""
    return tf.math.log(numbers) - tf.math.log1p(-numbers)


def plain_thresholds(numbers: tf.Tensor, pitches: int) -> Thresholds:
    """Thresholds of log-odds that are not shaped, from `numbers` [batch, D]."""
    odds = log_odds(numbers)
    return Thresholds(odds[:, :pitches], odds[:, pitches:-1], odds[:, -1])


class Weights(NamedTuple):
    """The head's weights, float32; P pitches, D decisions of a step (P, or 2 P with strikes, and 1)."""

    hidden: tf.Tensor  # [features, units + D]: U and the rows of D side by side
    bias: tf.Tensor  # [units + D]: c, b, b' and b''
    below: tf.Tensor  # W, [P, units]
    held: tf.Tensor  # X, [P, units]
    struck: tf.Tensor | None  # S, [P, units]; None without strikes
    out: tf.Tensor  # V, V' and V'' side by side, [units, D]
    triangle: tf.Tensor  # L, [P, P], row q and column p; only q < p is used

    @property
    def pitches(self) -> int:
        """P."""
        return self.below.shape[0]

    @property
    def units(self) -> int:
        """Hidden units of the head."""
        return self.below.shape[1]


def strict(triangle: tf.Tensor) -> tf.Tensor:
    """L with zeros on and below the diagonal: pitch q affects the pitches above it."""
    return triangle * np.triu(np.ones(triangle.shape, np.float32), 1)


def start(weights: Weights, hidden: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """a_0 [rows, units], and what the output `hidden` [rows, features] contributes to all log-odds, [rows, D]."""
    both = tf.nn.bias_add(tf.matmul(hidden, weights.hidden), weights.bias)
    return both[:, : weights.units], both[:, weights.units :]


def teacher_forced_logits(weights: Weights, hidden: tf.Tensor, before: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """All log-odds of steps whose cells `targets` [rows, P] are known, without a tensor [rows, P, units].

    a changes only above a sounding pitch, so a step has as many different vectors as it has notes, plus one. These are
    the rows of one matrix; each cell reads the row of the last note below it. `before` holds the cells of the previous
    steps; 0 is silent, 1 held, 2 struck.
    """
    pitches, struck = weights.pitches, weights.struck is not None
    base, direct = start(weights, hidden)
    note = tf.cast(targets != 0, tf.float32)
    planes, tables = [note, note * tf.cast(before != 0, tf.float32)], [weights.below, weights.held]
    if struck:
        planes.append(tf.cast(targets == 2, tf.float32))
        tables.append(weights.struck)
    # The rows of the matrix: step, and pitch of the last known note; -1: none
    places = tf.cast(tf.where(tf.pad(targets != 0, [[0, 0], [1, 0]], constant_values=True)), tf.int32)
    step, row_pitch = places[:, 0], places[:, 1] - 1
    reach = tf.cast(tf.range(pitches)[tf.newaxis] <= row_pitch[:, tf.newaxis], tf.float32)
    known = tf.concat([tf.gather(plane, step) * reach for plane in planes], axis=1)
    a = tf.tanh(tf.gather(base, step) + tf.matmul(known, tf.concat(tables, axis=0)))  # [matrix rows, units]
    following = tf.concat([row_pitch[1:], [-1]], axis=0)  # the next note of the step; -1: none
    read = (1.0 - reach) * tf.cast(
        tf.range(pitches)[tf.newaxis] <= tf.where(following < 0, pitches, following)[:, tf.newaxis], tf.float32
    )
    sounds = tf.math.segment_sum(tf.matmul(a, weights.out[:, :pitches]) * read, step)
    sounds += tf.matmul(note, strict(weights.triangle))
    ends = tf.matmul(tf.boolean_mask(a, following < 0), weights.out[:, -1:])
    parts = [sounds, ends]
    if struck:
        found = tf.boolean_mask(tf.stack([step, following], axis=1), following >= 0)
        out = tf.gather(tf.transpose(weights.out[:, pitches:-1]), found[:, 1])
        value = tf.reduce_sum(tf.boolean_mask(a, following >= 0) * out, axis=1)
        parts.insert(1, tf.scatter_nd(found, value, tf.shape(note)))
    return direct + tf.concat(parts, axis=1)


def _tables(weights: Weights) -> tf.Tensor:
    """The terms that a note adds to a and to the log-odds of "sounds?", [4 P, units + P]; row 4 q + 2 x_q + s_q."""
    struck = tf.zeros_like(weights.below) if weights.struck is None else weights.struck
    kinds = [weights.below + x * weights.held + s * struck for x in (0.0, 1.0) for s in (0.0, 1.0)]
    rows = tf.stack([tf.concat([kind, strict(weights.triangle)], axis=1) for kind in kinds], axis=1)
    return tf.reshape(rows, [4 * weights.pitches, rows.shape[-1]])


Draw = Callable[[tf.Tensor, tf.Tensor, Thresholds], tuple[tf.Tensor, tf.Tensor]]


def drawer(weights: Weights, posterior: Callable, in_turn: bool) -> Draw:
    """Prepares the sampling of steps, exactly, in one of two ways that give the same cells for the same thresholds.

    In turn, the pitches are decided one after the other. By jumps, all conditionals are computed at once, and the first
    pitch above the last note whose decision is yes is the next note: one round per note, plus one. The second way is
    faster for the number of notes in music, with XLA or without; the first is its reference in tests.

    `posterior` maps the head's log-odds to those that are compared with the thresholds.

    Returns:
        Function of (hidden float32 [batch, features]; whether each pitch sounded at the previous step, bool [batch, P];
        the thresholds of the step's decisions) to (cells uint8 [batch, P]: 0 silent, 1 held, 2 struck; ends bool
        [batch]). What is the same for all steps is computed by this call, so build a loop over steps after it.
    """
    decide = (_in_turn if in_turn else _by_jumps)(weights, posterior)
    return lambda hidden, held, thresholds: decide(*start(weights, hidden), held, thresholds)


def _in_turn(weights: Weights, posterior: Callable) -> Callable:
    """Sampling in turn: a loop over the pitches."""
    pitches, units, tables = weights.pitches, weights.units, _tables(weights)
    out = tf.transpose(weights.out)  # the weights of a decision are contiguous
    column = tf.range(pitches)

    def way(a, direct, held, thresholds):
        def decide(pitch, state, cells):
            act, before = tf.tanh(state[:, :units]), held[:, pitch]
            logit = direct[:, pitch] + state[:, units + pitch] + tf.reduce_sum(act * out[pitch], axis=1)
            sounds, struck = posterior(logit) > thresholds.sounds[:, pitch], ~before
            if weights.struck is not None:
                again = direct[:, pitches + pitch] + tf.reduce_sum(act * out[pitches + pitch], axis=1)
                struck |= posterior(again) > thresholds.struck[:, pitch]
            row = tf.gather(tables, 4 * pitch + 2 * tf.cast(before, tf.int32) + tf.cast(struck, tf.int32))
            value = tf.where(sounds, 1 + tf.cast(struck, tf.uint8), tf.constant(0, tf.uint8))
            cells = tf.where(column == pitch, value[:, tf.newaxis], cells)
            return pitch + 1, state + tf.where(sounds[:, tf.newaxis], row, 0.0), cells

        begin = (0, tf.pad(a, [[0, 0], [0, pitches]]), tf.zeros_like(held, tf.uint8))
        _, state, cells = tf.while_loop(
            lambda pitch, *_: pitch < pitches, decide, begin, parallel_iterations=1, maximum_iterations=pitches
        )
        ends = direct[:, -1] + tf.reduce_sum(tf.tanh(state[:, :units]) * out[-1], axis=1)
        return cells, posterior(ends) > thresholds.ends

    return way


def _by_jumps(weights: Weights, posterior: Callable) -> Callable:
    """Sampling by jumps: a loop over the notes; a row without further notes waits for the others.

    The overhead of an operation exceeds its computation, so a round has few operations. A dummy pitch P, which always
    sounds and adds nothing, is found where no note is left; a pitch that begins to sound is struck whatever its
    log-odds; in place of "is P struck?" the end of the piece is decided, so the last round decides that too; and the
    cells are columns of the state, which are filled by a note's row of the tables. The columns are: a [units]; log-odds
    of "sounds?" [P + 1], of "struck?" [P] and of "ends?"; cells [P].
    """
    pitches, units = weights.pitches, weights.units
    never, always = 1e30, -1e30
    one_more, end = [[0, 0], [0, 1]], units + 2 * (pitches + 1)
    sounds, struck = weights.out[:, :pitches], weights.out[:, pitches:]
    if weights.struck is None:
        struck = tf.pad(struck, [[0, 0], [pitches, 0]])
    out = tf.concat([tf.pad(sounds, one_more), struck], axis=1)
    cells = np.zeros([4 * pitches, 2 + 2 * pitches], np.float32)
    cells[np.arange(4 * pitches), 2 + pitches + np.repeat(np.arange(pitches), 4)] = np.tile([1, 2], 2 * pitches)
    tables = tf.pad(tf.concat([_tables(weights), cells], axis=1), [[0, 2], [0, 0]])  # two rows of P
    base = tf.constant([*range(0, 4 * pitches, 4), 4 * pitches])
    # P is above every last note, "struck?" and "ends?" are below
    column = tf.constant([*range(pitches), pitches + 1, *[-1] * (pitches + 1)])

    def way(a, direct, held, thresholds):
        decided, again = direct[:, pitches:], thresholds.struck
        if weights.struck is None:
            decided, again = tf.pad(decided, [[0, 0], [pitches, 0]]), tf.fill(tf.shape(held), never)
        decided = tf.pad(decided, [[0, 0], [0, pitches]])
        state = tf.concat([a, tf.pad(direct[:, :pitches], one_more), decided], axis=1)
        sounds = tf.pad(thresholds.sounds, one_more, constant_values=always)
        limits = [sounds, tf.where(held, again, always), thresholds.ends[:, tf.newaxis]]
        limits = tf.concat(limits, axis=1)
        index = base + 2 * tf.cast(tf.pad(held, one_more), tf.int32)

        def jump(_, last, state, ends):
            hits = posterior(state[:, units:end] + tf.matmul(tf.tanh(state[:, :units]), out)) > limits
            first = tf.argmax(hits & (column > last[:, tf.newaxis]), axis=1, output_type=tf.int32)
            struck = tf.gather(hits, first + (pitches + 1), batch_dims=1)
            row = tf.gather(index, first, batch_dims=1) + tf.cast(struck, tf.int32)
            return tf.reduce_any(first < pitches), first, state + tf.gather(tables, row), hits[:, -1]

        begin = (tf.constant(True), tf.fill([tf.shape(held)[0]], -1), state, tf.zeros_like(held[:, 0]))
        *_, state, ends = tf.while_loop(lambda more, *_: more, jump, begin, parallel_iterations=1)
        return tf.cast(state[:, end:], tf.uint8), ends

    return way
