"""The folder of a plan: its files, and the plan as it was fixed before the first run. Needs no framework.

The files:

    DIR/plan.json               checksummed: `content` of the plan, `fixed` (when, UTC), and `amendments`, changes
                                after that: `changed` (when), `why`, and the content since then
    DIR/midi/                   MIDI files that were prepared
    DIR/records/CORPUS/         records of each corpus
    DIR/studies/NAME/           the folder of each study, as `tuner.study` writes it
    DIR/logs/NAME.log           what each study printed

A plan that has changed is refused unless the reason is recorded as an amendment.
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


@contextlib.contextmanager
def sole_use(folder: Path, plan: Plan, why: str | None = None) -> Iterator[dict[str, Any]]:
    """Makes the folder and fixes the plan, unless that is done, and keeps other processes out; yields plan.json.

    Args:
        folder: Of the plan.
        plan: As its file has it now.
        why: The reason for a change after the plan was fixed; None: a change is refused.

    Raises:
        UserError: The folder is another plan's, or the plan has changed since it was fixed.
    """
    with exclusive_folder(folder, "of a plan", PLAN):
        remove_temporaries(folder)
        now_fixed = content(plan)
        fixed, now = read_fixed(folder), datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        if fixed is None:
            fixed = {**now_fixed, "fixed": now, "amendments": []}
            checksummed_json.write_checksummed(folder / PLAN, fixed)
        elif current(fixed) != now_fixed["sha256"]:
            if not (why or "").strip():
                raise UserError(
                    f"{folder} holds a plan that was fixed on {fixed['fixed']} and differs from this one. Use that "
                    "plan or another folder, or record the change with --amend REASON"
                )
            entry = {"changed": now, "why": why, **now_fixed}
            fixed = {**fixed, "amendments": [*fixed["amendments"], entry]}
            checksummed_json.write_checksummed(folder / PLAN, fixed)
        yield fixed
