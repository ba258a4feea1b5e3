"""The results of a plan in a folder of their own: taken over and kept, by several machines for different studies."""

import shutil

import pytest
from synthetic_plan import plan_values, write_plan

from pianoroll_tf.errors import UserError
from pianoroll_tf.storage.checksummed_json import read_checksummed, write_checksummed
from tuner.plan import folder as plan_folder
from tuner.plan import results
from tuner.plan.plan import as_plan
from tuner.plan.run import is_finished, study_folder_of

PLAN = as_plan(plan_values())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A plan of which two studies are finished."""
    return write_plan(tmp_path_factory.mktemp("plan") / "plan", begun=["jsb", "pop909"])


def test_what_one_machine_keeps_another_takes(finished, tmp_path):
    kept, other = tmp_path / "results", tmp_path / "other"
    results.keep(PLAN, finished, kept)
    assert sorted(path.name for path in kept.iterdir()) == ["jsb.zip", "plan.json", "pop909.zip"]
    before = {path: path.stat().st_mtime_ns for path in kept.iterdir()}
    results.keep(PLAN, finished, kept)
    assert {path: path.stat().st_mtime_ns for path in kept.iterdir()} == before
    with plan_folder.sole_use(other, PLAN, begun=plan_folder.read_fixed(kept)) as fixed:
        assert fixed == plan_folder.read_fixed(finished)
        assert results.take(PLAN, kept, other) > 0
        assert results.take(PLAN, kept, other) == 0
    assert all(is_finished(study_folder_of(other, name)) for name in ("jsb", "pop909"))


def test_two_machines_keep_their_studies_in_one_folder(finished, tmp_path):
    kept = tmp_path / "results"
    for number, name in enumerate(("jsb", "pop909")):
        machine = tmp_path / str(number)
        shutil.copytree(finished, machine)
        shutil.rmtree(study_folder_of(machine, {"jsb": "pop909", "pop909": "jsb"}[name]))
        results.keep(PLAN, machine, kept)
    together = tmp_path / "together"
    with plan_folder.sole_use(together, PLAN, begun=plan_folder.read_fixed(kept)):
        results.take(PLAN, kept, together)
    assert all(is_finished(study_folder_of(together, name)) for name in ("jsb", "pop909"))


def test_results_that_are_not_taken_over_yet_are_never_overwritten(finished, tmp_path):
    kept, behind = tmp_path / "results", tmp_path / "behind"
    results.keep(PLAN, finished, kept)
    shutil.copytree(finished, behind)
    (study_folder_of(behind, "jsb") / "runs/bce-adam/0/measures.json").unlink()
    before = results.archive_of(kept, "jsb").read_bytes()
    with pytest.raises(UserError, match=r"has results that .* lacks, first runs/bce-adam/0/measures.json: .*again"):
        results.keep(PLAN, behind, kept)
    assert results.archive_of(kept, "jsb").read_bytes() == before


def test_the_results_of_another_plan_are_refused(finished, tmp_path):
    kept = tmp_path / "results"
    results.keep(PLAN, finished, kept)
    values = read_checksummed(kept / plan_folder.PLAN)
    write_checksummed(kept / plan_folder.PLAN, values | {"fixed": "2026-01-01T00:00:00+00:00"})
    begun = plan_folder.read_fixed(kept)
    message = r"the results must be of the plan in .*fixed on 2026-11-27.*Received: those of .* fixed on 2026-01-01"
    with pytest.raises(UserError, match=message), plan_folder.sole_use(finished, PLAN, begun=begun):
        pass
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/mine.txt").write_text("mine")
    with pytest.raises(UserError, match=r"must be results of a plan or an empty folder"):
        results.keep(PLAN, finished, tmp_path / "notes")


def test_the_longer_list_of_amendments_holds(finished, tmp_path):
    kept = tmp_path / "results"
    results.keep(PLAN, finished, kept)
    later = as_plan(plan_values(question="Another?"))
    with plan_folder.sole_use(kept, later, "a typing error") as amended:
        pass
    other = tmp_path / "other"
    shutil.copytree(finished, other)
    with plan_folder.sole_use(other, later, begun=amended) as fixed:
        assert fixed == amended
    assert plan_folder.read_fixed(other) == amended
