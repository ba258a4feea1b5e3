"""Encodings of rolls in TFRecords: bytes per active cell, and the time to read them back as a Corpus.

All are read in the same way: the whole file is decompressed, split by our TFRecord reader with its CRC checks, parsed
by one `parse_example`, and decoded with numpy.
"""

import gzip
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Experiment, Measurements, Variant
from benchmarks.results_table import Row, format_spread, look_up, number
from benchmarks.worker import MissingPeerError, Stopwatch

SPLIT = "test"  # a tenth of the corpus, because dense float32 takes a hundred times the space
PACKINGS = ("bare", "gzip", "zstd")
ENCODINGS = {
    "ours": "ours: one byte per step and one per active cell",
    "index_lists": "int64 lists of step and pitch",
    "dense_uint8": "dense uint8",
    "dense_float32": "dense float32",
}


def _encode(encoding: str, roll) -> bytes:
    """A piece as a serialized Example."""
    import tensorflow as tf

    from pianoroll_tf.data.roll import to_dense

    if encoding == "ours":
        features = {"counts": _bytes(roll.counts), "cells": _bytes(roll.cells)}
    elif encoding == "dense_uint8":
        features = {"roll": _bytes(to_dense(roll))}
    elif encoding == "dense_float32":
        values = to_dense(roll).astype(np.float32).ravel()
        features = {"roll": tf.train.Feature(float_list=tf.train.FloatList(value=values))}
    else:
        step = np.repeat(np.arange(len(roll.counts)), roll.counts)
        lists = {"steps": [len(roll.counts)], "step": step, "pitch": roll.columns}
        features = {name: tf.train.Feature(int64_list=tf.train.Int64List(value=x)) for name, x in lists.items()}
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString(deterministic=True)


def _bytes(array: np.ndarray):
    import tensorflow as tf

    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[array.tobytes()]))


def _decoder(encoding: str) -> Callable[[Any], tuple[np.ndarray, np.ndarray]]:
    """Returns a function from a batch of serialized Examples to the counts and cells of its pieces."""
    import tensorflow as tf

    from pianoroll_tf.data.loading import split_bytes

    text, many = tf.io.FixedLenFeature([], tf.string), tf.io.RaggedFeature
    specs = {
        "ours": {"counts": text, "cells": text},
        "dense_uint8": {"roll": text},
        "dense_float32": {"roll": many(tf.float32, row_splits_dtype=tf.int64)},
        "index_lists": {
            "steps": tf.io.FixedLenFeature([], tf.int64),
            "step": many(tf.int64, row_splits_dtype=tf.int64),
            "pitch": many(tf.int64, row_splits_dtype=tf.int64),
        },
    }

    def decode(serialized) -> tuple[np.ndarray, np.ndarray]:
        features = tf.io.parse_example(serialized, specs[encoding])
        if encoding == "ours":
            counts, cells = (split_bytes(features[name]) for name in ("counts", "cells"))
            return np.concatenate(counts), np.concatenate(cells)
        if encoding == "index_lists":
            begin = np.cumsum(features["steps"].numpy()) - features["steps"].numpy()
            step = features["step"].values.numpy() + np.repeat(begin, features["step"].row_lengths().numpy())
            counts = np.bincount(step, minlength=int(features["steps"].numpy().sum()))
            return counts.astype(np.uint8), features["pitch"].values.numpy().astype(np.uint8)
        if encoding == "dense_uint8":
            dense = np.frombuffer(b"".join(features["roll"].numpy().tolist()), np.uint8).reshape(-1, 84)
        else:
            dense = features["roll"].values.numpy().reshape(-1, 84)
        sounding = dense != 0
        return sounding.sum(axis=1, dtype=np.uint8), np.nonzero(sounding)[1].astype(np.uint8)

    return decode


def _packings() -> dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]]:
    """Name → functions that compress and decompress the bytes of a whole TFRecord file."""
    try:
        import zstandard
    except ImportError as error:
        raise MissingPeerError(f"zstandard is not installed ({error})") from error
    zstd = zstandard.ZstdCompressor(), zstandard.ZstdDecompressor()
    functions = (
        (bytes, bytes),
        (lambda data: gzip.compress(data, 6), gzip.decompress),
        (zstd[0].compress, zstd[1].decompress),
    )
    return dict(zip(PACKINGS, functions, strict=True))


