"""What the folder of a plan holds, finished or not: the plan as it was fixed, its studies as far as they are done."""

import dataclasses
import datetime
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pianoroll_tf.errors import UserError
from tuner.plan import folder as plan_folder
from tuner.plan.plan import Plan, PlannedStudy, as_plan
from tuner.plan.run import is_finished, study_folder_of
from tuner.report.data import StudyData
from tuner.report.data import read as read_study
from tuner.study import folder as study_folder
from tuner.study.settings import Combination

DENSITY = "density-"  # the name of a study of the effect of density begins with it
COPY = "copy_last_step"


@dataclasses.dataclass(frozen=True)
class PaperData:
    """The contents of the folder of a plan.

    Attributes:
        fixed: What plan.json holds.
        plan: As it holds now, with its amendments.
        studies: Name → its data, of those that have begun, in the order of the plan.
        finished: Names of the studies that are finished.
        date: Of the latest result, as 2026-11-27 (UTC); of the plan if there is none.
    """

    folder: Path
    fixed: dict[str, Any]
    plan: Plan
    studies: dict[str, StudyData]
    finished: frozenset[str]
    date: str

    @property
    def is_interim(self) -> bool:
        """Whether a study is not finished."""
        return len(self.finished) < len(self.plan.studies)

    @property
    def main(self) -> dict[str, StudyData]:
        """The studies of the corpora, those that have begun."""
        return self._those(lambda name, study: not study.after and not name.startswith(DENSITY))

    @property
    def density(self) -> dict[str, StudyData]:
        """The studies of the effect of density that have begun."""
        return self._those(lambda name, study: not study.after and name.startswith(DENSITY))

    @property
    def controls(self) -> dict[str, StudyData]:
        """The studies that repeat combinations of another one, those that have begun."""
        return self._those(lambda name, study: bool(study.after))

    def _those(self, belongs) -> dict[str, StudyData]:
        return {name: data for name, data in self.studies.items() if belongs(name, self.plan.studies[name])}

    def planned(self, name: str) -> PlannedStudy:
        """A study as it is planned."""
        return self.plan.studies[name]


def read(folder: Path) -> PaperData:
    """Reads the folder of a plan.

    Raises:
        UserError: The folder is no plan's, or a file is damaged.
    """
    fixed = plan_folder.read_fixed(folder)
    if fixed is None:
        raise UserError(f"{folder} must be the folder of a plan: it has no {plan_folder.PLAN}")
    values = fixed["amendments"][-1]["values"] if fixed["amendments"] else fixed["values"]
    try:
        plan = as_plan(values | {"studies": _in_order(values.get("studies", {}))})
    except ValueError as error:
        raise UserError(f"{folder / plan_folder.PLAN} holds a plan of another version: {error}") from error
    folders = {name: study_folder_of(folder, name) for name in plan.studies}
    begun = {name: path for name, path in folders.items() if (path / study_folder.STUDY).is_file()}
    return PaperData(
        folder=folder,
        fixed=fixed,
        plan=plan,
        studies={name: read_study(path) for name, path in begun.items()},
        finished=frozenset(name for name, path in begun.items() if is_finished(path)),
        date=_latest(begun.values()) or fixed["fixed"][:10],
    )


def _in_order(studies: dict[str, Any]) -> dict[str, Any]:
    """The studies such that each comes after those that it depends on; plan.json has them by name.

    >>> list(_in_order({"heads": {"after": "main"}, "another": {"start": "main"}, "main": {}}))
    ['main', 'heads', 'another']
    """
    found: dict[str, Any] = {}
    needed = {name: {entry[key] for key in ("after", "start") if key in entry} for name, entry in studies.items()}
    while ready := [name for name in studies if name not in found and needed[name] <= found.keys()]:
        found[ready[0]] = studies[ready[0]]
    return found | studies  # what is left waits for a study that there is not, as its check will say


def _latest(folders: Iterable[Path]) -> str:
    """The date of the latest result in these studies; empty if there is none."""
    patterns = (f"*/*/*/{study_folder.MEASURES}", f"*/*/*/{study_folder.OUTCOME}")
    times = [path.stat().st_mtime for folder in folders for pattern in patterns for path in folder.glob(pattern)]
    return datetime.datetime.fromtimestamp(max(times), datetime.UTC).date().isoformat() if times else ""


def combinations(studies: Iterable[StudyData]) -> list[Combination]:
    """The combinations of any of these studies, without ablations, in the order of the first that has them."""
    return list(dict.fromkeys(each for data in studies for each in data.main))


def copy_nll(data: StudyData) -> float | None:
    """The test NLL of copying the last step, nats per step; None if it is not judged yet."""
    return data.baselines.get("test", {}).get(COPY, {}).get("nll")


def values(data: StudyData, combination: Combination, measure: str = "nll") -> list[float | None]:
    """A measure of a combination, one value a seed; None where a run has none or is not done."""
    found = {run.seed: run.measures.get(measure) for run in data.of(combination)}
    return [found.get(seed) for seed in range(data.seeds)]


def relative(data: StudyData, combination: Combination) -> list[float | None]:
    """The test NLL of a combination in per cent of that of copying the last step, one value a seed."""
    copy = copy_nll(data)
    return [None if nll is None or not copy else 100 * nll / copy for nll in values(data, combination)]
