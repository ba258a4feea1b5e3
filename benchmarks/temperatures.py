"""Measures how temperature, top-p and density change a model's music: notes, onsets, clashes.

Usage: python -m benchmarks.temperatures saved_models/NAME
"""

import sys
from pathlib import Path

import numpy as np

PIECES, STEPS, SEED = 24, 256, 5000
SETTINGS = [{"temperature": value} for value in (0.7, 0.8, 0.9, 1.0, 1.15, 1.3)]
SETTINGS += [{"temperature": 1.0, "top_p": 0.9}, {"temperature": 1.0, "density": 1.5}]


def main(argv: list[str]) -> int:
    """Prints a table of the music facts of pieces generated without a primer, with the same seeds for every row."""
    from pianoroll_tf.config import SamplingConfig
    from pianoroll_tf.generation import saved_model
    from pianoroll_tf.generation.music.facts import corpus_facts, piece_facts

    model = saved_model.load(Path(argv[0]))
    print("| | density | onsets per step | steps with a semitone clash |\n|---|---|---|---|")
    for settings in SETTINGS:
        rolls = model.generate(np.zeros((PIECES, 0, 84)), STEPS, SamplingConfig(seed=SEED, **settings))
        facts = corpus_facts([piece_facts(roll) for roll in rolls])
        name = ", ".join(f"{key.replace('_', '-')} {value:g}" for key, value in settings.items())
        print(f"| {name} | {facts['density']:.2%} | {facts['onsets']:.3f} | {facts['clash']:.3f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
