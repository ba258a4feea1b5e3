"""The command tuner.report on whole folders, and the files that it writes."""

import csv
import html.parser
import json
import re
import subprocess
import sys
from pathlib import Path

import matplotlib.figure
import pytest
from repository import ROOT
from synthetic_study import tiny_settings, write_study

from pianoroll_tf.config import RunConfig
from pianoroll_tf.settings import to_dict
from pianoroll_tf.storage.checksummed_json import write_checksummed
from tuner.report import __main__ as report
from tuner.report import page as report_page
from tuner.report.language import LANGUAGES, Language
from tuner.report.page import Code, Figure, Report, Section, Sounds, Table, Text
from tuner.search.parsing import read_space


class Page(html.parser.HTMLParser):
    """What a browser or a screen reader finds in a page; fails where tags do not nest."""

    VOID = ("meta", "img", "br")

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def run(folder, *flags):
    assert report.main([str(folder), "--debug", *flags]) == 0
    return folder / "report"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study with ablations that lacks one run, and its report."""
    folder = tmp_path_factory.mktemp("studies") / "made-up"
    settings = tiny_settings(ablations=True, optimizers=("adam",), seeds=2, piece_steps=16)
    write_study(folder, settings, skipped=[("focal-adam-zero-bias", 1)])
    run(folder)
    return folder


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are not rendered, which takes most of the time."""
    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", lambda self, file, **options: file.write(b"a picture"))


def test_the_page_is_self_contained_and_accessible(study):
    out = study / "report"
    text = (out / "report.html").read_text()
    page = Page(text)
    assert page.all("html") == [{"lang": "en"}]
    assert not page.all("script") and not page.all("link")
    assert not re.search(r"(src|href)=\"(https?:)?//", text)
    images = page.all("img")
    assert len(images) >= 10
    assert all(image["src"].startswith("data:image/") and len(image["alt"]) > 20 for image in images)
    heads = page.all("th")
    assert heads and all(head["scope"] in ("col", "row") for head in heads)
    assert len(page.all("caption")) == len(page.all("table")) >= 10
    anchors = {attributes["href"][1:] for attributes in page.all("a") if attributes["href"].startswith("#")}
    assert anchors == {attributes["id"] for attributes in page.all("h2")} >= {"quality", "music", "ablations"}
    links = [attributes["href"] for attributes in page.all("a") if not attributes["href"].startswith("#")]
    assert {"audio/bce-adam.mid", "audio/focal-adam-raw.wav", "audio/real-1.mid"} <= set(links)
    for link in links:
        assert (out / link).stat().st_size > 100
    assert "focal\u00a0·\u00a0Adam, bias from 0: seeds 1" in page.text


def test_the_markdown_has_the_same_tables_and_its_figures(study):
    out = study / "report"
    text = (out / "report.md").read_text()
    figures = re.findall(r"!\[(.+)\]\((.+)\)", text)
    assert {Path(path).parent.name for _, path in figures} == {"figures"}
    assert all((out / path).stat().st_size > 1000 for _, path in figures)
    page = Page((out / "report.html").read_text())
    assert len(figures) == len(page.all("img"))
    tables = re.findall(r"^\|( --- \|)+$", text, re.MULTILINE)
    assert len(tables) == len(page.all("table"))
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.replace("\\|", "").count("|") for line in block.splitlines()}) == 1  # as many cells in each
    assert "python -m tuner.study tfrecords/made-up studies/made-up --optimizers adam --ablations --seeds 2" in text
    with (out / "results.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 2 * 5 - 1


def test_the_same_command_again_changes_nothing(study, capsys):
    def files():
        paths = [path for path in (study / "report").rglob("*") if path.is_file()]
        return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}

    before = files()
    run(study)
    assert files() == before
    assert capsys.readouterr().out.splitlines()[0] in Page((study / "report" / "report.html").read_text()).text


