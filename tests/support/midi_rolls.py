"""Rolls as MIDI files."""

import numpy as np

from pianoroll_tf.generation import render


def write_midi(path, roll, steps_per_second=8):
    path.write_bytes(render.midi_bytes(roll, steps_per_second))
    return path


def scale(steps=40):
    roll = np.zeros((steps, 84), np.uint8)
    roll[np.arange(steps), np.arange(steps) % 84] = 1
    return roll
