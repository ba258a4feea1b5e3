"""What already stands under a folder of records' name, and whether it is what is asked for."""

import hashlib
from pathlib import Path
from typing import Any

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.discover import Found, readable
from pianoroll_tf.data.midi import MidiError, read_bytes
from pianoroll_tf.data.records import SPLITS, check_shards, read_manifest
from pianoroll_tf.errors import UserError
from pianoroll_tf.progress import Progress
from pianoroll_tf.settings import to_dict


def existing_manifest(records_dir: Path, midi_dir: Path, found: list[Found], config: RecordsConfig) -> dict[str, Any]:
    """The manifest of records that are already what is asked for.

    Raises:
        UserError: They are damaged, or were made of other files or with other settings; says which.
    """
    manifest = read_manifest(records_dir, with_files=True)
    for split in SPLITS:
        check_shards(records_dir, split)
    changes = _changed_settings(manifest["settings"], to_dict(config))
    changes = changes or _changed_files(manifest["files"], _digests(midi_dir, found))
    if changes:
        raise UserError(f"{records_dir} stands and was made differently ({changes}); replace it with --overwrite")
    return manifest


def _changed_settings(before: dict[str, Any], now: dict[str, Any]) -> str:
    names = [name for name in now if before.get(name) != now[name]]
    return ", ".join(f"{name} was {before.get(name)} and is {now[name]}" for name in names)


def _changed_files(entries: list[dict[str, Any]], now: dict[str, str | None]) -> str:
    before = {entry["path"]: entry["sha256"] for entry in entries}
    added, gone = now.keys() - before.keys(), before.keys() - now.keys()
    changed = [path for path in now.keys() & before.keys() if now[path] != before[path]]
    counts = {"new": len(added), "gone": len(gone), "changed": len(changed)}
    if not any(counts.values()):
        return ""
    example = min([*added, *gone, *changed])
    words = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
    return f"files: {words}, among them {example}"


def _digests(midi_dir: Path, found: list[Found]) -> dict[str, str | None]:
    """The sha256 of every file under its path in the manifest; reads them all."""
    digests = {}
    with Progress(len(found), "files compared") as progress:
        for file in found:
            digests[readable(file.path)] = _sha256(midi_dir / file.path, file)
            progress.update()
    return digests


def _sha256(path: Path, file: Found) -> str | None:
    """As the manifest has it: none for what could not be read."""
    try:
        return None if file.reason else hashlib.sha256(read_bytes(path)).hexdigest()
    except (OSError, MidiError):
        return None
