"""The file of a plan: what it may hold, and how earlier studies choose combinations."""

import tomllib

import pytest
from repository import ROOT
from small_plan import SMALL

from pianoroll_tf.errors import UserError
from tuner.plan import plan
from tuner.study import factorial


def changed(old, new):
    assert old in SMALL
    return plan.as_plan(tomllib.loads(SMALL.replace(old, new)))


def test_studies_have_the_defaults_and_their_own_settings():
    found = plan.as_plan(tomllib.loads(SMALL))
    main, later = found.studies.values()
    assert (found.title, list(found.corpora)) == ("A small plan", ["one"])
    assert found.corpora["one"].records.grid == "seconds"
    assert (main.settings.study.epochs, later.settings.study.epochs) == (3, 5)
    assert (main.settings.model.gru_units, main.settings.dataset.batch_size) == (8, 4)
    assert (main.settings.model.head, later.settings.model.head) == ("independent", "nade")  # the study's own default
    assert main.settings.study.optimizers == ("adam",)
    assert (main.after, later.after, later.choose) == ("", "main", "best losses")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "A small plan"', "title = 3", "title must be text. Received: title=3"),
        ('hypotheses = ["One."]', 'hypotheses = "One."', "hypotheses must be a list of sentences"),
        ('question = "Which?"', 'query = "Which?"', "entries of plan must be among title, question, "),
        ('midi = "{data}/one"', "", "corpora.one.midi must be a folder. Received: midi=None"),
        ('grid = "seconds"', 'grid = "minutes"', "corpora.one: grid must be one of auto, beats, seconds"),
        ('grid = "seconds"', 'prepare = "x"', "corpora.one.prepare must be a module and its arguments"),
        ('grid = "seconds"', "speed = 3", "entries of corpora.one must be among grid, "),
        ("[corpora.one]", '[corpora."../one"]', "corpora.../one must have a name of letters, digits"),
        ("[studies.main]", '[studies."a/b"]', "studies.a/b must have a name of letters, digits"),
        ("batch_size = 4", "batch_size = 0", "studies.main: batch_size must be a whole number >= 1"),
        ("batch_size = 4", "batches = 4", "entries of studies.main must be among losses, "),
        ("gru_units = 8", "units = 8", "entries of defaults must be among losses, "),
        (
            'corpus = "one"\nlosses',
            'corpus = "two"\nlosses',
            "studies.main.corpus must be one of one. Received: corpus='two'",
        ),
        ('after = "main"', 'after = "other"', "studies.later.after must be an earlier study. Received: after='other'"),
        ('after = "main"', "", "studies.later.choose must be one of best losses, extremes, with after"),
        ('"best losses"', '"worst"', "studies.later.choose must be one of best losses, extremes, with after"),
        ('["bce", "focal"]', '["hinge"]', "losses must be one of bce, weighted_bce, focal"),
    ],
)
def test_what_is_not_allowed_is_named(old, new, message):
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        changed(old, new)


def test_placeholders(tmp_path):
    assert plan.fill("{data}/a", tmp_path, tmp_path / "x") == f"{tmp_path}/a"
    with pytest.raises(UserError, match=r"must be {data} or {out}. Received: '{dat}/a'"):
        plan.fill("{dat}/a", tmp_path, tmp_path)


def test_a_plan_without_studies():
    with pytest.raises(ValueError, match="studies must have at least one entry"):
        plan.as_plan({"title": "", "question": ""})


def test_a_file_that_is_no_plan_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"must be the TOML file of a plan: No such file"):
        plan.read_plan(tmp_path / "none.toml")
    (tmp_path / "plan.toml").write_text("title = ")
    with pytest.raises(UserError, match=r"must be a TOML file: "):
        plan.read_plan(tmp_path / "plan.toml")
    (tmp_path / "plan.toml").write_text(SMALL.replace("epochs = 5", "epochs = -1"))
    with pytest.raises(UserError, match=r"plan\.toml: studies\.later: epochs must be a whole number >= 1"):
        plan.read_plan(tmp_path / "plan.toml")


def test_earlier_studies_choose_combinations():
    means = {"bce-adam": 5.0, "focal-adam": 4.9, "bce-adamw": 4.8, "focal-adamw": 4.95, "bce-rmsprop": 5.2}
    assert plan.choose_combinations("best losses", means) == ("focal-adam", "bce-adamw", "bce-rmsprop")
    assert plan.choose_combinations("extremes", means) == ("bce-adamw", "focal-adam", "bce-adam", "bce-rmsprop")
    assert plan.choose_combinations("extremes", {"bce-adam": 5.0, "focal-adam": 4.9}) == ("focal-adam", "bce-adam")


def test_the_plan_of_the_study_has_what_it_promises():
    found = plan.read_plan(ROOT / "docs/study/plan.toml")
    assert {study.corpus for study in found.studies.values()} >= {"classical", "pop909", "nottingham", "jsb"}
    assert all(study.settings.study.seeds >= 5 for study in found.studies.values())
    for name in ("classical", "pop909", "nottingham", "jsb"):
        study = found.studies[name]
        assert len(factorial.main_combinations(study.settings.study)) == 7
        assert found.studies[f"{name}-nade"].settings.model.head == "nade"
    zero_bias = found.studies["density-quarter-of-the-pitches"].settings.study
    assert "focal-adam-zero-bias" in {each.name for each in factorial.main_combinations(zero_bias)}