def test_another_language_in_another_folder_without_sound(study, tmp_path, undrawn):
    run(study, "--lang", "ru", "--out", str(tmp_path / "ru"), "--no-wav")
    text = (tmp_path / "ru" / "report.html").read_text()
    page = Page(text)
    assert page.all("html") == [{"lang": "ru"}]
    assert "Исследование made-up" in page.text
    assert ".wav" not in text
    assert {path.suffix for path in (tmp_path / "ru" / "audio").iterdir()} == {".mid"}


@pytest.mark.parametrize("name", ["report.html", "report.md", "results.csv", "listening.html", "figures"])
def test_files_that_no_report_wrote_are_not_replaced(study, tmp_path, undrawn, capsys, name):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("mine")
    assert report.main([str(study), "--out", str(tmp_path / "out"), "--no-wav"]) == 1
    assert f"{tmp_path / 'out'}, which holds another {name}" in capsys.readouterr().err
    assert [(path.name, path.read_text()) for path in (tmp_path / "out").iterdir()] == [(name, "mine")]


def test_a_report_in_another_folder_is_brought_up_to_date_and_another_one_replaced_on_request(study, tmp_path, undrawn):
    out = ["--out", str(tmp_path), "--no-wav"]
    run(study, *out)
    run(study, *out)
    (tmp_path / "report.html").write_text("mine")
    run(study, *out, "--overwrite")
    assert "<html" in (tmp_path / "report.html").read_text()


def test_one_run_of_one_combination_and_none(tmp_path, undrawn):
    settings = tiny_settings(losses=("bce",), optimizers=("adam",), seeds=1, piece_steps=16)
    out = run(write_study(tmp_path / "one", settings), "--no-wav")
    text = (out / "report.md").read_text()
    assert "With one run per combination there is no interval and no test" in text
    assert "## What differs" not in text
    assert "to 5" not in text.split("## Quality")[1].split("##")[0]
    out = run(write_study(tmp_path / "none", settings, skipped=[("bce-adam", 0)], with_music=False), "--no-wav")
    text = (out / "report.md").read_text()
    assert "No run has been measured yet." in text
    assert "all seeds of: BCE" in text
    assert "## Speed" not in text and "## Generated music" not in text
    assert "## Settings" in text


def test_a_grid_of_beats(tmp_path, undrawn):
    settings = tiny_settings(losses=("bce",), optimizers=("adam",), seeds=1, piece_steps=16)
    out = run(write_study(tmp_path / "beats", settings, grid="beats"), "--no-wav")
    assert "build\\_records.grid | beats" in (out / "report.md").read_text()


@pytest.fixture
def search(tmp_path):
    """A search of four trials, one failed, one unfinished."""
    folder = tmp_path / "found"
    space = {
        "loss": ["bce", "focal"],
        "learning_rate": {"min": 0.0003, "max": 0.01, "step": None, "log": True},
        "alpha": [None, 0.25],
        "dropout": 0.1,
    }
    ended = {
        "status": "completed",
        "best_epoch": 2,
        "epochs": 3,
        "seconds": 9.5,
        "pr_auc": 0.7,
        "cause": None,
        "of": None,
    }
    failed = dict.fromkeys(ended) | {"status": "failed", "cause": "the loss became nan"}
    trials = [
        {"rank": 1, "trial": "0002", **ended, "objective": 5.25, "nll": 5.25},
        {"rank": 2, "trial": "0000", **ended, "objective": 5.5, "nll": 5.5},
        {"rank": None, "trial": "0001", **failed, "objective": None, "nll": None},
        {
            "rank": None,
            "trial": "0003",
            **failed,
            "status": "unfinished",
            "cause": None,
            "objective": None,
            "nll": None,
        },
    ]
    chosen = [("focal", 0.002, "none"), ("bce", 0.004, None), ("focal", 0.01, 0.25), ("bce", 0.001, None)]
    for trial, values in zip(trials, chosen, strict=True):
        trial |= dict(zip(("loss", "learning_rate", "alpha"), values, strict=True))
    base = RunConfig()
    content = {"objective": "nll", "direction": "min", "tuner": "random", "space": space, "base": to_dict(base)}
    folder.mkdir()
    write_checksummed(folder / "search.json", {"tuner": "random", "base": to_dict(base), "space": space})
    (folder / "results.json").write_text(json.dumps(content | {"trials": trials}))
    (folder / "results.csv").write_text("rank,trial\n1,0002\n")
    for name in ("0002", "0000"):
        history = folder / "trials" / name / "run" / "history.csv"
        history.parent.mkdir(parents=True)
        history.write_text("epoch,val_nll\n1,9.0\n2,5.5\n3,5.6\n")
    return folder


