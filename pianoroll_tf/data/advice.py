"""Advice at the end of a build, only where the data ask for it: few pieces, many skipped files, an empty split."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pianoroll_tf.data.discover import printable
from pianoroll_tf.data.splits import MIN_PIECES
from pianoroll_tf.messages import count

FEW_TRAINING_PIECES = 30
MANY_SKIPPED = 0.1  # share of the files, without duplicates, of which a copy is used
NAMED = "--list-skipped names them"
# Start of a reason → the flag that cures it, or what to do
CURES = {
    "a link to a folder": "--follow-links",
    "a link (": "--follow-links",
    "only drums": "--drums",
    "in no split that was given": "--splits music",
    "no such file": "paths in a list are relative to the folder of the list",
    "encrypted": "unpack the archive with its password",
    "a path outside the archive": "pack the files again, with paths below one folder",
    "SMPTE time code": "export them again with ticks per quarter note",
    "MIDI type 2": "export them again as MIDI type 1",
}


def advice(manifest: dict[str, Any], records_dir: Path, given: Sequence[str]) -> Iterator[str]:
    """Yields lines for the end of the summary.

    Args:
        manifest: Of the records.
        records_dir: Where they are.
        given: Arguments of the command that built them, which a suggested command repeats.
    """
    skipped = {reason: number for reason, number in manifest["totals"]["skipped"].items() if reason != "duplicate"}
    if skipped and sum(skipped.values()) >= MANY_SKIPPED * manifest["totals"]["files"]:
        yield f"  advice      {_about_skipped(skipped, given)}"
    pieces = manifest["splits"]["train"]["pieces"]
    if 0 < pieces < FEW_TRAINING_PIECES:
        command = _command("train", [str(records_dir), f"runs/{records_dir.name}", "--transpose", "11"])
        yield f"  advice      {count(pieces, 'piece')} to train on: more files help most; to hear each in more keys:"
        yield f"              {command}"


def _about_skipped(skipped: dict[str, int], given: Sequence[str]) -> str:
    """The most frequent reason and its cure."""
    reason, number = max(skipped.items(), key=lambda item: item[1])
    cure = next((cure for start, cure in CURES.items() if reason.startswith(start)), NAMED)
    if cure.startswith("--") and cure != NAMED:
        overwrite = [] if "--overwrite" in given else ["--overwrite"]
        cure = _command("build_records", [*given, *cure.split(), *overwrite])
    return f"{number:,} of {sum(skipped.values()):,} skipped: {reason}; {cure}"


def _command(name: str, arguments: Sequence[str]) -> str:
    return printable(shlex.join(["python", "-m", f"pianoroll_tf.{name}", *arguments]))


def cure_for_empty_split(manifest: dict[str, Any], split: str) -> str:
    """What gives a split pieces: a share, more files, or a place in the given splits."""
    settings = manifest["settings"]
    given = settings.get("splits", "auto") not in ("auto", "music")
    pieces = sum(entry["pieces"] for entry in manifest["splits"].values())
    different = pieces - manifest.get("totals", {}).get("versions", 0)
    if not given and settings.get(split) == 0:
        return f"build the records again with --{split} above 0"
    if not given and different < MIN_PIECES:
        return f"add files: from {MIN_PIECES} different pieces on, each split has one (there are {different})"
    return f"assign files to {split} in the given splits"
