"""The peer of build_records: a script as simple as possible.

Usage: python simple_build.py MIDI_DIR OUT.tfrecord
"""

import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pretty_midi
import tensorflow as tf


def main() -> None:
    """Writes a dense Example per file; prints the number of files, and the seconds without the imports above."""
    start = time.perf_counter()
    warnings.simplefilter("ignore")
    count = 0
    with tf.io.TFRecordWriter(sys.argv[2]) as writer:
        for path in sorted(Path(sys.argv[1]).rglob("*")):
            if path.suffix.lower() not in (".mid", ".midi"):
                continue
            midi = pretty_midi.PrettyMIDI(str(path))
            roll = (midi.get_piano_roll(fs=8)[24:108] > 0).T.astype(np.float32)  # [steps, 84]
            feature = {
                "roll": tf.train.Feature(float_list=tf.train.FloatList(value=roll.ravel())),
                "steps": tf.train.Feature(int64_list=tf.train.Int64List(value=[len(roll)])),
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
            count += 1
    print(count, time.perf_counter() - start)


if __name__ == "__main__":
    main()
