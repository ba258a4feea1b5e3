"""Builds records by one of the runners of `build_records --runner`."""

from pathlib import Path
from typing import Any

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.build import build
from pianoroll_tf.errors import UserError
from pianoroll_tf.extras import require
from pianoroll_tf.progress import NoProgress


def build_by(
    runner: str,
    beam_options: str,
    midi: Path | str,
    records_dir: Path | str,
    config: RecordsConfig,
    workers: int,
    overwrite: bool,
    progress: type[NoProgress],
    follow_links: bool,
) -> tuple[dict[str, Any], bool]:
    """Builds records; see `build.build`.

    Args:
        runner: "direct", processes of this machine, or "beam", Apache Beam.
        beam_options: Options of Beam's pipelines.
        midi: What to read; a URL only with "beam".
        records_dir: Folder to create; a URL only with "beam".
        config: Settings of the records.
        workers: Number of processes that read files, on this machine.
        overwrite: Whether to replace records that were made differently.
        progress: `Progress` shows progress on stderr.
        follow_links: Whether to follow links in the folder.

    Returns:
        `(manifest, is_new)`; records that were written to a URL have their `files` in it.

    Raises:
        UserError: Something cannot be used, or the package of a runner is missing.
    """
    if runner == "direct":
        for place in (midi, records_dir):
            if isinstance(place, str):
                raise UserError(f"INPUT and RECORDS_DIR must be local without --runner beam. Received: {place}")
        return build(midi, Path(records_dir), config, workers, overwrite, progress, follow_links)
    require("apache_beam")
    from pianoroll_tf.data.beam.engine import Beam
    from pianoroll_tf.data.beam.remote import build_remote

    engine = Beam(beam_options, workers)
    if isinstance(records_dir, str):
        return build_remote(midi, records_dir, config, engine, overwrite, progress, follow_links), True
    return build(midi, records_dir, config, workers, overwrite, progress, follow_links, engine)
