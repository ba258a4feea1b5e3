"""The results of a plan in a folder of their own, small enough for a repository. Needs no framework.

    RESULTS/plan.json     the plan as it was fixed, as in the folder of the plan
    RESULTS/NAME.zip      the results of a study, as `tuner.study.portable` packs them

With them a plan is resumed on another machine, which executes no run that has a result there, and its report is made
again without a single run. The runs of a study are executed on one machine at a time; those of different studies may be
executed on several machines at once, which keep their results in the same folder.
"""

from pathlib import Path

from pianoroll_tf.errors import UserError
from pianoroll_tf.storage import checksummed_json
from pianoroll_tf.storage.files import write_changed
from pianoroll_tf.storage.folders import check_folder
from tuner.plan import folder as plan_folder
from tuner.plan.plan import Plan
from tuner.plan.run import study_folder_of
from tuner.study import portable
from tuner.study.folder import STUDY


def take(plan: Plan, results: Path, folder: Path) -> int:
    """Adds the results that the folder of a plan lacks; returns the number of runs.

    Raises:
        UserError: A file of the results is damaged, or they are not of the same runs.
    """
    archives = {name: archive_of(results, name) for name in plan.studies}
    there = {name: archive for name, archive in archives.items() if archive.is_file()}
    return sum(portable.unpack(archive, study_folder_of(folder, name)) for name, archive in there.items())


def keep(plan: Plan, folder: Path, results: Path) -> None:
    """Writes the results of all studies that were begun; files that are up to date are left untouched.

    Raises:
        UserError: The results have runs that the folder of the plan lacks, or others.
        OSError: A file cannot be written; it is unchanged then.
    """
    check_folder(results, "results of a plan", plan_folder.PLAN)
    results.mkdir(parents=True, exist_ok=True)
    fixed = checksummed_json.read_checksummed(folder / plan_folder.PLAN)
    checksummed_json.write_checksummed(results / plan_folder.PLAN, fixed)
    for name in plan.studies:
        there, archive = study_folder_of(folder, name), archive_of(results, name)
        if not (there / STUDY).is_file():
            continue
        if archive.is_file() and (lacking := portable.missing(archive, there)):
            raise UserError(
                f"{archive} has results that {there} lacks, first {lacking[0]}: they were added by another process. "
                "Run the command again, which takes them over"
            )
        write_changed(archive, portable.pack(there))


def archive_of(results: Path, study: str) -> Path:
    """The results of a study."""
    return results / f"{study}.zip"
