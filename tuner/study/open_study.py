"""Opens the folder of a study: describes the study, checks that the folder holds no other, and locks it."""

import contextlib
import dataclasses
import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pianoroll_tf
from pianoroll_tf.config import DataFacts, RecordsConfig
from pianoroll_tf.data.records import read_manifest
from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling.run_folder import differences
from pianoroll_tf.settings import to_dict
from pianoroll_tf.storage.checksummed_json import write_checksummed
from pianoroll_tf.storage.files import remove_temporaries
from pianoroll_tf.storage.folders import check_folder, exclusive_folder
from tuner.study import factorial
from tuner.study import folder as study_folder
from tuner.study.results_model import Study
from tuner.study.settings import AllSettings

PACKAGES = ("tensorflow", "keras", "numpy", "scipy")


def describe(settings: AllSettings, records: RecordsConfig, data: DataFacts) -> Study:
    """The content of study.json.

    Args:
        settings: All settings.
        records: As `run_folder.data_facts` gives it.
        data: As `run_folder.data_facts` gives it.

    Raises:
        UserError: A split that is needed has no piece.
    """
    splits = read_manifest(data.path)["splits"]
    sizes = {split: {name: entry.get(name, 0) for name in ("pieces", "steps")} for split, entry in splits.items()}
    for split in ("train", "val", "test"):
        if not sizes.get(split, {}).get("steps"):
            raise UserError(f"{data.path} must hold pieces in the splits train, val and test, but {split} is empty")
    return Study(
        settings=settings,
        combinations=factorial.combinations(settings.study),
        design=factorial.design(settings.study),
        records={
            "path": data.path,
            "manifest_sha256": data.manifest_sha256,
            "settings": to_dict(records),
            "density": data.density,
            "splits": sizes,
        },
        versions={
            "python": platform.python_version(),
            "pianoroll_tf": pianoroll_tf.__version__,
            **{name: metadata.version(name) for name in PACKAGES},
        },
    )


def check(folder: Path, study: Study) -> Study | None:
    """Checks the study in a folder against the expected one; None if there is none.

    The path of the records and versions may differ.

    Raises:
        UserError: The folder holds another study, or something else.
    """
    if not check_folder(folder, "a study", study_folder.STUDY):
        return None
    there = study_folder.read_study(folder)
    differing = differences(to_dict(there.settings), to_dict(study.settings))
    if there.records["manifest_sha256"] != study.records["manifest_sha256"]:
        differing.append("the records differ")
    if not differing and there.design != study.design:
        differing.append("the tuning runs of this version differ")
    if differing:
        raise UserError(
            f"{folder} holds a study with other settings: {'; '.join(differing)}. Use these, or another folder"
        )
    return there


@contextlib.contextmanager
def sole_use(folder: Path, study: Study) -> Iterator[None]:
    """Makes the folder and study.json when needed; within it no other process works there.

    Raises:
        UserError: Another process works there, or the folder holds something else than this study.
    """
    check(folder, study)
    with exclusive_folder(folder, "a study", study_folder.STUDY):
        remove_temporaries(folder)
        if check(folder, study) is None:
            write_checksummed(folder / study_folder.STUDY, dataclasses.asdict(study))
        yield
