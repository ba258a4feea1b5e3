"""The equations of the within-step head: NADE with a triangular matrix, taught, and drawn in turn or by jumps.

The pitches p of a step are decided in ascending order. With the network's output h, the cells y and strikes
s decided so far, and the cells x of the step before:

    a_p      = c + U h + sum over q < p with y_q = 1 of (W_q + x_q X_q + s_q S_q)
    sounds_p = b_p  + D_p  h + V_p  tanh(a_p) + sum over q < p with y_q = 1 of L_pq
    struck_p = b'_p + D'_p h + V'_p tanh(a_p)
    ends     = b''  + D''  h + V''  tanh(a_84)

`struck_p` is decided only where p sounds now and sounded at the step before; a pitch that begins to sound is struck.

Reference:
    Larochelle and Murray 2011, "The Neural Autoregressive Distribution Estimator"; Boulanger-Lewandowski et al. 2012,
    "Modeling Temporal Dependencies in High-Dimensional Sequences", section 5 (RNN-NADE). Their matrix from the sequence
    to the visible bias is D here; X, S and L are additions.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

# (log-odds of some cells [batch, cells], whether these sounded at the step before [batch, cells]) -> the log-odds that
# are drawn; and the same for "struck?" and "ends?", which need no second argument.
Odds = tuple[Callable, Callable, Callable]


class Weights(NamedTuple):
    """The head's weights, float32; P pitches, D decisions of a step (P, or 2 P with strikes, and 1).

    Attributes:
        hidden: [features, units + D]: U and the rows of D side by side.
        bias: [units + D]: c, b, b' and b''.
        below: W, [P, units].
        held: X, [P, units].
        struck: S, [P, units]; none without strikes.
        out: V, V' and V'' side by side, [units, D].
        triangle: L, [P, P], row q and column p; only q < p is used.
    """

    hidden: tf.Tensor
    bias: tf.Tensor
    below: tf.Tensor
    held: tf.Tensor
    struck: tf.Tensor | None
    out: tf.Tensor
    triangle: tf.Tensor

    @property
    def pitches(self) -> int:
        """P."""
        return self.below.shape[0]

    @property
    def units(self) -> int:
        """Hidden units of the head."""
        return self.below.shape[1]


def strict(triangle: tf.Tensor) -> tf.Tensor:
    """L with zeros on and below the diagonal: pitch q speaks to those above it."""
    return triangle * np.triu(np.ones(triangle.shape, np.float32), 1)


def start(weights: Weights, hidden: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Initial state of the decisions of a step.

    Returns:
        (a_0, float32 [rows, units]; the part of all log-odds that the hidden state contributes, float32 [rows, D]).
    """
    both = tf.nn.bias_add(tf.matmul(hidden, weights.hidden), weights.bias)
    return both[:, : weights.units], both[:, weights.units :]


