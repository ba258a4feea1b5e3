"""Records as an object: built from MIDI files, read as pieces, as a corpus, or as batches of tf.data."""

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pianoroll_tf.config import DatasetConfig, RecordsConfig
from pianoroll_tf.data.records import SPLITS, check_shards, decode_piece, read_manifest, resolved
from pianoroll_tf.data.summary import skipped_lines, summary
from pianoroll_tf.data.tfrecord import DamagedRecordError, read_records
from pianoroll_tf.errors import UserError
from pianoroll_tf.library.piece import Piece
from pianoroll_tf.progress import NoProgress, Progress
from pianoroll_tf.settings import check_entry
from pianoroll_tf.system import usable_cpus
from pianoroll_tf.tensorflow_startup import import_tensorflow

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf

    from pianoroll_tf.data.loading import Corpus


class Records:
    """A folder of records.

    Attributes:
        folder: The folder.
        manifest: What `data.records.read_manifest` returns.
        settings: The settings it was built with; `grid` is the one that was chosen.

    Args:
        folder: The folder, as `build` or the command `build_records` made it.

    Raises:
        UserError: It holds no records, or its manifest is damaged.
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        self.folder = Path(folder)
        self.manifest: dict[str, Any] = read_manifest(self.folder)
        self.settings: RecordsConfig = resolved(self.manifest)
        self._names: dict[str, str] | None = None

    @classmethod
    def build(
        cls,
        midi: str | os.PathLike,
        folder: str | os.PathLike,
        config: RecordsConfig | None = None,
        *,
        workers: int | None = None,
        overwrite: bool = False,
        progress: bool = False,
        follow_links: bool = False,
        **settings: Any,
    ) -> "Records":
        """Converts MIDI files to records; resumes a build that was stopped, and leaves one alone that is up to date.

        Args:
            midi: A folder of MIDI files, at any depth; an archive of them (.zip, .tar, .tar.gz, .tgz); or a text file
                with a path per line.
            folder: Folder to create; it appears whole.
            config: The settings; None: `RecordsConfig(**settings)`.
            workers: Processes that read files; None: one per CPU.
            overwrite: Whether to replace records of other files or settings.
            progress: Whether to show progress on stderr.
            follow_links: Whether to follow symbolic links in a folder or a list.
            **settings: Those of `RecordsConfig` that differ from its defaults: `grid="beats"`, `val=0.2`, `limit=100`.

        Raises:
            ValueError: A setting is not allowed, or both `config` and settings are given.
            UserError: No file can be used, or the folder holds something else.
        """
        from pianoroll_tf.data.build import build

        if workers is not None and (type(workers) is not int or workers < 1):
            raise ValueError(f"workers must be a whole number >= 1. Received: workers={workers!r}")
        if config is not None and not isinstance(config, RecordsConfig):
            raise ValueError(f"config must be a RecordsConfig. Received: {config!r}")
        if config is not None and settings:
            raise ValueError(f"config must be none when settings are given. Received: {', '.join(settings)}")
        unknown = sorted(set(settings) - set(RecordsConfig.__dataclass_fields__))
        if unknown:
            allowed = ", ".join(RecordsConfig.__dataclass_fields__)
            raise ValueError(f"a setting of records must be one of {allowed}. Received: {', '.join(unknown)}")
        config = config or RecordsConfig(**settings)
        shown = Progress if progress else NoProgress
        build(Path(midi), Path(folder), config, workers or usable_cpus(), overwrite, shown, follow_links)
        return cls(folder)

    def __repr__(self) -> str:
        pieces = ", ".join(f"{self.count(split)} {split}" for split in SPLITS)
        return f"Records({str(self.folder)!r}, pieces: {pieces}; {self.settings.steps_per_unit} steps a {self.unit})"

    def __len__(self) -> int:
        """Number of pieces, in all splits."""
        return sum(self.count(split) for split in SPLITS)

    @property
    def grid(self) -> str:
        """Unit of the steps, "beats" or "seconds"."""
        return self.settings.grid

    @property
    def unit(self) -> str:
        """The same in the singular."""
        return self.grid[:-1]

    @property
    def steps_per_beat(self) -> int | None:
        """Steps per quarter note; None on the grid of seconds."""
        return self.settings.steps_per_beat if self.grid == "beats" else None

    def summary(self) -> str:
        """What `build_records` prints: numbers of files, pieces, notes and steps, what was left out, and why."""
        return "\n".join(summary(self.manifest, self.folder, is_new=True))

    def skipped(self) -> list[str]:
        """Path and reason of each file that was skipped."""
        return list(skipped_lines(read_manifest(self.folder, with_files=True)["files"]))

    def count(self, split: str) -> int:
        """Number of pieces in a split, "train", "val" or "test"."""
        check_entry("split", split, SPLITS)
        return self.manifest["splits"][split]["pieces"]

    def pieces(self, split: str, first: int = 0) -> Iterator[Piece]:
        """Reads the pieces of a split one by one, without TensorFlow, from number `first` on.

        Raises:
            ValueError: There is no such split.
            UserError: A shard is missing or damaged.
        """
        check_entry("split", split, SPLITS)
        for shard in check_shards(self.folder, split)["shards"]:
            if first >= shard["pieces"]:
                first -= shard["pieces"]
                continue
            with (self.folder / shard["name"]).open("rb") as file:
                for record in islice(read_records(file), first, None):
                    yield self._piece(record, shard["name"])
            first = 0

    def piece(self, split: str, number: int) -> Piece:
        """A piece of a split, counted from 0; raises IndexError if it has no such piece."""
        pieces = self.count(split)
        if not 0 <= number < pieces:
            raise IndexError(f"number must be >= 0 and < {pieces}, the pieces in {split}. Received: number={number}")
        return next(self.pieces(split, number))

    def roll(self, split: str, number: int) -> "np.ndarray":
        """The cells of a piece, uint8 [steps, 84]: 0 silent, 1 held, 2 struck."""
        return self.piece(split, number).roll

    def corpus(self, split: str) -> "Corpus":
        """Loads a whole split into memory: one byte per step and one per sounding cell.

        Raises:
            UserError: There is no such split, or a shard is damaged.
        """
        import_tensorflow()
        from pianoroll_tf.data.loading import load_corpus

        return load_corpus(self.folder, split)

    def dataset(self, split: str, training: bool | None = None, seed: int = 0, **settings: Any) -> "tf.data.Dataset":
        """Batches of a split, as training or evaluation reads them.

        Args:
            split: "train", "val" or "test".
            training: True: endless, in random order, transposed. False: every step of every piece once, in order. None:
                True for "train".
            seed: Seed of order and transposition; a batch is a function of the seed and its index.
            **settings: Those of `DatasetConfig` that differ from its defaults: `window_steps=64`, `batch_size=8`.

        Returns:
            A dataset of dicts. `inputs` and `targets`, uint8 [batch, steps, 84], are the cells of the step before each
            step and of the step itself; `data.pipeline` describes the others.

        Raises:
            ValueError: A setting is not allowed, or the split is empty.
        """
        config = DatasetConfig(**settings)
        import_tensorflow()
        from pianoroll_tf.data.opening import open_split, streams
        from pianoroll_tf.data.pipeline import evaluation_dataset, make_dataset

        corpus = open_split(self.folder, split, streams(config.stream, self.folder))

        if split == "train" if training is None else training:
            return make_dataset(corpus, config, seed)
        return evaluation_dataset(corpus, config)

    def _piece(self, record: Any, shard: str) -> Piece:
        """The piece of a serialized record, with the path of its file as its name."""
        if isinstance(record, DamagedRecordError):
            raise UserError(f"{self.folder / shard} is damaged ({record}); build the records again")
        decoded = decode_piece(record)
        if self._names is None:
            files = read_manifest(self.folder, with_files=True)["files"]
            self._names = {file["sha256"]: file["path"] for file in files if file["status"] == "used"}
        return Piece.from_record(decoded, self.settings, self._names.get(decoded.sha256.hex(), ""))
