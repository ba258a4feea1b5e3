"""The four polyphonic data sets of the literature: log-likelihood per step of our network, and published numbers.

Usage: python -m benchmarks.polyphonic DATA OUT [--sets jsb nottingham ...] [--heads nade ...] [--seeds 3]

Official splits, 88 pitches, and the protocol of Bai et al. 2018 (TCN): the first step of a piece is not predicted, and
the mean is over all other steps of a split, in nats. The epoch is selected on valid, and test is evaluated once. A
finished run is not repeated: OUT/SET-HEAD-SEED.npz holds the log-likelihood of each step, and OUT/table.md the table.

Reference:
    Boulanger-Lewandowski et al. 2012, "Modeling Temporal Dependencies in High-Dimensional Sequences"; Bai, Kolter,
    Koltun 2018, "An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence Modeling".
"""

import argparse
import dataclasses
import itertools
import sys
from pathlib import Path

import numpy as np

PITCHES, LOWEST = 88, 21
SPLITS = ("train", "valid", "test")
HEADS = ("independent", "nade")
# The note 1-gram on test; equal numbers show that splits, pitches and means are those of the literature
UNIGRAM = {"jsb": 11.09, "nottingham": 10.26, "piano_midi": 11.05, "muse": 11.51}


@dataclasses.dataclass(frozen=True)
class SetConfig:
    """A data set and the settings of its training.

    Attributes:
        file: Name of its file in the data folder.
        title: Name in the table.
        units: Units of the GRU.
        window: Steps per training window.
        batch: Windows per batch.
        dropout: Dropout after each layer.
        epochs: Epochs of the schedule.
        rate: Peak learning rate.
        input_dropout: Dropout of the input's cells.
        weight_decay: Weight decay of AdamW.
        head_units: Units of the nade head.
    """

    file: str
    title: str
    units: int
    window: int
    batch: int
    dropout: float
    epochs: int
    rate: float = 2e-3
    input_dropout: float = 0.1
    weight_decay: float = 0.02
    head_units: int = 128


SETS = {
    "jsb": SetConfig(
        "jsb_chorales.npz", "JSB Chorales", 200, 160, 8, 0.5, 100, input_dropout=0.2, weight_decay=0.05, head_units=64
    ),
    "nottingham": SetConfig("nottingham.npz", "Nottingham", 256, 256, 16, 0.2, 40),
    "piano_midi": SetConfig("piano_midi.npz", "Piano-midi.de", 256, 128, 16, 0.3, 50),
    "muse": SetConfig("musedata.npz", "MuseData", 320, 128, 16, 0.25, 20),
}
# Test, nats per step, in the order of SETS; None: not published
PUBLISHED = {
    "note 1-gram": (11.09, 10.26, 11.05, 11.51),
    "best GRU published": (8.20, 3.22, 7.58, 7.03),
    "best published with independent outputs": (7.72, 2.92, 7.38, 6.99),
    "RNN-NADE (2012)": (5.19, 2.31, 7.05, 5.60),
    "best published of any class, checkable protocol": (5.118, 2.305, 7.048, 5.60),
}


def load_set(path: Path) -> dict[str, list[np.ndarray]]:
    """Loads the pieces of each split, uint8 [steps, 88] of 0 and 1."""
    found = {}
    with np.load(path, allow_pickle=False) as arrays:
        for split in SPLITS:
            pieces, steps, notes = (arrays[f"{split}_{name}"] for name in ("piece_offsets", "step_offsets", "notes"))
            roll = np.zeros((pieces[-1], PITCHES), np.uint8)
            roll[np.repeat(np.arange(pieces[-1]), np.diff(steps)), notes.astype(int) - LOWEST] = 1
            found[split] = [roll[begin:end] for begin, end in itertools.pairwise(pieces)]
    return found


def note_unigram(pieces: dict[str, list[np.ndarray]]) -> float:
    """Nats per step on test of independent pitches with their frequencies in train; first steps are not counted."""
    share = np.concatenate(pieces["train"]).mean(axis=0)
    share = np.clip(share, 1e-6, 1 - 1e-6)
    steps = np.concatenate([piece[1:] for piece in pieces["test"]])
    return float(-(steps * np.log(share) + (1 - steps) * np.log(1 - share)).sum(axis=1).mean())


