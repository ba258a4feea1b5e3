"""The floating-point operations of a training step, from the settings of the model. Needs no framework.

Counted are matrix products and convolutions, which are nearly all of the arithmetic: a product [n, k] · [k, m] is
2 n k m operations. For each step of a window, with F input features, f filters, K taps, u units, D decisions, P pitches
and N notes that sound in a step on average:

    convolution          K · F · f         (F: f after the first)
    GRU                  (F + u) · 3 u     (F: the width of the layer before)
    head, independent    u · D
    head, nade           u · (H + D) + (N + 1) · (planes · P · H + H · P) + H + P²,   H hidden units of the head

multiply-adds. The planes of the nade head are the cells, those that sounded before, and with articulation the strikes.

A training step computes each product forward and twice backward, for the gradients of its weights and of its input; but
once backward where the input is data: the first layer, and the head's products with notes. So it costs nearly three
times the forward pass. Optimizer, losses and everything by element are left out.
"""

import dataclasses
from collections.abc import Callable

from pianoroll_tf.config import NUM_PITCHES, ModelConfig, RecordsConfig
from pianoroll_tf.data.clock import MAX_QUARTERS


@dataclasses.dataclass(frozen=True)
class Product:
    """A matrix product of one step of one window.

    Attributes:
        multiplications: Each with an addition.
        of_data: Whether its input is data, which has no gradient.
    """

    name: str
    multiplications: float
    of_data: bool = False


@dataclasses.dataclass(frozen=True)
class Operations:
    """Floating-point operations of one batch: of the forward pass, and of a whole training step."""

    forward: float
    training: float


def features(model: ModelConfig, records: RecordsConfig) -> int:
    """Input features of a step, as `input_features.InputFeatures` makes them."""
    clock = records.steps_per_beat + 2 * MAX_QUARTERS + 1 if model.clock and records.grid == "beats" else 0
    return NUM_PITCHES * (1 + model.articulation) + clock


def products(model: ModelConfig, width: int, notes: float) -> list[Product] | None:
    """The products of the network, in order; None for a head that this module does not know.

    Args:
        model: Settings of the network.
        width: Input features of a step.
        notes: Mean number of pitches that sound in a step.

    >>> [(each.name, each.multiplications) for each in products(ModelConfig(head="independent"), 168, 4.0)]
    [('conv_1', 107520), ('gru_1', 294912), ('head', 43264)]
    """
    if model.head not in HEADS:
        return None
    found = []
    for number in range(1, model.conv_layers + 1):
        found.append(Product(f"conv_{number}", model.conv_kernel * width * model.conv_filters, number == 1))
        width = model.conv_filters
    for number in range(1, model.gru_layers + 1):
        of_data, units = not found, model.gru_units
        if of_data:  # without a convolution, the product of the inputs has no gradient for them
            found += [Product("gru_1", width * 3 * units, True), Product("gru_1 state", units * 3 * units)]
        else:
            found.append(Product(f"gru_{number}", (width + units) * 3 * units))
        width = units
    return found + HEADS[model.head](model, width, notes)


def _independent(model: ModelConfig, width: int, notes: float) -> list[Product]:
    return [Product("head", width * _decisions(model))]


def _nade(model: ModelConfig, width: int, notes: float) -> list[Product]:
    units, rows = model.head_units, notes + 1
    return [
        Product("head", width * (units + _decisions(model))),
        Product("head notes", rows * (2 + model.articulation) * NUM_PITCHES * units, True),
        Product("head out", rows * units * NUM_PITCHES + units),
        Product("head triangle", NUM_PITCHES**2, True),
    ]


HEADS: dict[str, Callable[[ModelConfig, int, float], list[Product]]] = {"independent": _independent, "nade": _nade}


def _decisions(model: ModelConfig) -> int:
    return NUM_PITCHES * (1 + model.articulation) + 1


def batch_operations(
    model: ModelConfig, records: RecordsConfig, density: float, windows: int, window_steps: int
) -> Operations | None:
    """The operations of one batch; None for a head that this module does not know.

    Args:
        model: Settings of the network.
        records: Their grid.
        density: Share of sounding cells in the training data.
        windows: Per batch.
        window_steps: Steps of a window; padding counts as well.

    >>> model = ModelConfig(articulation=False, head="independent")
    >>> f"{batch_operations(model, RecordsConfig(grid='seconds'), 0.04, 64, 128).training:.2e}"
    '1.73e+10'
    """
    found = products(model, features(model, records), density * NUM_PITCHES)
    if found is None:
        return None
    rows = 2 * windows * window_steps
    return Operations(
        forward=rows * sum(each.multiplications for each in found),
        training=rows * sum(each.multiplications * (2 if each.of_data else 3) for each in found),
    )
