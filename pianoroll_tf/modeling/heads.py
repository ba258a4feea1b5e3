"""The heads: layers that decide the cells of a step from the network's output, with one interface.

The decisions of a step, in order: for each pitch "sounds?"; with articulation, for each pitch "struck?", which counts
only where the pitch sounds and sounded at the previous step; and "does the piece end with this step?".
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from pianoroll_tf import choices
from pianoroll_tf.modeling import nade
from pianoroll_tf.modeling.nade_dense import dense_logits
from pianoroll_tf.settings import Settings, check_entry


def decision_count(pitches: int, articulation: bool) -> int:
    """The number of decisions of a step.

    >>> decision_count(84, articulation=True)
    169
    """
    return pitches * (1 + articulation) + 1


def decision_targets(before, cells, ends, articulation: bool):
    """The target of each decision: 0 or 1, and -1 where there is nothing to decide.

    `before` and `cells` [..., pitches] hold the cells of the previous step and of the step: 0 silent, 1 held, 2 struck.
    `ends` [...] is 1 where the piece ends with the step. The result is float32 [..., decisions].

    >>> decision_targets(tf.constant([1, 1, 0]), tf.constant([2, 0, 2]), tf.constant(0), True).numpy().tolist()
    [1.0, 0.0, 1.0, 1.0, -1.0, -1.0, 0.0]
    """
    parts = [tf.cast(cells != 0, tf.float32)]
    if articulation:
        decided = (before != 0) & (cells != 0)
        parts.append(tf.where(decided, tf.cast(cells == 2, tf.float32), -1.0))
    return tf.concat([*parts, tf.cast(ends, tf.float32)[..., tf.newaxis]], axis=-1)


class Head(keras.layers.Layer):
    """Base class of heads. A subclass has `build`, `logits` and `drawer`.

    Args:
        pitches: Number of pitches.
        articulation: Whether strikes are decided.
        bias: Initial log-odds of the decisions, [decisions]: the attribute `initial_bias` is their initializer.
        units: Hidden units, where used.
        seed: Seed of the initial weights.
        **options: Settings of its own: the attribute `options`.
    """

    def __init__(self, pitches: int, articulation: bool, bias: np.ndarray, units: int, seed: int, **options) -> None:
        super().__init__(dtype="float32", name="head")
        self.options = options
        self.pitches, self.articulation, self.head_units, self.seed = pitches, articulation, units, seed
        self.decisions = decision_count(pitches, articulation)
        self._start = np.asarray(bias, np.float32)

    def initial_bias(self, shape, dtype=None):
        """Initial biases: 0 for hidden units, the given log-odds for the decisions."""
        return ops.convert_to_tensor(np.pad(self._start, (shape[0] - self.decisions, 0)), dtype)

    def call(self, hidden, before, cells):
        """Log-odds of all decisions of known steps, float32 [batch, time, decisions].

        Args:
            hidden: Output of the network, [batch, time, features].
            before: Cells of the step before each, 0 silent, 1 held, 2 struck, [batch, time, pitches].
            cells: Cells of each step, like `before`; a decision may depend on the cells of lower pitches.
        """
        hidden = tf.cast(hidden, tf.float32)
        shape = tf.shape(hidden)
        rows = self.logits(tf.reshape(hidden, [-1, hidden.shape[-1]]), before, cells)
        return tf.reshape(rows, [shape[0], shape[1], self.decisions])

    def logits(self, hidden, before, cells):
        """Log-odds as in `call`, [batch * time, decisions], from `hidden` float32 [batch * time, features].

        `before` and `cells` are those of `call`, uint8 [batch, time, pitches].
        """
        raise NotImplementedError

    def drawer(self, posterior: Callable, in_turn: bool = False) -> nade.Draw:
        """Prepares the drawing of steps from the log-odds of `logits`; see `nade.drawer`."""
        raise NotImplementedError


class Independent(Head):
    """Independent decisions, from the network's output alone: one dense layer."""

    def build(self, hidden_shape, *_):
        """Creates the weights."""
        glorot = keras.initializers.GlorotUniform(seed=self.seed)
        self.kernel = self.add_weight((hidden_shape[-1], self.decisions), initializer=glorot, name="kernel")
        self.bias = self.add_weight((self.decisions,), initializer=self.initial_bias, name="bias")

    def logits(self, hidden, *_):
        """See `Head`."""
        return tf.nn.bias_add(tf.matmul(hidden, self.kernel.value), self.bias.value)

    def drawer(self, posterior: Callable, in_turn: bool = False) -> nade.Draw:
        """See `Head`; `in_turn` makes no difference."""

        def draw(hidden, held, thresholds):
            logits, pitches = posterior(self.logits(hidden)), self.pitches
            sounds, struck = logits[:, :pitches] > thresholds.sounds, ~held
            if self.articulation:
                struck |= logits[:, pitches:-1] > thresholds.struck
            cells = tf.where(sounds, 1 + tf.cast(struck, tf.uint8), tf.constant(0, tf.uint8))
            return cells, logits[:, -1] > thresholds.ends

        return draw


