"""The records of a training: checked, and opened in memory or as a stream."""

from pathlib import Path

from pianoroll_tf.config import RunConfig
from pianoroll_tf.data.advice import cure_for_empty_split
from pianoroll_tf.data.opening import open_split, streams
from pianoroll_tf.data.pipeline import Corpus
from pianoroll_tf.data.records import manifest_sha256, read_manifest
from pianoroll_tf.data.stream import Stream
from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling import run_folder


def keeps_on_disk(config: RunConfig, folder: Path) -> bool:
    """Whether the pieces stay on disk. A run that exists keeps to it, as the order of the windows may depend on it."""
    if config.dataset.stream == "auto" and (folder / run_folder.CONFIG).exists():
        return bool(run_folder.load_config(folder).provenance.get("stream"))
    return streams(config.dataset.stream, config.data.path)


def check_records(config: RunConfig) -> None:
    """Raises UserError if the records are not those of the run."""
    path = config.data.path
    if manifest_sha256(path) != config.data.manifest_sha256:
        raise UserError(f"{path} must hold the records that this run was started with, but its manifest differs")


def load_split(config: RunConfig, split: str, stream: bool) -> Corpus | Stream:
    """A split of the run's records; UserError if it is empty, with what fills it."""
    path = config.data.path
    corpus = open_split(path, split, stream)
    if not corpus.steps:
        cure = cure_for_empty_split(read_manifest(path), split)
        raise UserError(f"{path} must hold pieces in the splits train and val, but {split} is empty; {cure}")
    return corpus
