"""The optimizers, Keras's own, and the learning rate over a run."""

import math
from collections.abc import Callable

import keras
import tensorflow as tf
from keras import ops

from pianoroll_tf import choices
from pianoroll_tf.config import OptimizerConfig
from pianoroll_tf.settings import Settings, check_entry


def _rmsprop(rms_momentum: float, rms_centered: bool, rms_epsilon: float, **arguments) -> keras.optimizers.RMSprop:
    return keras.optimizers.RMSprop(momentum=rms_momentum, centered=rms_centered, epsilon=rms_epsilon, **arguments)


# Key in `choices.CHOICES["optimizer"]` → class, or a function with its arguments
OPTIMIZERS: dict[str, Callable[..., keras.optimizers.Optimizer]] = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": _rmsprop,
}

# Key in `choices.CHOICES["schedule"]` → share of the peak learning rate at `progress`, from 0 (warm-up done) to 1 (end
# of the run)
SCHEDULES: dict[str, Callable] = {
    "constant": lambda progress: ops.ones_like(progress),
    "cosine": lambda progress: 0.5 * (1.0 + ops.cos(math.pi * progress)),
    "linear": lambda progress: 1.0 - progress,
}


def register_optimizer(
    key: str,
    optimizer: type[keras.optimizers.Optimizer],
    settings: type[Settings] = choices.NoSettings,
    label: str = "",
) -> None:
    """Adds an optimizer, for this process, to everything that offers one: training, search, study and report.

    Args:
        key: Its key: `--optimizer KEY`.
        optimizer: A Keras class; it takes `learning_rate`, `weight_decay`, `global_clipnorm`, `use_ema`, `ema_momentum`
            and its own settings.
        settings: Its own settings, a dataclass; see `choices.Entry`.
        label: Its name in a report; default: the key.

    Raises:
        ValueError: The key or the name of a setting is taken.
    """
    choices.register("optimizer", key, choices.Entry(label=label, settings=settings))
    OPTIMIZERS[key] = optimizer


def warmup_of(warmup_steps: int, total_steps: int) -> int:
    """Steps of the warm-up in a run of `total_steps`: at most half of them."""
    return min(warmup_steps, total_steps // 2)


@keras.saving.register_keras_serializable(package="pianoroll_tf")
class WarmupSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A linear warm-up to the peak, then an entry of `SCHEDULES` to the end of the run.

    The first step has `peak / warmup_steps`, not 0, so that it is not wasted. A warm-up longer than half
    of the run is cut to that half, so that a short run reaches the peak too.

    Steps after `total_steps`, those of the run, keep the last value.

    >>> rate = WarmupSchedule(peak=1.0, schedule="linear", warmup_steps=2, total_steps=6)
    >>> [float(rate(step)) for step in range(7)]
    [0.5, 1.0, 1.0, 0.75, 0.5, 0.25, 0.0]
    """

    def __init__(self, peak: float, schedule: str, warmup_steps: int, total_steps: int) -> None:
        check_entry("schedule", schedule, SCHEDULES)
        if total_steps < 1:
            raise ValueError(f"total_steps must be >= 1. Received: total_steps={total_steps}")
        self.peak, self.schedule = peak, schedule
        self.warmup_steps, self.total_steps = warmup_steps, total_steps

    def __call__(self, step):
        """Learning rate of a step, counted from 0; float32 []."""
        step = ops.cast(step, "float32")
        warmup = float(warmup_of(self.warmup_steps, self.total_steps))
        rise = ops.minimum((step + 1.0) / max(warmup, 1.0), 1.0)
        progress = ops.clip((step - warmup) / (self.total_steps - warmup), 0.0, 1.0)
        return self.peak * rise * SCHEDULES[self.schedule](progress)

    def get_config(self) -> dict:
        """Arguments of the constructor."""
        return {name: getattr(self, name) for name in ("peak", "schedule", "warmup_steps", "total_steps")}


def make_optimizer(config: OptimizerConfig, total_steps: int) -> keras.optimizers.Optimizer:
    """The optimizer of a run of `total_steps` steps, where the schedule ends.

    Weight decay is decoupled for every entry, as in Keras: a step first subtracts `weight_decay * learning rate` times
    the weight from each weight (biases excepted), then follows the gradient. So "adam" with weight decay is "adamw",
    which is in the table because users look for its name.

    With `config.ema` it keeps a moving average of each weight, `w ← ema w + (1 - ema) weight` after every step.

    Reference:
        Loshchilov, Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2.
    """
    optimizer = OPTIMIZERS[config.optimizer](
        learning_rate=WarmupSchedule(
            peak=config.learning_rate,
            schedule=config.schedule,
            warmup_steps=config.warmup_steps,
            total_steps=total_steps,
        ),
        weight_decay=config.weight_decay,
        global_clipnorm=config.clip_norm or None,
        use_ema=config.ema > 0,
        ema_momentum=config.ema or 0.99,
        **config.options,
    )
    if config.ema:  # `fit` would end with the averages in place of the weights; `callbacks.SwapAverages` exchanges them
        optimizer.finalize_variable_values = lambda var_list: None
    if not config.weight_decay:  # None saves a product and a difference per weight and step; AdamW does not take it
        optimizer.weight_decay = None
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


def sum_before_clipping(optimizer: keras.optimizers.Optimizer) -> None:
    """Makes `fit` clip the gradient of the whole batch where its rows are spread over devices.

    Keras clips the gradient of each device before it sums them, so the same `clip_norm` would mean something else on
    another number of devices.
    """
    clip = optimizer._clip_gradients

    def summed(gradients):
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        return clip(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, gradients))

    optimizer._clip_gradients = summed
    optimizer._all_reduce_sum_gradients = list  # they are sums already
