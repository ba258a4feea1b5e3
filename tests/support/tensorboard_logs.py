"""Reads TensorBoard logs."""

import tensorflow as tf
from tensorflow.python.summary.summary_iterator import summary_iterator


def summaries(folder):
    """Tag → list of (step, value) of all logs in a folder."""
    found = {}
    for path in sorted(folder.glob("*.tfevents.*")):
        for event in summary_iterator(str(path)):
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, tf.make_ndarray(value.tensor)))
    return found
