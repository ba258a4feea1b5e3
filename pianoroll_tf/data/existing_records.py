"""Checks whether a folder of records is up to date: made of the same files with the same settings."""

import contextlib
import hashlib
from pathlib import Path
from typing import Any

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.discover import printable
from pianoroll_tf.data.inputs import Input
from pianoroll_tf.data.midi import MidiError, read_bytes
from pianoroll_tf.data.records import SPLITS, check_shards, read_manifest
from pianoroll_tf.errors import UserError
from pianoroll_tf.progress import NoProgress
from pianoroll_tf.settings import to_dict


def existing_manifest(
    records_dir: Path, source: Input, config: RecordsConfig, progress: type[NoProgress]
) -> dict[str, Any]:
    """Returns the manifest of records that are up to date; the files of `source` are all read.

    Raises:
        UserError: The records are damaged, or were made of other files or with other settings.
    """
    manifest = read_manifest(records_dir, with_files=True)
    for split in SPLITS:
        check_shards(records_dir, split)
    before, now = manifest["settings"], to_dict(config)
    names = [name for name in now if before.get(name) != now[name]]
    changes = ", ".join(f"{name} was {before.get(name)} and is {now[name]}" for name in names)
    if not changes:
        changes = _changed_files(manifest["files"], _digests(source, progress))
    if changes:
        raise UserError(f"{records_dir} exists and was made differently ({changes}); replace it with --overwrite")
    return manifest


def _changed_files(entries: list[dict[str, Any]], now: dict[str, str | None]) -> str:
    before = {entry["path"]: entry["sha256"] for entry in entries}
    added, removed = now.keys() - before.keys(), before.keys() - now.keys()
    changed = {path for path in now.keys() & before.keys() if now[path] != before[path]}
    if not added | removed | changed:
        return ""
    counts = {"new": len(added), "removed": len(removed), "changed": len(changed)}
    words = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
    return f"files: {words}, among them {min(added | removed | changed)}"


def _digests(source: Input, progress: type[NoProgress]) -> dict[str, str | None]:
    """Path in the manifest → sha256 of the file; None for a file that cannot be read, as in the manifest."""
    found = list(source.found())
    digests: dict[str, str | None] = {printable(file.path): None for file in found}
    with progress(len(found), "files compared") as bar:
        bar.update(sum(bool(file.reason) for file in found))
        for path, content in source.sources(file.path for file in found if not file.reason):
            with contextlib.suppress(OSError, MidiError):
                if not isinstance(content, MidiError):
                    data = content if isinstance(content, bytes) else read_bytes(content)
                    digests[printable(path)] = hashlib.sha256(data).hexdigest()
            bar.update()
    return digests
