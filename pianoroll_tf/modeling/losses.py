"""The training losses, from logits, and the posterior probability that belongs to each.

All decisions of a step (`modeling.heads`) are binary, and the losses apply to each alike; what is documented for cells
here holds for strikes and ends too. A cell's *signed logit* is the logit of its own true class: the logit where the
target is 1, minus the logit where it is 0. Its sigmoid is `p_t`, the probability of the true class.

The functions of the tables take targets, 0 or 1, and logits, float32 of the same shape, and return an array like them.
"""

import math
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from pianoroll_tf import choices
from pianoroll_tf.config import LossConfig
from pianoroll_tf.settings import Settings


def signed_logits(targets, logits):
    """The logit of the true class of each cell."""
    return ops.where(targets > 0.5, logits, -logits)


def binary_crossentropy(targets, logits):
    """`-log p_t` of each cell, in nats, by softplus: no sigmoid, so nothing saturates.

    >>> print(f"{float(binary_crossentropy(1.0, 0.0)):.4f}")  # log 2
    0.6931
    """
    return ops.softplus(-signed_logits(targets, logits))


def weighted_binary_crossentropy(targets, logits, positive_weight):
    """`-w_t log p_t` of each cell: `positive_weight` is w where the target is 1; w is 1 where it is 0.

    Reference:
        King, Zeng 2001, "Logistic Regression in Rare Events Data", section 4.2.

    >>> print(f"{float(weighted_binary_crossentropy(1.0, 0.0, positive_weight=3.0)):.4f}")  # 3 log 2
    2.0794
    """
    return ops.where(targets > 0.5, positive_weight, 1.0) * binary_crossentropy(targets, logits)


def weighted_posterior_logits(logits, positive_weight):
    """Log-odds of the true posterior for which the weighted BCE has its optimum at `logits`: less by log w.

    >>> print(f"{float(weighted_posterior_logits(0.0, positive_weight=3.0)):.4f}")  # odds 1 : 3
    -1.0986
    """
    return logits - math.log(positive_weight)


def focal(targets, logits, gamma, alpha=None):
    """`-alpha_t (1 - p_t)^gamma log p_t` of each cell.

    `(1 - p_t)^gamma` is `exp(gamma log(1 - p_t))` with the logarithm by softplus: a power of `1 - p_t`
    itself has an infinite derivative at 0 for gamma < 1, and 0^0 for gamma 0.

    Args:
        gamma: Focusing parameter >= 0; 0 gives `binary_crossentropy`, times `alpha_t`.
        alpha: Weight of the cells with target 1; the others weigh `1 - alpha`. None: all weigh 1.

    Reference:
        Lin et al. 2017, "Focal Loss for Dense Object Detection", equation 5.

    >>> print(f"{float(focal(1.0, 0.0, gamma=2.0)):.4f}")  # 0.5^2 log 2
    0.1733
    """
    signed = signed_logits(targets, logits)
    loss = ops.softplus(-signed)
    if gamma:
        loss = ops.exp(-gamma * ops.softplus(signed)) * loss
    if alpha is not None:
        loss = ops.where(targets > 0.5, alpha, 1.0 - alpha) * loss
    return loss


def focal_posterior_logits(logits, gamma, alpha=None):
    """Log-odds of the true posterior for which the focal loss has its optimum at `logits`.

    The focal loss is not proper: its best output q is not the probability of a note. With
    `phi(v) = (1-v)^g - g (1-v)^(g-1) v ln v` and `h(v) = v / phi(v)` the odds of the posterior are
    `[(1-alpha)/alpha] h(q) / h(1-q)`. In logits z, with `r(z) = softplus(z) / exp(z)`, that is

        (1 + g) z + log(1 + g r(z)) - log(1 + g r(-z)) + log((1-alpha)/alpha)

    where r lies between 0 and 1, so nothing over- or underflows. Strictly increasing in z.

    Reference:
        Charoenphakdee et al. 2021, "On Focal Loss for Class-Posterior Probability Estimation: A
        Theoretical Perspective", theorem 11.

    >>> z = ops.log(0.190 / 0.810)  # the optimum at gamma 2 for a note that sounds 2 % of the time
    >>> print(f"{float(ops.sigmoid(focal_posterior_logits(z, gamma=2.0))):.3f}")
    0.020
    """
    posterior = logits
    if gamma:
        ratio, mirrored = _softplus_over_exp(logits), _softplus_over_exp(-logits)
        posterior = (1.0 + gamma) * logits + ops.log1p(gamma * ratio) - ops.log1p(gamma * mirrored)
    return posterior if alpha is None else posterior + math.log((1.0 - alpha) / alpha)


