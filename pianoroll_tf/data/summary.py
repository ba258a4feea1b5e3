"""The summary that `build_records` prints."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pianoroll_tf.data.advice import cure_for_empty_split
from pianoroll_tf.data.discover import printable
from pianoroll_tf.data.records import SPLITS
from pianoroll_tf.messages import count

MAX_FAMILY_SHARE, MIN_LARGE_FAMILY = 0.2, 9  # of pieces that are versions of one another, beyond which is a warning


def summary(manifest: dict[str, Any], records_dir: Path, is_new: bool) -> Iterator[str]:
    """Yields a summary of records, line by line; `is_new` is False if they were up to date already."""
    totals, settings = manifest["totals"], manifest["settings"]
    unit = "second" if manifest["grid"] == "seconds" else "beat"
    yield f"{printable(str(records_dir))}: {'built' if is_new else 'already up to date (same files and settings)'}"
    skipped = sum(totals["skipped"].values())
    yield f"  pieces      {totals['pieces']:,} used of {totals['files']:,} files, {skipped:,} skipped"
    for reason, number in totals["skipped"].items():
        yield f"              {number:,} skipped: {reason}"
    yield f"  music       {totals['hours']:,.2f} hours, {totals['notes']:,} notes"
    yield f"  roll        {totals['steps']:,} steps at {settings[f'steps_per_{unit}']} per {unit}"
    yield f"              {totals['active_cells']:,} active cells, {totals['density']:.2%} of all"
    if manifest["grid_decision"]:
        yield f"  grid        {manifest['grid']}, because {manifest['grid_decision']}"
    yield f"  omitted     {totals['notes_outside_range']:,} notes outside MIDI 24..107"
    if drums := totals.get("drum_notes"):
        yield f"              {drums:,} notes of channel 10, the drums (--drums keeps them)"
    if unclosed := totals.get("unclosed_notes"):
        yield f"              {unclosed:,} notes that never end"
    pieces = ", ".join(f"{name} {manifest['splits'][name]['pieces']:,}" for name in SPLITS)
    yield f"  splits      {pieces} pieces"
    versions, divided = totals.get("versions"), totals.get("divided_families", {}).get("pieces")
    if versions and not divided:
        yield f"  versions    {count(versions, 'piece')} of the same music as another piece, kept in its split"
    if divided:
        one, other = totals["divided_families"]["example"]
        music = "the same music is" if divided == 1 else f"{divided:,} times the same music is"
        yield f"  warning     {music} in two of the given splits, as another version: {one} and {other}"
    if outside := manifest.get("outside_split_folders"):
        yield (
            f"  warning     the folders train, val and test are not used as splits, as {outside} is in none of them:"
            " move it, or say --splits music"
        )
    if totals.get("largest_family", 0) > max(MAX_FAMILY_SHARE * totals["pieces"], MIN_LARGE_FAMILY):
        yield (
            f"  warning     {totals['largest_family']:,} pieces are taken for versions of one another and kept in one"
            " split; if they are not, give splits by --splits FILE.csv"
        )
    for name, seconds in totals.get("silences", {}).get("longest", ()):
        number = totals["silences"]["pieces"]
        others = f"; {count(number - 1, 'other piece')} too" if number > 1 else ""
        yield f"  warning     {name} is silent for {_duration(seconds)} before a note, which may be a stray one{others}"
    if totals["tempo_ignored"]:
        yield (
            f"  warning     {totals['tempo_ignored']:,} pieces have tempo changes outside the first track, which"
            f" {settings['parser']} ignores: their notes are at wrong times; --parser symusic reads them correctly"
        )
    single = [name for name in ("val", "test") if manifest["splits"][name]["pieces"] == 1]
    if single:
        names = " and ".join({"val": "validation", "test": "test"}[name] for name in single)
        yield f"  note        {names}: a single piece, on which all that is measured there rests"
    empty = [name for name in SPLITS if not manifest["splits"][name]["pieces"] and settings.get(name, 1)]
    if empty:
        yield f"  warning     no piece in {' and '.join(empty)}: {cure_for_empty_split(manifest, empty[0])}"


def _duration(seconds: float) -> str:
    """Minutes, or hours from two on."""
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"


def skipped_lines(files: Iterable[dict[str, Any]]) -> Iterator[str]:
    """One line per skipped file: path and reason.

    >>> list(skipped_lines([{"path": "a.mid", "status": "skipped", "reason": "no notes"}]))
    ['a.mid: no notes']
    """
    for file in files:
        if file["status"] == "skipped":
            yield f"{file['path']}: {file['reason']}"