def padded(pieces: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Pads whole pieces to one batch: inputs, targets and mask of all steps except the first."""
    longest = max(len(piece) for piece in pieces) - 1
    roll = np.zeros((len(pieces), longest + 1, PITCHES), np.uint8)
    mask = np.zeros((len(pieces), longest), np.float32)
    for row, piece in enumerate(pieces):
        roll[row, : len(piece)] = piece
        mask[row, : len(piece) - 1] = 1
    return {"inputs": roll[:, :-1], "targets": roll[:, 1:], "mask": mask}


def windows(pieces: list[np.ndarray], config: SetConfig, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The shuffled windows of an epoch; each piece is split from a random phase."""
    parts = []
    for piece in pieces:
        phase = int(rng.integers(0, config.window)) if len(piece) > config.window + 1 else 0
        edges = [0, *range(phase, len(piece) - 1, config.window), len(piece) - 1]
        parts += [piece[a : b + 1] for a, b in itertools.pairwise(edges) if b > a]
    made = padded([*parts, np.zeros((config.window + 1, PITCHES), np.uint8)])
    order = rng.permutation(len(parts))
    return {name: values[order] for name, values in made.items()}


def train(pieces: dict[str, list[np.ndarray]], config: SetConfig, head: str, seed: int) -> dict[str, np.ndarray]:
    """Trains a network and evaluates the epoch that is best on valid.

    Returns:
        `valid` and `test`, log-likelihood of each step; `epoch`, the selected one; `history`, nats on valid per epoch.
    """
    import keras
    import tensorflow as tf

    from pianoroll_tf.config import LossConfig, ModelConfig, OptimizerConfig
    from pianoroll_tf.modeling.losses import make_loss
    from pianoroll_tf.modeling.network import build_model, start_bias
    from pianoroll_tf.modeling.optimizers import make_optimizer

    keras.utils.set_random_seed(seed)
    shape = {"gru_units": config.units, "head_units": config.head_units}
    noise = {"dropout": config.dropout, "input_dropout": config.input_dropout, "input_noise": 0.0}
    network = ModelConfig(head=head, articulation=False, clock=False, **shape, **noise)
    share = np.concatenate(pieces["train"]).mean(axis=0)
    model = build_model(network, start_bias(share, False, PITCHES), seed=seed, pitches=PITCHES)
    rng = np.random.default_rng(seed)
    batches = -(-len(windows(pieces["train"], config, rng)["mask"]) // config.batch)
    optimizer = OptimizerConfig(
        optimizer="adamw", learning_rate=config.rate, weight_decay=config.weight_decay, ema=0.99
    )
    made = make_optimizer(optimizer, config.epochs * batches)
    made.build(model.trainable_variables)
    loss, averages = make_loss(LossConfig()), made._model_variables_moving_average

    @tf.function(reduce_retracing=True)
    def step(inputs, targets, mask):
        with tf.GradientTape() as tape:
            logits = model(as_inputs(inputs, targets), training=True)
            value = loss(decisions(targets), logits, sample_weight=mask / tf.reduce_mean(mask))
        made.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)
        return value

    best, history = [], []
    for epoch in range(config.epochs):
        epoch_windows = windows(pieces["train"], config, rng)
        for first in range(0, len(epoch_windows["mask"]), config.batch):
            step(*(tf.constant(values[first : first + config.batch]) for values in epoch_windows.values()))
        weights = [variable.numpy() for variable in model.trainable_variables]
        for variable, average in zip(model.trainable_variables, averages, strict=True):
            variable.assign(average)
        found = log_likelihoods(model, pieces["valid"])
        history.append(-float(found.mean()))
        if history[-1] == min(history):
            best = [found, epoch + 1, [variable.numpy() for variable in model.trainable_variables]]
        for variable, value in zip(model.trainable_variables, weights, strict=True):
            variable.assign(value)
        print(f"  epoch {epoch + 1}: valid {history[-1]:.4f}", flush=True)
    valid, selected, weights = best
    for variable, value in zip(model.trainable_variables, weights, strict=True):
        variable.assign(value)
    test = log_likelihoods(model, pieces["test"])
    return {"valid": valid, "test": test, "epoch": np.array(selected), "history": np.array(history)}


def as_inputs(inputs, targets) -> dict:
    """A batch as the network expects it."""
    import tensorflow as tf

    inputs, targets = tf.convert_to_tensor(inputs), tf.convert_to_tensor(targets)
    return {"inputs": inputs, "targets": targets, "clock": tf.zeros(tf.shape(inputs)[:2], tf.int32)}


def decisions(targets):
    """The target of each decision; -1 masks the decision on the end of the piece."""
    import tensorflow as tf

    return tf.pad(tf.cast(targets, tf.float32), [[0, 0], [0, 0], [0, 1]], constant_values=-1.0)


def log_likelihoods(model, pieces: list[np.ndarray], rows: int = 16) -> np.ndarray:
    """Log-likelihood of each step except the first of each piece, float64 [steps]."""
    order, found = np.argsort([-len(piece) for piece in pieces], kind="stable"), {}
    for first in range(0, len(order), rows):
        part = order[first : first + rows]
        batch = padded([pieces[i] for i in part])
        logits = model(as_inputs(batch["inputs"], batch["targets"])).numpy()[..., :PITCHES].astype(np.float64)
        nats = -np.logaddexp(0, np.where(batch["targets"] != 0, -logits, logits)).sum(axis=-1)
        for row, i in enumerate(part):
            found[i] = nats[row, : len(pieces[i]) - 1]
    return np.concatenate([found[i] for i in range(len(pieces))])


def mixture(likelihoods: list[np.ndarray]) -> float:
    """Nats per step of several models whose probabilities of each step are averaged."""
    return -float((np.logaddexp.reduce(likelihoods, axis=0) - np.log(len(likelihoods))).mean())


def table(folder: Path) -> str:
    """Published numbers, and those of the runs in a folder: mean of the seeds, and averaged probabilities."""
    head = ["", *(config.title for config in SETS.values())]
    lines = [head, ["---"] * len(head)]
    for name, numbers in PUBLISHED.items():
        lines.append([name, *("–" if number is None else f"{number:g}" for number in numbers)])
    for kind in HEADS:
        runs = {name: sorted(folder.glob(f"{name}-{kind}-*.npz")) for name in SETS}
        if not any(runs.values()):
            continue
        single, average = [f"**ours, {kind} head**, mean of seeds"], [f"**ours, {kind} head**, probabilities averaged"]
        for paths in runs.values():
            found = [np.load(path)["test"] for path in paths]
            values = [-float(steps.mean()) for steps in found]
            spread = f" ({min(values):.3f}–{max(values):.3f})" if len(values) > 1 else ""
            single.append(f"{np.mean(values):.3f}{spread}, n = {len(values)}" if values else "–")
            average.append(f"{mixture(found):.3f}" if len(values) > 1 else "–")
        lines += [single, average]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Trains the missing runs, and writes the table after each; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.polyphonic", description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of the four .npz files")
    parser.add_argument("out", type=Path, help="folder of the results")
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--heads", nargs="+", choices=HEADS, default=list(HEADS))
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    pieces = {name: load_set(args.data / SETS[name].file) for name in args.sets}
    for name in args.sets:
        check = note_unigram(pieces[name])
        print(f"{SETS[name].title}: note 1-gram {check:.2f} on test, published {UNIGRAM[name]}", flush=True)
    for seed, name, head in itertools.product(range(args.seeds), args.sets, args.heads):  # first one seed of all sets
        path = args.out / f"{name}-{head}-{seed}.npz"
        if path.exists():
            continue
        print(f" {path.stem}", flush=True)
        found = train(pieces[name], SETS[name], head, seed)
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, **found)
        partial.rename(path)
        (args.out / "table.md").write_text(table(args.out))
    print(table(args.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