def _softplus_over_exp(logits):
    """`log(1 + e^z) / e^z`, between 0 and 1; below -10 by its series, where the quotient loses its digits."""
    above = ops.maximum(logits, -10.0)
    exp_below = ops.exp(ops.minimum(logits, -10.0))
    return ops.where(logits > -10.0, ops.softplus(above) * ops.exp(-above), 1.0 - exp_below / 2.0)


# Key in `choices.CHOICES["loss"]` → (targets, logits, **own settings) → loss of each cell
LOSSES: dict[str, Callable] = {
    "bce": binary_crossentropy,
    "weighted_bce": weighted_binary_crossentropy,
    "focal": focal,
}

# Key of a loss that is not proper → (logits, **own settings) → log-odds of the posterior
POSTERIOR_LOGITS: dict[str, Callable] = {"weighted_bce": weighted_posterior_logits, "focal": focal_posterior_logits}


def register_loss(
    key: str,
    function: Callable,
    posterior_logits: Callable | None = None,
    settings: type[Settings] = choices.NoSettings,
    label: str = "",
) -> None:
    """Adds a loss, for this process, to everything that offers one: training, export, search, study and report.

    Args:
        key: Its key: `--loss KEY`.
        function: (targets, logits, **own settings) → loss of each cell, as `focal` does.
        posterior_logits: (logits, **own settings) → log-odds of the posterior, strictly increasing in the logits. None:
            the loss is proper, so they are the logits themselves.
        settings: Its own settings, a dataclass; see `choices.Entry`.
        label: Its name in a report; default: the key.

    Raises:
        ValueError: The key or the name of a setting is taken.
    """
    entry = choices.Entry(label=label, settings=settings, proper=posterior_logits is None)
    choices.register("loss", key, entry)
    LOSSES[key] = function
    if posterior_logits is not None:
        POSTERIOR_LOGITS[key] = posterior_logits


@keras.saving.register_keras_serializable(package="pianoroll_tf")
class StepLoss(keras.losses.Loss):
    """A loss of decisions, summed over those of a step, averaged over all steps, each times its `sample_weight`.

    A target below 0 marks a decision that is not made at this step; its loss is 0.

    With weights [batch, time] that are 0 on masked steps and have a mean of 1 over the batch, as
    `training.fit_batch` scales the mask, this is the mean over unmasked steps. That holds on several devices too, each
    of which averages over its equal share of the batch: the mean of these means is the mean over the batch.

    `loss` is a key in `LOSSES`, `arguments` are its own settings.
    """

    def __init__(self, loss: str, name: str | None = None, **arguments) -> None:
        super().__init__(name=name or loss, reduction="sum_over_batch_size", dtype="float32")
        self.loss, self.arguments = loss, arguments

    def call(self, y_true, y_pred):
        """Targets and logits [batch, time, decisions] → loss of each step [batch, time]."""
        losses = LOSSES[self.loss](y_true, y_pred, **self.arguments)
        return ops.sum(ops.where(y_true < 0, ops.zeros_like(losses), losses), axis=-1)

    def get_config(self) -> dict:
        """Arguments of the constructor."""
        return {"loss": self.loss, "name": self.name, **self.arguments}


def make_loss(config: LossConfig) -> keras.losses.Loss:
    """The training loss: targets, logits [batch, time, pitch], `sample_weight` [batch, time] → float32 [].

    >>> loss = make_loss(LossConfig(loss="bce"))
    >>> zeros = ops.zeros((1, 2, 84))
    >>> weights = ops.array([[2.0, 0.0]])  # the second step is masked
    >>> print(f"{float(loss(zeros, zeros, sample_weight=weights)):.3f}")  # 84 log 2
    58.224
    """
    return StepLoss(config.loss, **config.arguments)


def posterior_logits(config: LossConfig, logits):
    """Log-odds of the probability that each cell sounds, float32, from the output of a network with this loss."""
    logits = ops.cast(logits, "float32")
    return logits if config.proper else POSTERIOR_LOGITS[config.loss](logits, **config.arguments)


def raw_logits(config: LossConfig, posterior: np.ndarray) -> np.ndarray:
    """The network's outputs for given log-odds of the posterior, float64: the inverse of `posterior_logits`.

    By bisection between -100 and 100, as `posterior_logits` is strictly increasing; used once, for the output bias.

    >>> raw = raw_logits(LossConfig(loss="focal", gamma=2.0), np.log([0.02 / 0.98]))
    >>> print((1 / (1 + np.exp(-raw))).round(3))
    [0.19]
    """
    if config.proper:
        return np.asarray(posterior, np.float64)
    low, high = np.full(np.shape(posterior), -100.0), np.full(np.shape(posterior), 100.0)
    for _ in range(60):  # leaves no more than float32's rounding
        middle = (low + high) / 2
        below = ops.convert_to_numpy(posterior_logits(config, middle.astype(np.float32))) < posterior
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2
