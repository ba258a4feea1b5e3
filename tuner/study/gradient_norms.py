"""Records the norm of the gradient in every step of a training, without changing the training."""

import csv
from pathlib import Path

import keras
import tensorflow as tf

from pianoroll_tf.storage.files import write_whole

HEADER = b"step,norm\n"


class GradientNorms(keras.callbacks.Callback):
    """Writes the global norm of each step's gradient, before it is clipped, to a CSV file.

    A callback has no access to gradients. Therefore the optimizer of the model, which receives them, also stores their
    norm in a variable. On one device only.

    One line is written per step; when a training is resumed from a checkpoint, the lines after it are dropped.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path, self._file, self._norm = path, None, None

    def set_model(self, model):
        """Makes the optimizer store the norm of its gradients; once, as an epoch may be fit in parts."""
        super().set_model(model)
        if self._norm is not None:
            return
        self._norm = norm = tf.Variable(0.0, trainable=False, name="gradient_norm")
        apply = model.optimizer.apply

        def store_norm_and_apply(grads, trainable_variables=None):
            norm.assign(tf.linalg.global_norm(list(grads)))
            return apply(grads, trainable_variables)

        model.optimizer.apply = store_norm_and_apply

    def on_train_begin(self, logs=None):
        """Opens the file after the last step of the model."""
        if self._file is None:
            steps = int(self.model.optimizer.iterations)
            kept = [HEADER, *(f"{step},{norm!r}\n".encode() for step, norm in read_norms(self._path) if step <= steps)]
            write_whole(self._path, b"".join(kept))
            self._file = self._path.open("ab", buffering=0)

    def on_train_batch_end(self, batch, logs=None):
        """Writes the step's norm, unbuffered, so that the file has all steps of a checkpoint."""
        self._file.write(f"{int(self.model.optimizer.iterations)},{float(self._norm)!r}\n".encode())

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()


def read_norms(path: Path) -> list[tuple[int, float]]:
    """Step and norm of every complete line of the file; empty if there is no file."""
    if not path.is_file():
        return []
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [(int(step), float(norm)) for step, norm in list(csv.reader(whole.decode().splitlines()))[1:]]
