"""Builds records in a folder on another filesystem than the local one, where the manifest is written last."""

import tempfile
from pathlib import Path
from typing import Any

from apache_beam.io.filesystems import FileSystems

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.beam.engine import Beam
from pianoroll_tf.data.beam.files import join, write_whole
from pianoroll_tf.data.beam.url_input import check_url
from pianoroll_tf.data.build import build
from pianoroll_tf.data.records import MANIFEST, SPLITS, is_shard_name, read_manifest
from pianoroll_tf.errors import UserError
from pianoroll_tf.progress import NoProgress


def build_remote(
    midi: Path | str,
    url: str,
    config: RecordsConfig,
    engine: Beam,
    overwrite: bool = False,
    progress: type[NoProgress] = NoProgress,
    follow_links: bool = False,
) -> dict[str, Any]:
    """Builds records as `build.build` does, in a folder given by its URL.

    What has been converted is kept in `url`.partial until the records are complete, for the same command to resume.

    Returns:
        The manifest, with its `files`.

    Raises:
        UserError: No file can be used, or the folder holds records, without `overwrite`, or something else.
    """
    url = check_url(url, "RECORDS_DIR")
    before = _names(url)
    foreign = {name for name in before if not is_shard_name(name)}  # shards alone: a publication was interrupted
    if foreign and MANIFEST not in before:
        kind = "a folder of records or an empty folder"
        raise UserError(f"{url} must be {kind}: it has {min(foreign)} but no {MANIFEST}")
    if MANIFEST in before and not overwrite:
        raise UserError(f"{url} holds records already; replace them with --overwrite")
    engine.work = f"{url}.partial"
    with tempfile.TemporaryDirectory() as folder:
        build(midi, Path(folder) / "records", config, 1, False, progress, follow_links, engine)
        manifest = read_manifest(Path(folder) / "records", with_files=True)
        _publish(url, engine.work, manifest, before, (Path(folder) / "records" / MANIFEST).read_bytes())
    return manifest


def _names(url: str) -> set[str]:
    """Names of the files in a folder."""
    return {file.path.rpartition("/")[2] for file in FileSystems.match([f"{url}/*"])[0].metadata_list}


def _publish(url: str, work: str, manifest: dict[str, Any], before: set[str], content: bytes) -> None:
    """Replaces the files of a folder by those of a manifest; between, it has no manifest and cannot be mistaken."""
    names = [shard["name"] for split in SPLITS for shard in manifest["splits"][split]["shards"]]
    if MANIFEST in before:
        FileSystems.delete([join(url, MANIFEST)])
    old = before - {MANIFEST}
    if old:
        FileSystems.delete([join(url, name) for name in sorted(old)])
    if FileSystems.get_filesystem(url).has_dirs() and not FileSystems.exists(url):
        FileSystems.mkdirs(url)
    FileSystems.rename([join(work, name) for name in names], [join(url, name) for name in names])
    write_whole(join(url, MANIFEST), lambda file: file.write(content))
    FileSystems.delete([file.path for file in FileSystems.match([f"{work}/*"])[0].metadata_list])
