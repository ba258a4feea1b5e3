"""Train a polyphonic music model on your own MIDI files and generate music with it."""

import os

__version__ = "0.1.0"

# TensorFlow takes oneDNN's products unasked only where there is AVX-512. They are faster on other CPUs as well: a small
# one runs on one core, beside others, instead of being divided over all. They round otherwise, so this stands where it
# comes before every import of TensorFlow; a program that imports TensorFlow first computes as that import said.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
