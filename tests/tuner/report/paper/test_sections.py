"""The report of a plan: numbers and sentences that follow from known effects, in both languages and at any stage."""

import csv
import re

import matplotlib.figure
import pytest
from repository import ROOT
from synthetic_plan import CORPORA, write_plan

from pianoroll_tf.storage.checksummed_json import read_checksummed
from tuner.plan import folder as plan_folder
from tuner.plan.plan import as_plan
from tuner.report import __main__ as report

BCE_ADAM = [("bce-adam", seed) for seed in range(5)]


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    """Figures are not rendered, which takes most of the time."""
    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", lambda self, file, **options: file.write(b"a picture"))


def made(folder, *flags):
    """The Markdown of a plan's report, without escapes."""
    assert report.main([str(folder), "--debug", *flags]) == 0
    return (folder / "report" / "report.md").read_text().replace("\\", "").replace("\u00a0%", " %")


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """A finished plan: in each of four corpora focal is 0.9 to 1.1 % lower than BCE, RMSprop 4.5 to 5.5 % higher."""
    return write_plan(tmp_path_factory.mktemp("plans") / "plan")


def test_the_answer_has_the_known_differences_with_intervals_over_the_corpora(plan):
    text = made(plan)
    # 1.0, 0.9, 1.1, 1.0: mean 1, standard deviation 0.0816, t(0.975; 3) = 3.182: 1 ± 3.182 · 0.0816 / 2
    assert (
        "lower with focal than with BCE in each of 4 corpora: by 1.00 % with Adam (95 % interval 0.87 to 1.13;" in text
    )
    assert "Adam is lower than RMSprop in each of 4 corpora, by 5.0 % with BCE (95 % interval 4.4 to 5.6;" in text
    assert "the advantage of the focal loss over BCE grows as cells become rarer" in text
    assert "where 1.00 % of the cells sound it is 4.00 % of copying’s NLL" in text
    assert "nterim" not in text
    assert "| jsb-nade<br>head: nade | 1.00 | 0.333 | 3 |" in text
    assert "| focal − BCE, Adam | −0.080<br>" in text
    assert read_checksummed(plan / "plan.json")["sha256"] in text
    assert text.index("jsb-nade") > text.index("## Results: other heads")


def test_the_tables_of_all_runs_name_study_and_corpus_first(plan):
    made(plan)
    results, tuning = (rows(plan / "report" / name) for name in ("results.csv", "tuning.csv"))
    assert list(results[0])[:3] == list(tuning[0])[:3] == ["study", "corpus", "combination"]
    assert len(results) == 4 * 15 + 3 * 10 + 15
    assert {row["corpus"] for row in results if row["study"] == "jsb-nade"} == {"jsb"}
    edges = [row["edges"] for row in tuning if row["chosen"] == "1"]
    assert edges and all("learning_rate" in edge for edge in edges)  # the first of two runs has the lowest NLL
    text = (plan / "report" / "report.md").read_text()
    assert "at the edge: nothing" in text
    assert "Longer tuning runs" in text
    assert "jsb (3/3)" in text  # every tuning run took all 8 epochs


def test_the_report_in_russian(plan):
    text = made(plan, "--lang", "ru")
    assert "NLL на тесте с focal ниже, чем с BCE, в каждом из 4 корпусов: на 1,00 % с Adam" in text
    assert "## Что утверждают другие" in text and "H1. Focal is lower." in text  # the plan's words stay


def test_corpora_that_differ_and_a_trend_that_is_not_there(tmp_path):
    reversed_in = {"classical": {"focal": 0.08}}
    text = made(write_plan(tmp_path / "plan", begun=CORPORA, effects=reversed_in))
    assert "Which loss: no one answer" in text
    assert "focal lower in jsb, nottingham and pop909, higher in classical" in text
    assert "fewer than two conditions of density have results" in text


def test_a_plan_of_which_nothing_is_done(tmp_path):
    text = made(write_plan(tmp_path / "plan", begun=()))
    assert "Interim, of 2026-11-27: 0 of 8 studies are finished" in text
    assert "- jsb: not begun" in text
    assert rows(tmp_path / "plan" / "report" / "results.csv") == []


def test_one_study_that_lacks_runs_and_has_diverged_ones(tmp_path):
    folder = write_plan(
        tmp_path / "plan",
        begun=["jsb", "jsb-nade"],
        unfinished={"jsb": [("focal-adam", 4), ("bce-rmsprop", 3), ("bce-rmsprop", 4)]},
        diverged={"jsb": [("bce-rmsprop", 0)], "jsb-nade": BCE_ADAM},
    )
    text = made(folder)
    assert "1 of 8 studies are finished" in text
    assert re.search(r"jsb<br>interim: 12 of 15 runs", text)
    assert re.search(r"Test NLL.* \(interim, \d{4}-\d\d-\d\d\)", text)
    assert "too few for a test to show a difference" in text
    assert "diverged: 1" in text


def test_an_amendment_is_told_with_its_date_and_reason(tmp_path):
    folder = write_plan(tmp_path / "plan", begun=())
    values = read_checksummed(folder / "plan.json")["values"] | {"hypotheses": ["H1. Something else."]}
    changed = {"changed": "2026-11-28T10:00:00+00:00", "why": "a corpus was wrong"}
    amendment = changed | plan_folder.content(as_plan(values))
    text = made(write_plan(tmp_path / "other", begun=(), amendments=[amendment]))
    assert "| 2026-11-28T10:00:00+00:00 | a corpus was wrong |" in text
    assert text.index("H1. Focal is lower.") < text.index("H1. Something else.")


def test_a_listening_page_is_linked_if_it_is_there(tmp_path):
    folder = write_plan(tmp_path / "plan", begun=["jsb"])
    assert "listening.html" not in made(folder)
    page = folder / "studies" / "jsb" / "report" / "listening.html"
    page.parent.mkdir()
    page.write_text("<!DOCTYPE html>")
    assert "(../studies/jsb/report/listening.html)" in made(folder)


def test_no_published_value_is_at_an_edge():
    published = ROOT / "docs" / "study" / "tuning.csv"
    if not published.is_file():
        pytest.skip("there is no table of tuning yet")
    assert not [row for row in rows(published) if row["edges"]]
