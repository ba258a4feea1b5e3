"""What converts the files of a build and writes its shards: processes of this machine, or others like Apache Beam."""

import importlib.metadata
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from pianoroll_tf import __version__
from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.conversion import Piece
from pianoroll_tf.data.inputs import Input, open_input
from pianoroll_tf.data.journal import Journal
from pianoroll_tf.data.records import FORMAT
from pianoroll_tf.data.shard_facts import ShardFacts
from pianoroll_tf.data.shards import write_shards
from pianoroll_tf.data.smf import MidiError
from pianoroll_tf.data.workers import File, convert_all
from pianoroll_tf.settings import to_dict

# Settings that affect the conversion of a file; changing any other setting does not invalidate converted files
CONVERSION_SETTINGS = ("grid", "steps_per_second", "steps_per_beat", "parser", "drums", "pedal")


def conversion_settings(config: RecordsConfig) -> dict[str, Any]:
    """Everything that a converted file depends on beside its bytes, JSON-ready."""
    settings = {name: value for name, value in to_dict(config).items() if name in CONVERSION_SETTINGS}
    versions = {"package": __version__, "parser": importlib.metadata.version(config.parser)}
    return settings | {"format": FORMAT, "versions": versions}


class Engine(Protocol):
    """Does the work of a build whose order is decided by others, so that the result is the same with every engine."""

    name: str  # of its journals; what one engine has left behind means nothing to another

    def open_input(self, path: Path | str, include: str | None, follow_links: bool) -> Input:
        """Opens what is to be read; see `inputs.open_input`."""
        ...

    def convert(
        self, source: Input, files: Iterable[tuple[str, str]], config: RecordsConfig, work: Path
    ) -> Iterator[tuple[str, Piece, bytes | None]]:
        """Converts files.

        Args:
            source: The input that has them.
            files: Their paths in it, and stamps.
            config: How to convert them, with the grid chosen.
            work: A folder that is kept for the next build if this one is interrupted.

        Yields:
            `(path, piece, place)` in any order, each file once; `place` is for the journal, where the engine keeps
            the record itself.
        """
        ...

    def write_shards(
        self, journal: Journal, config: RecordsConfig, grid: str, folder: Path, work: Path
    ) -> dict[str, ShardFacts]:
        """Writes the shards of the chosen pieces into a folder; returns the facts of each by its name.

        `work` is the folder that `convert` was given, on the same file system.
        """
        ...


class Processes:
    """Reader processes of this machine, and the shards written by this process."""

    name = "journal"

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def open_input(self, path: Path | str, include: str | None, follow_links: bool) -> Input:
        """See `Engine`."""
        return open_input(Path(path), include, follow_links)

    def convert(
        self, source: Input, files: Iterable[tuple[str, str]], config: RecordsConfig, work: Path
    ) -> Iterator[tuple[str, Piece, None]]:
        """See `Engine`; a record is part of its piece."""
        unreadable: deque[tuple[str, Piece]] = deque()

        def readable() -> Iterator[File]:
            for path, content in source.sources(path for path, _ in files):
                if isinstance(content, MidiError):
                    unreadable.append((path, Piece(reason=str(content))))
                else:
                    yield File(path, content)

        for path, piece in convert_all(readable(), config, self._workers):
            while unreadable:
                yield *unreadable.popleft(), None
            yield path, piece, None
        while unreadable:
            yield *unreadable.popleft(), None

    def write_shards(
        self, journal: Journal, config: RecordsConfig, grid: str, folder: Path, work: Path
    ) -> dict[str, ShardFacts]:
        """See `Engine`."""
        return write_shards(journal, config, grid, folder)
