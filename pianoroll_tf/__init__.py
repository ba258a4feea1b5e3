"""Train a polyphonic music model on your own MIDI files and generate music with it."""

import os

__version__ = "0.1.0"

# By default, TensorFlow uses oneDNN's matrix products only on CPUs with AVX-512. They are faster on other CPUs as well:
# a small product runs on one core instead of being divided over all. They round differently, so the variable is set
# here, before TensorFlow is imported; in a program that imports TensorFlow first, it has no effect.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
