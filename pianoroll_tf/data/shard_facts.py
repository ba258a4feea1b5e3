"""Facts about the records of one shard, which the manifest sums over the shards of a split."""

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from typing import BinaryIO, Self

import numpy as np

from pianoroll_tf.data.clock import meter_spans
from pianoroll_tf.data.records import decode_piece
from pianoroll_tf.data.rhythm import UsualOnsets, positions_in_beat
from pianoroll_tf.data.tfrecord import frame


@dataclasses.dataclass
class ShardFacts:
    """What only the records themselves tell; everything else in the manifest is in the journal."""

    bytes: int  # of the file
    sha256: str  # of the file, hex
    microseconds: list[int]  # duration of a quarter note of each piece
    meter_steps: dict[str, int]  # time signature → number of steps; empty on the grid of seconds
    struck_counts: list[int]  # struck notes at each position in the beat
    averages: list[tuple[int, int]]  # histogram of `rhythm.UsualOnsets`: (bin, steps) where there are any

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of `to_json`."""
        values = json.loads(text)
        return cls(**values | {"averages": [(place, steps) for place, steps in values["averages"]]})


def write_shard(records: Iterable[bytes], file: BinaryIO, steps_per_beat: int | None) -> ShardFacts:
    """Writes serialized records to a TFRecord file, in their order.

    Args:
        records: As `records.encode_piece` makes them; one at a time is held in memory.
        file: The open file.
        steps_per_beat: Of the pieces; None on the grid of seconds.

    Returns:
        The facts of the shard.
    """
    places = steps_per_beat or 1
    size, digest, microseconds = 0, hashlib.sha256(), []
    meters, struck, usual = Counter[str](), np.zeros(places, np.int64), UsualOnsets(places)
    for record in records:
        framed = frame(record)
        digest.update(framed)
        file.write(framed)
        size += len(framed)
        piece = decode_piece(record)
        microseconds.append(piece.microseconds)
        onsets = piece.roll.onset_counts()
        position = positions_in_beat(piece.meters, len(onsets), places)
        struck += np.bincount(position, onsets, places).astype(np.int64)
        usual.add(onsets, position)
        if steps_per_beat:
            for begin, end, meter in meter_spans(piece.meters, len(onsets)):
                meters[str(meter)] += end - begin
    return ShardFacts(size, digest.hexdigest(), microseconds, dict(meters), struck.tolist(), usual.counts())
