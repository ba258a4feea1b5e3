"""The results of a study in one zip archive, without weights and records: enough to resume it, or to report it.

The archive holds files of the folder of the study (tuner/study/folder.py), under their names there: study.json and
baselines.json, the CSV files and comparison.json, outcome.json of each tuning run, and measures.json, history.csv and
music.npz of each measured run. What is left behind is made anew where it is needed: the real music, from the records;
or it serves no other run: weights, checkpoints, logs of TensorBoard, norms of gradients. The paths of the machine that
executed the study are left out. The same results give the same bytes. Needs no framework.
"""

import datetime
import io
import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling.run_folder import HISTORY
from pianoroll_tf.storage.checksummed_json import from_bytes, read_checksummed, to_bytes
from pianoroll_tf.storage.files import write_whole
from tuner.study import folder as study_folder
from tuner.study.settings import RUNS, TUNING

DERIVED = (
    *(study_folder.RESULTS_CSV, study_folder.TUNING_CSV, study_folder.MUSIC_CSV, study_folder.FACTS_CSV),
    study_folder.COMPARISON,
)
OF_A_RUN = (HISTORY, study_folder.PIECES, study_folder.MEASURES)  # the result is the last to be written
Files = dict[str, tuple[bytes, float]]  # name → content, and time of the last change (seconds since 1970)
_NAME = r"\w[\w.-]*"
_RESULT = re.compile(rf"{TUNING}/{_NAME}/\d+/{study_folder.OUTCOME}|{RUNS}/{_NAME}/\d+/{study_folder.MEASURES}")
_ALLOWED = re.compile(
    rf"{_RESULT.pattern}|{RUNS}/{_NAME}/\d+/({'|'.join(map(re.escape, OF_A_RUN))})|"
    + "|".join(map(re.escape, (study_folder.STUDY, study_folder.BASELINES, *DERIVED)))
)


def pack(folder: Path) -> bytes:
    """The archive of a study.

    Raises:
        UserError: study.json is damaged.
        OSError: The folder has none, or a file cannot be read.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in _files(folder):
            name = path.relative_to(folder).as_posix()
            changed = datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC)
            info = zipfile.ZipInfo(name, changed.timetuple()[:6])
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(info, _without_paths(path) if name == study_folder.STUDY else path.read_bytes())
    return content.getvalue()


def _files(folder: Path) -> Iterator[Path]:
    """The files of the archive, in its order: those of a run before its result."""
    yield folder / study_folder.STUDY
    yield from (path for name in (study_folder.BASELINES, *DERIVED) if (path := folder / name).is_file())
    yield from sorted(folder.glob(f"{TUNING}/*/*/{study_folder.OUTCOME}"))
    for result in sorted(folder.glob(f"{RUNS}/*/*/{study_folder.MEASURES}")):
        yield from (path for name in OF_A_RUN if (path := result.parent / name).is_file())


def _without_paths(path: Path) -> bytes:
    """The content of study.json; of the path of the records only the name is left."""
    values = read_checksummed(path)
    values["records"]["path"] = Path(values["records"]["path"]).name
    return to_bytes(values)


def unpack(archive: Path, folder: Path) -> int:
    """Adds the results in an archive that the folder of a study lacks; returns their number.

    The folder is created if needed. Files that it has are not changed, and a result keeps its date.

    Raises:
        UserError: The archive is damaged, holds something else or another study, or a run has another result in the
            folder; nothing is written then.
        OSError: A file cannot be written.
    """
    files = _read(archive)
    count = len(_missing(archive, files, folder))
    for name, (content, date) in files.items():
        path = folder / name
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
            os.utime(path, (date, date))
    return count


def missing(archive: Path, folder: Path) -> list[str]:
    """The results in an archive that the folder of a study lacks; raises UserError as `unpack` does."""
    return _missing(archive, _read(archive), folder)


def _missing(archive: Path, files: Files, folder: Path) -> list[str]:
    _check_same_study(archive, files, folder)
    results = [name for name in files if _RESULT.fullmatch(name)]
    found = {name: (folder / name).read_bytes() for name in results if (folder / name).is_file()}
    if differing := [name for name, content in found.items() if content != files[name][0]]:
        raise UserError(
            f"results of {len(differing)} runs differ between {archive} and {folder}, first {differing[0]}: the study "
            "was executed in both places. Remove one of the two, and the other is continued"
        )
    return [name for name in results if name not in found]


def _check_same_study(archive: Path, files: Files, folder: Path) -> None:
    """Raises UserError if the folder holds a study with other settings or records."""
    if not (folder / study_folder.STUDY).is_file():
        return
    there = study_folder.as_study(from_bytes(files[study_folder.STUDY][0], archive), archive)
    if differing := study_folder.study_differences(there, study_folder.read_study(folder)):
        raise UserError(
            f"{archive} and {folder} must hold the same study: {'; '.join(differing)} (there: in {archive.name}). "
            "Remove one of the two"
        )


def _read(archive: Path) -> Files:
    """The files of an archive, in its order."""
    try:
        with zipfile.ZipFile(archive) as opened:
            infos = opened.infolist()
            if unknown := [info.filename for info in infos if not _ALLOWED.fullmatch(info.filename)]:
                raise UserError(f"{archive} must be the results of a study, but it holds {unknown[0]}")
            files = {info.filename: (opened.read(info), _timestamp(info)) for info in infos}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise UserError(f"{archive} is damaged: {error}") from error
    if study_folder.STUDY not in files:
        raise UserError(f"{archive} must be the results of a study, but it has no {study_folder.STUDY}")
    return files


def _timestamp(info: zipfile.ZipInfo) -> float:
    return datetime.datetime(*info.date_time, tzinfo=datetime.UTC).timestamp()
