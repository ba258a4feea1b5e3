"""Plots the training loss with our GRU and with Keras's, for the same data and initial weights, and their difference.

Usage: python -m benchmarks.loss_curves tfrecords/classical docs/loss_curves.png [--steps 300]

The two add up the same numbers in different orders, so they differ by rounding, and training amplifies such
differences. A third run shows the effect of rounding alone: Keras's GRU with every initial weight moved to the next
float32.
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np

MOVED = "Keras, weights moved by one rounding"
RUNS = {"ours": ("gru", False), "Keras": ("keras_gru", False), MOVED: ("keras_gru", True)}
COLOURS = {"ours": "#0072B2", "Keras": "#D55E00", MOVED: "#009E73"}


def main(argv: list[str] | None = None) -> int:
    """Trains three times, writes the plot, and prints the differences."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("records", type=Path, help="folder of records")
    parser.add_argument("picture", type=Path, help="the .png file to write")
    parser.add_argument("--steps", type=int, default=300, help="training steps of each run")
    args = parser.parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    curves = {name: losses(args.records, *run, args.steps) for name, run in RUNS.items()}
    draw(args.picture, curves)
    last = slice(-50, None)
    for name, curve in curves.items():
        difference = np.abs(curve - curves["Keras"])
        print(f"{name}: mean loss of the last 50 steps {curve[last].mean():.4f} nats per step; ", end="")
        largest, mean = difference.max(), difference[last].mean()
        print(f"difference from Keras: at most {largest:.2e}, mean of the last 50 steps {mean:.2e}")
    return 0


def losses(records: Path, recurrent: str, moved: bool, steps: int) -> np.ndarray:
    """The loss of each batch of the default training, float64 [steps].

    Args:
        records: Folder of records.
        recurrent: Entry of the table of recurrent layers.
        moved: Whether each initial weight is moved to the next float32.
        steps: Number of batches.
    """
    from pianoroll_tf.config import ModelConfig, RunConfig, TrainingConfig
    from pianoroll_tf.data.pipeline import load_corpus, make_dataset
    from pianoroll_tf.modeling.run_folder import data_facts
    from pianoroll_tf.modeling.training import compiled_model, fit_batch, tf

    tf.config.experimental.enable_op_determinism()
    made, data = data_facts(records)
    training = TrainingConfig(precision="float32")
    config = RunConfig(records=made, data=data, model=ModelConfig(recurrent=recurrent), training=training)
    model = compiled_model(config, steps, tf.distribute.get_strategy())
    if moved:
        model.set_weights([np.nextafter(weight, np.float32(np.inf)) for weight in model.get_weights()])
    dataset = make_dataset(load_corpus(records, "train"), config.dataset, seed=0).map(fit_batch)
    values = []
    for inputs, targets, weights in dataset.take(steps):
        model.reset_metrics()
        values.append(float(model.train_on_batch(inputs, targets, sample_weight=weights)))
    return np.array(values)


def draw(path: Path, curves: dict[str, np.ndarray]) -> None:
    """Writes the plot: the losses above, their differences from Keras's below."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, (losses_plot, differences_plot) = pyplot.subplots(
        2, 1, figsize=(6.8, 6.0), sharex=True, layout="constrained"
    )
    for name in ("Keras", "ours"):
        steps = np.arange(1, len(curves[name]) + 1)
        width = 3.0 if name == "Keras" else 1.0
        losses_plot.plot(steps, curves[name], color=COLOURS[name], linewidth=width, label=name)
    for name in (name for name in curves if name != "Keras"):
        difference = np.abs(curves[name] - curves["Keras"])
        shown = np.where(difference > 0, difference, np.nan)  # a logarithmic axis cannot show 0
        differences_plot.plot(
            steps, shown, ".-", color=COLOURS[name], linewidth=0.8, markersize=3, label=f"{name} - Keras"
        )
    losses_plot.set(ylabel="training loss, nats per step", title="Same data, same initial weights: loss of each batch")
    differences_plot.set(ylabel="difference of the losses, nats per step", xlabel="training step", yscale="log")
    for plot in (losses_plot, differences_plot):
        plot.grid(alpha=0.3)
        plot.legend()
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


if __name__ == "__main__":
    sys.exit(main())
