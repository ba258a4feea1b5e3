"""The plan is fixed before the first run; a change is refused, or recorded with its reason."""

import copy
import json
import tomllib

import pytest
from small_plan import SMALL

from pianoroll_tf.errors import InUseError, UserError
from pianoroll_tf.storage import checksummed_json
from tuner.plan import folder as plan_folder
from tuner.plan.plan import as_plan
from tuner.study import factorial


def a_plan(**changes):
    return as_plan(copy.deepcopy(tomllib.loads(SMALL)) | changes)


def test_a_plan_is_fixed_once(tmp_path):
    with plan_folder.sole_use(tmp_path / "plan", a_plan()) as first:
        assert first["values"]["title"] == "A small plan"
        assert first["resolved"]["studies"]["main"]["settings"]["study"]["clip_norm"] == 1.0  # a default is fixed too
        assert first["resolved"]["studies"]["main"]["tuning"]["focal-adam"]["gamma"]["start"] == 2.0
        assert first["sha256"] == plan_folder.content(a_plan())["sha256"]
    with plan_folder.sole_use(tmp_path / "plan", a_plan()) as again:
        assert again == first
    assert plan_folder.read_fixed(tmp_path / "plan") == first


def test_a_change_is_refused_unless_its_reason_is_recorded(tmp_path):
    with plan_folder.sole_use(tmp_path, a_plan()) as first:
        pass
    later = a_plan(question="Another?")
    message = r"holds a plan that was fixed on \d{4}-.* differs from this one.* --amend REASON"
    for why in (None, " "):
        with pytest.raises(UserError, match=message), plan_folder.sole_use(tmp_path, later, why):
            pass
    with plan_folder.sole_use(tmp_path, later, "a typing error") as amended:
        [entry] = amended["amendments"]
        assert (amended["values"], entry["why"]) == (first["values"], "a typing error")
        assert plan_folder.current(amended) == plan_folder.content(later)["sha256"]
    with plan_folder.sole_use(tmp_path, later) as again:  # it is not amended twice
        assert len(again["amendments"]) == 1


def test_a_changed_default_is_a_changed_plan(tmp_path, monkeypatch):
    with plan_folder.sole_use(tmp_path, a_plan()):
        pass
    monkeypatch.setattr(factorial, "RATE_RATIO", 3.0)
    with pytest.raises(UserError, match="differs from this one"), plan_folder.sole_use(tmp_path, a_plan()):
        pass


def test_a_setting_that_a_later_version_adds_is_no_change(tmp_path):
    with plan_folder.sole_use(tmp_path, a_plan()):
        pass
    fixed = checksummed_json.read_checksummed(tmp_path / plan_folder.PLAN)
    settings = fixed["resolved"]["studies"]["main"]["settings"]["dataset"]
    old = {name: fixed[name] for name in ("values", "resolved")}
    for value, allowed in ((None, True), (12345, False)):  # the setting is not there; it has another default
        settings.pop("transpose", None)
        if value is not None:
            settings["transpose"] = value
        sha256 = plan_folder._digest(old)
        checksummed_json.write_checksummed(tmp_path / plan_folder.PLAN, fixed | {"sha256": sha256})
        if allowed:
            with plan_folder.sole_use(tmp_path, a_plan()) as held:
                assert (held["sha256"], held["amendments"]) == (sha256, [])
        else:
            with pytest.raises(UserError, match="differs from this one"), plan_folder.sole_use(tmp_path, a_plan()):
                pass


def test_a_damaged_plan_and_a_foreign_folder(tmp_path):
    folder = tmp_path / "plan"
    with (
        plan_folder.sole_use(folder, a_plan()),
        pytest.raises(InUseError),
        plan_folder.sole_use(folder, a_plan()),
    ):
        pass
    path = tmp_path / "plan" / plan_folder.PLAN
    values = json.loads(path.read_text())
    values["values"]["question"] = "Another?"
    path.write_text(json.dumps(values))
    with pytest.raises(UserError, match="is damaged"):
        plan_folder.read_fixed(tmp_path / "plan")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"must be of a plan or an empty folder"):
        plan_folder.read_fixed(tmp_path / "other")