def all_formats(records: str, scratch: str) -> Iterator[dict[str, float]]:
    """Milliseconds of reading each file, and its bytes per active cell; all files in turn, in one process."""
    from pianoroll_tf.data.roll import STRUCK_BIT
    from pianoroll_tf.data.tfrecord import frame, read_records

    packings = _packings()
    rolls = [piece for name in _shards(records) for piece in _pieces(Path(records) / name)]
    active = sum(len(roll.cells) for roll in rolls)
    files = {}
    for encoding in ENCODINGS:
        whole = b"".join(frame(_encode(encoding, roll)) for roll in rolls)
        for packing, (pack, _) in packings.items():
            files[encoding, packing] = Path(scratch) / f"{encoding}.{packing}"
            files[encoding, packing].write_bytes(pack(whole))
    decoders = {encoding: _decoder(encoding) for encoding in ENCODINGS}

    def read(encoding: str, packing: str) -> tuple[np.ndarray, np.ndarray]:
        whole = packings[packing][1](files[encoding, packing].read_bytes())
        counts, cells = decoders[encoding](list(read_records(io.BytesIO(whole))))
        return counts, cells % STRUCK_BIT

    counts, cells = read("ours", "bare")
    for key in files:  # warms up, and checks that all encodings hold the same cells
        assert all(np.array_equal(*pair) for pair in zip(read(*key), (counts, cells), strict=True)), key
    sizes = {f"bytes {' '.join(key)}": path.stat().st_size / active for key, path in files.items()}
    yield {"pieces": len(rolls), "active_cells": active, "steps": len(counts)}
    while True:
        times = {}
        for key in files:
            watch = Stopwatch()
            read(*key)
            times[f"read {' '.join(key)}"] = 1000 * watch.lap()
        yield sizes | times


def _shards(records: str) -> list[str]:
    from pianoroll_tf.data.records import read_manifest

    return [shard["name"] for shard in read_manifest(records)["splits"][SPLIT]["shards"]]


def _pieces(path: Path) -> list:
    """The sparse rolls of a shard."""
    from pianoroll_tf.data.records import decode_piece
    from pianoroll_tf.data.tfrecord import read_records

    with path.open("rb") as file:
        return [decode_piece(record).roll for record in read_records(file)]


def experiments(fixtures) -> list[Experiment]:
    """The experiment `formats`."""
    places = {"records": fixtures.records, "scratch": fixtures.folder("formats")}
    variant = Variant(function="benchmarks.rows.formats:all_formats", arguments=places)
    return [Experiment(name="formats", variants={"all": variant}, repeats=fixtures.repeats(7))]


def rows() -> list[Row]:
    """Rows: ours compared with each other encoding, uncompressed, and with the best of all other files."""
    rows = []
    kinds = {"bytes": ("records, size", "bytes an active cell"), "read": (f"records, reading {SPLIT}", "ms")}
    for metric, (name, unit) in kinds.items():
        for encoding, words in ENCODINGS.items():
            if encoding != "ours":
                rows.append(_row(metric, name, unit, (f"{encoding} bare",), words))
        others = tuple(f"{encoding} {packing}" for encoding in ENCODINGS if encoding != "ours" for packing in PACKINGS)
        rows.append(_row(metric, name, unit, others, "best of these and of their gzip and zstd"))
        for packing in PACKINGS[1:]:
            rows.append(_row(metric, name, unit, (f"ours {packing}",), f"ours in {packing}"))
    return rows


def _row(metric: str, name: str, unit: str, peers: tuple[str, ...], words: str) -> Row:
    references = tuple(f"formats/all.{metric} {peer}" for peer in peers)
    ours = f"formats/all.{metric} ours bare"
    return Row(name=name, unit=unit, ours=ours, peers=references, peer_name=words, more=False)


def details(results: dict[str, dict[str, Measurements]], folder: Path) -> str:
    """A table of all encodings and compressions."""
    if "formats" not in results or results["formats"]["all"].missing:
        return ""
    lines = [
        f"**Records** ({SPLIT} split, all read in one way; TensorFlow's own reader has no zstd)\n",
        "| | packed | bytes an active cell | reading, ms |\n| --- | --- | ---: | ---: |",
    ]
    for encoding, words in ENCODINGS.items():
        for packing in PACKINGS:
            size, time = (
                look_up(results, f"formats/all.{metric} {encoding} {packing}") for metric in ("bytes", "read")
            )
            lines.append(f"| {words} | {packing} | {number(size.median)} | {format_spread(vars(time))} |")
    return "\n".join(lines)