def taught_logits(weights: Weights, hidden: tf.Tensor, before: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """All log-odds of steps whose cells are known, without a tensor [rows, pitches, units].

    a changes only above a sounding pitch, so a step has as many different vectors as it has notes, plus one. These are
    the rows of one matrix; each cell reads the row of the last note below it.

    Args:
        weights: The head's weights.
        hidden: Output of the network for each step, float32 [rows, features].
        before: Cells of the step before, 0 silent, 1 held, 2 struck, [rows, pitches].
        targets: Cells of the step, [rows, pitches].

    Returns:
        float32 [rows, D].
    """
    pitches, struck = weights.pitches, weights.struck is not None
    base, direct = start(weights, hidden)
    note = tf.cast(targets != 0, tf.float32)
    planes, tables = [note, note * tf.cast(before != 0, tf.float32)], [weights.below, weights.held]
    if struck:
        planes.append(tf.cast(targets == 2, tf.float32))
        tables.append(weights.struck)
    step, row_pitch = _rows(targets != 0)
    reach = tf.cast(tf.range(pitches)[tf.newaxis] <= row_pitch[:, tf.newaxis], tf.float32)
    known = tf.concat([tf.gather(plane, step) * reach for plane in planes], axis=1)
    a = tf.tanh(tf.gather(base, step) + tf.matmul(known, tf.concat(tables, axis=0)))  # [matrix rows, units]
    following = tf.concat([row_pitch[1:], [-1]], axis=0)  # the next note of the step, or -1: there is none
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


def _rows(sounds: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The rows of the matrix: (step, pitch of the last note known), int32 [matrix rows] each; -1: none is known."""
    places = tf.cast(tf.where(tf.pad(sounds, [[0, 0], [1, 0]], constant_values=True)), tf.int32)
    return places[:, 0], places[:, 1] - 1


class Drawn(NamedTuple):
    """What a step's drawing carries from decision to decision.

    Attributes:
        a: float32 [batch, units].
        triangle: Sum of the rows of L of the notes so far, float32 [batch, P].
        sounds: bool [batch, P].
        struck: bool [batch, P].
    """

    a: tf.Tensor
    triangle: tf.Tensor
    sounds: tf.Tensor
    struck: tf.Tensor


def draw(
    weights: Weights,
    hidden: tf.Tensor,
    held: tf.Tensor,
    numbers: tf.Tensor,
    odds: Odds,
    added: tf.Tensor,
    in_turn: bool,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Draws a step, exactly, in one of two ways that give the same cells for the same numbers.

    In turn, the pitches are decided one after the other. By jumps, all conditionals are computed at once, and the first
    pitch above the last note that is to sound is the next note: as many rounds as there are notes, plus one. The first
    is faster where XLA compiles the loop, the second where each operation costs a call.

    Args:
        weights: The head's weights.
        hidden: float32 [batch, features].
        held: Whether each pitch sounded at the step before, bool [batch, P].
        numbers: Uniform in [0, 1), float32 [batch, D].
        odds: What the log-odds of each kind of decision become before they are drawn.
        added: Added to the log-odds of "sounds?" after that, float32 [batch, P].
        in_turn: The way.

    Returns:
        (cells uint8 [batch, P]: 0 silent, 1 held, 2 struck; ends bool [batch]).
    """
    a, direct = start(weights, hidden)
    nothing = tf.zeros_like(held)
    drawn = Drawn(a, tf.zeros_like(added), nothing, nothing)
    way = _in_turn if in_turn else _by_jumps
    drawn = way(weights, strict(weights.triangle), direct, held, numbers, odds, added, drawn)
    ends = direct[:, -1] + tf.reduce_sum(tf.tanh(drawn.a) * weights.out[:, -1], axis=1)
    cells = tf.cast(drawn.sounds, tf.uint8) + tf.cast(drawn.struck, tf.uint8)
    return cells, numbers[:, -1] < tf.sigmoid(odds[2](ends))


def _in_turn(weights: Weights, triangle, direct, held, numbers, odds: Odds, added, drawn: Drawn) -> Drawn:
    """One decision after the other; the loop's index runs over the pitches."""
    pitches = weights.pitches
    out = tf.transpose(weights.out)  # a decision's row lies together
    column = tf.range(pitches)

    def decide(pitch, drawn: Drawn):
        act = tf.tanh(drawn.a)
        before, here = held[:, pitch], column == pitch
        logit = direct[:, pitch] + tf.reduce_sum(act * out[pitch], axis=1) + drawn.triangle[:, pitch]
        logit = odds[0](logit[:, tf.newaxis], before[:, tf.newaxis])[:, 0] + added[:, pitch]
        sounds = numbers[:, pitch] < tf.sigmoid(logit)
        struck = sounds & ~before
        if weights.struck is not None:
            again = direct[:, pitches + pitch] + tf.reduce_sum(act * out[pitches + pitch], axis=1)
            again = numbers[:, pitches + pitch] < tf.sigmoid(odds[1](again))
            struck = sounds & (~before | again)
        note = tf.cast(sounds, tf.float32)[:, tf.newaxis]
        row = weights.below[pitch] + tf.cast(before, tf.float32)[:, tf.newaxis] * weights.held[pitch]
        if weights.struck is not None:
            row += tf.cast(struck, tf.float32)[:, tf.newaxis] * weights.struck[pitch]
        return pitch + 1, Drawn(
            drawn.a + note * row,
            drawn.triangle + note * triangle[pitch],
            drawn.sounds | (sounds[:, tf.newaxis] & here),
            drawn.struck | (struck[:, tf.newaxis] & here),
        )

    _, drawn = tf.while_loop(
        lambda pitch, _: pitch < pitches, decide, (0, drawn), parallel_iterations=1, maximum_iterations=pitches
    )
    return drawn


def _by_jumps(weights: Weights, triangle, direct, held, numbers, odds: Odds, added, drawn: Drawn) -> Drawn:
    """From note to note; a row that has no further note waits for the others."""
    pitches = weights.pitches
    column = tf.range(pitches)
    tables = tf.concat([weights.below, weights.held, *([] if weights.struck is None else [weights.struck])], axis=0)
    before = tf.cast(held, tf.float32)

    def jump(_, last, drawn: Drawn):
        logits = direct[:, :-1] + tf.matmul(tf.tanh(drawn.a), weights.out[:, :-1])
        sounds = odds[0](logits[:, :pitches] + drawn.triangle, held) + added
        hits = (numbers[:, :pitches] < tf.sigmoid(sounds)) & (column > last[:, tf.newaxis])
        found = tf.reduce_any(hits, axis=1)
        first = tf.argmax(hits, axis=1, output_type=tf.int32)
        here = (column == first[:, tf.newaxis]) & found[:, tf.newaxis]
        struck = here & ~held
        if weights.struck is not None:
            struck |= here & (numbers[:, pitches:-1] < tf.sigmoid(odds[1](logits[:, pitches:])))
        note = tf.cast(here, tf.float32)
        planes = [note, note * before, *([] if weights.struck is None else [tf.cast(struck, tf.float32)])]
        return (
            tf.reduce_any(found),
            tf.where(found, first, pitches),
            Drawn(
                drawn.a + tf.matmul(tf.concat(planes, axis=1), tables),
                drawn.triangle + tf.matmul(note, triangle),
                drawn.sounds | here,
                drawn.struck | struck,
            ),
        )

    last = tf.fill([tf.shape(held)[0]], -1)
    _, _, drawn = tf.while_loop(lambda more, *_: more, jump, (tf.constant(True), last, drawn), parallel_iterations=1)
    return drawn