class Nade(Head):
    """Each decision depends on the decisions before it: the equations of `modeling.nade`.

    The attribute `use_dense` says whether the log-odds of known steps are computed by `nade_dense`: "auto", where there
    is a GPU; True, always; False, never.
    """

    use_dense: str | bool = "auto"

    def build(self, hidden_shape, *_):
        """Creates the weights; those between notes start at 0, so that training begins as with `Independent`."""
        pitches, units, width = self.pitches, self.head_units, self.head_units + self.decisions
        glorot = keras.initializers.GlorotUniform(seed=self.seed)
        normal = [keras.initializers.RandomNormal(stddev=0.1, seed=self.seed + 2 + i) for i in range(3)]
        self.kernel = self.add_weight((hidden_shape[-1], width), initializer=glorot, name="kernel")
        self.bias = self.add_weight((width,), initializer=self.initial_bias, name="bias")
        self.below = self.add_weight((pitches, units), initializer=normal[0], name="below")
        self.held = self.add_weight((pitches, units), initializer=normal[1], name="held")
        self.struck = None
        if self.articulation:
            self.struck = self.add_weight((pitches, units), initializer=normal[2], name="struck")
        self.out = self.add_weight((units, self.decisions), initializer="zeros", name="out")
        self.triangle = self.add_weight((pitches, pitches), initializer="zeros", name="triangle")

    def equations(self) -> nade.Weights:
        """The weights by their names in the equations."""
        weights = (self.kernel, self.bias, self.below, self.held, self.struck, self.out, self.triangle)
        return nade.Weights(*(None if weight is None else weight.value for weight in weights))

    def logits(self, hidden, before, cells):
        """See `Head`."""
        before, cells = (tf.reshape(part, [-1, self.pitches]) for part in (before, cells))
        dense = bool(tf.config.list_logical_devices("GPU")) if self.use_dense == "auto" else self.use_dense
        return (dense_logits if dense else nade.teacher_forced_logits)(self.equations(), hidden, before, cells)

    def drawer(self, posterior: Callable, in_turn: bool = False) -> nade.Draw:
        """See `Head`."""
        return nade.drawer(self.equations(), posterior, in_turn)


# Key in `choices.CHOICES["head"]` → class of the layer
HEADS: dict[str, type[Head]] = {"independent": Independent, "nade": Nade}


def register_head(key: str, head: type[Head], settings: type[Settings] = choices.NoSettings, label: str = "") -> None:
    """Adds a head, for this process, to everything that offers one: training, export, search and study.

    Args:
        key: Its key: `--head KEY`.
        head: A subclass of `Head`. `build(hidden_shape, *_)` creates the weights; the last dimension of the shape is
            the number of features. `logits(hidden, before, cells)` returns the log-odds of all decisions of known
            steps. `drawer(posterior, in_turn)` returns the function that samples a step from the same log-odds;
            `Independent` has one for every subclass whose `logits` need only `hidden`. An export holds them as graphs
            of TensorFlow's operations, of which `generation.allowed_operations` lists those that are safe to load.
        settings: Its own settings, a dataclass, in the attribute `options` of the layer; see `choices.Entry`.
        label: Its name in a report; default: the key.

    Raises:
        ValueError: The key or the name of a setting is taken.
    """
    choices.register("head", key, choices.Entry(label=label, settings=settings))
    HEADS[key] = head


def make_head(kind: str, pitches: int, articulation: bool, bias: np.ndarray, units: int, seed: int, **options) -> Head:
    """A head of the table; the other arguments are those of `Head`."""
    check_entry("head", kind, HEADS)
    return HEADS[kind](pitches, articulation, bias, units, seed, **options)