def test_a_search(search, tmp_path):
    out = run(search)
    page = Page((out / "report.html").read_text())
    assert (
        "2 trials of 4 finished. "
        "The best validation NLL is 5.250 nats per step, of trial 0002 at epoch 2: loss focal" in page.text
    )
    assert "Its lead over the second, trial 0000, is 0.2500 nats per step." in page.text
    assert "The best of each loss: focal 5.250 and BCE 5.500." in page.text
    assert "trial 0001: the loss became nan" in page.text
    assert len(page.all("img")) == 4
    assert (out / "results.csv").read_bytes() == (search / "results.csv").read_bytes()
    assert read_space(out / "space.json")["alpha"].values == (None, 0.25)
    text = (run(search, "--lang", "ru") / "report.md").read_text()
    assert "Лучшее значение (NLL на валидации) — 5,250 ната на шаг, у пробы 0002 в эпоху 2" in text
    assert "| 0003 | – | – | – | – | – | не закончена | bce | 0.001 | – |" in text


def test_a_search_in_which_all_failed(search):
    path = search / "results.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"trials": content["trials"][2:3]}))
    text = (run(search) / "report.md").read_text()
    assert "0 trials of 1 finished. There is no model yet." in text
    assert "![" not in text


def test_folders_that_cannot_be_reported(search, tmp_path, capsys):
    assert report.main([str(tmp_path)]) == 1
    (search / "results.json").write_text("{")
    assert report.main([str(search)]) == 1
    (search / "results.json").unlink()
    assert report.main([str(search)]) == 1
    output = capsys.readouterr().err.splitlines()
    assert (
        "must be the folder of a study, a search or a plan: it has no study.json, search.json or plan.json" in output[0]
    )
    assert "results.json is damaged" in output[1]
    assert "must be a search of which a trial has ended" in output[2]


def test_texts_from_outside_cannot_become_markup(tmp_path):
    """A cause or a name may hold anything."""
    evil = '<script>alert("1")</script> | *b* [l](x) `c`'
    blocks = [
        Text(evil, [evil]),
        Table(evil, [evil, evil], [[evil, (evil, evil)]]),
        Figure("f", evil, evil, b"x", "png"),
        Sounds({evil: ("a.mid", None)}),
        Code([evil]),
    ]
    made = Report(evil, [evil], [Text(evil)], [Section("s", evil, blocks), Section("empty", "nothing", [])], b"", {})
    report_page.write(made, Language("en"), tmp_path)
    page = Page((tmp_path / "report.html").read_text())
    assert not page.all("script") and not page.all("b")[1:]
    assert page.text.count(evil) >= 9
    assert "nothing" not in page.text
    text = (tmp_path / "report.md").read_text().split("```")
    assert "<script>" not in text[0] + text[2]
    assert r"\*b\* \[l\](x) \`c\`" in text[0]


def test_the_command_names_the_languages_and_folders_it_knows_without_importing_them():
    from tuner.plan import folder as plan_folder
    from tuner.search import settings as search_settings
    from tuner.study import folder as study_folder

    assert tuple(LANGUAGES) == report.LANGUAGES
    assert (report.STUDY, report.SEARCH) == (study_folder.STUDY, search_settings.SETTINGS)
    assert report.PLAN == plan_folder.PLAN


def test_help_needs_no_framework_and_a_report_no_tensorflow(study):
    code = (
        "import sys\nfrom tuner.report import __main__ as report\n"
        "heavy = {'numpy', 'matplotlib', 'scipy', 'jinja2'} & set(sys.modules)\nassert not heavy, heavy\n"
        "from tuner.report import search as report_search\nfrom tuner.report import study as report_study\n"
        "heavy = {'tensorflow', 'keras'} & set(sys.modules)\nassert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
