"""The folder of a plan: its files, and the plan as it was fixed before the first run. Needs no framework.

The files:

    DIR/plan.json               checksummed: `content` of the plan, `fixed` (when, UTC), and `amendments`, changes
                                after that: `changed` (when), `why`, and the content since then
    DIR/midi/                   MIDI files that were prepared
    DIR/records/CORPUS/         records of each corpus
    DIR/studies/NAME/           the folder of each study, as `tuner.study` writes it
    DIR/logs/NAME.log           what each study printed

A plan that has changed is refused unless the reason is recorded as an amendment. A setting that a later version of
the package adds is no change: the file of the plan does not name it, so it has its default, which does what the version
before did.
"""

import contextlib
import datetime
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pianoroll_tf.errors import UserError
from pianoroll_tf.settings import to_dict
from pianoroll_tf.storage import checksummed_json
from pianoroll_tf.storage.files import remove_temporaries
from pianoroll_tf.storage.folders import check_folder, exclusive_folder
from tuner.plan.plan import Plan
from tuner.study import factorial

PLAN, RECORDS, STUDIES, LOGS = "plan.json", "records", "studies", "logs"


def content(plan: Plan) -> dict[str, Any]:
    """All that a plan fixes: the `values` of its file, `resolved`: what follows from them and the defaults of this
    version, and the `sha256` of both, whatever the layout of the file.
    """
    studies = {
        name: {"settings": to_dict(study.settings), "tuning": factorial.design(study.settings.study)}
        for name, study in plan.studies.items()
    }
    corpora = {name: to_dict(corpus.records) for name, corpus in plan.corpora.items()}
    found = {"values": plan.values, "resolved": {"corpora": corpora, "studies": studies}}
    found = json.loads(json.dumps(found))  # as it is read again
    return found | {"sha256": _digest(found)}


def _digest(entry: dict[str, Any]) -> str:
    fixed = {name: entry[name] for name in ("values", "resolved")}
    return hashlib.sha256(json.dumps(fixed, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def read_fixed(folder: Path) -> dict[str, Any] | None:
    """What plan.json holds; None if there is none; raises UserError if it is damaged or something else is there."""
    if not check_folder(folder, "of a plan", PLAN):
        return None
    found = checksummed_json.read_checksummed(folder / PLAN)
    if any(_digest(entry) != entry["sha256"] for entry in (found, *found["amendments"])):
        raise UserError(f"{folder / PLAN} is damaged: its plan does not match its sha256")
    return found


def current(fixed: dict[str, Any]) -> str:
    """The sha256 of the plan that holds now: of the last amendment, else of the plan as it was fixed."""
    return fixed["amendments"][-1]["sha256"] if fixed["amendments"] else fixed["sha256"]


def is_same(fixed: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether the plan that holds is `now`, a `content`, but for settings that a later version has added."""
    held = fixed["amendments"][-1] if fixed["amendments"] else fixed
    return held["values"] == now["values"] and _is_within(held["resolved"], now["resolved"])


def _is_within(before: Any, now: Any, place: tuple[str, ...] = ()) -> bool:
    """Whether settings are the same, but for those that were added; what is tuned is the same altogether.

    >>> _is_within({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}), _is_within({"a": {"b": 1}}, {"a": {"b": 2, "c": 2}})
    (True, False)
    """
    if not isinstance(before, dict) or not isinstance(now, dict) or "tuning" in place:
        return before == now
    return all(name in now and _is_within(value, now[name], (*place, name)) for name, value in before.items())


def _latest(folder: Path, begun: dict[str, Any] | None) -> dict[str, Any] | None:
    """What plan.json holds, or `begun`: the same plan with more amendments; raises UserError if it is another plan."""
    fixed = read_fixed(folder)
    if fixed is None or begun is None:
        return fixed or begun
    shorter, longer = sorted((fixed, begun), key=lambda each: len(each["amendments"]))
    count = len(shorter["amendments"])
    if {**longer, "amendments": longer["amendments"][:count]} != shorter:
        raise UserError(
            f"the results must be of the plan in {folder}, fixed on {fixed['fixed']}. Received: those of a plan that "
            f"was fixed on {begun['fixed']}"
        )
    return longer


@contextlib.contextmanager
def sole_use(
    folder: Path, plan: Plan, why: str | None = None, begun: dict[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """Makes the folder and fixes the plan, unless that is done, and keeps other processes out; yields plan.json.

    Args:
        folder: Of the plan.
        plan: As its file has it now.
        why: The reason for a change after the plan was fixed; None: a change is refused.
        begun: plan.json of results that were obtained elsewhere, from `read_fixed`; None: there are none.

    Raises:
        UserError: The folder or the results are another plan's, or the plan has changed since it was fixed.
    """
    with exclusive_folder(folder, "of a plan", PLAN):
        remove_temporaries(folder)
        now_fixed = content(plan)
        fixed, now = _latest(folder, begun), datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        if fixed is None:
            fixed = {**now_fixed, "fixed": now, "amendments": []}
        elif not is_same(fixed, now_fixed):
            if not (why or "").strip():
                raise UserError(
                    f"{folder} holds a plan that was fixed on {fixed['fixed']} and differs from this one. Use that "
                    "plan or another folder, or record the change with --amend REASON"
                )
            entry = {"changed": now, "why": why, **now_fixed}
            fixed = {**fixed, "amendments": [*fixed["amendments"], entry]}
        checksummed_json.write_checksummed(folder / PLAN, fixed)
        yield fixed
