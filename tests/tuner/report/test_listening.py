"""The listening test of a study: its file, and its section in the report."""

import json

import matplotlib.figure
import pytest
from listening_votes import choosing, votes_content, write_votes
from synthetic_study import tiny_settings, write_study

from tuner.report import __main__ as report
from tuner.report.data import read
from tuner.report.language import Language
from tuner.report.listening import listening_test, make
from tuner.report.listening_model import KEY
from tuner.report.page import Link, Table, Text
from tuner.study import folder as study_folder

EN, RU = Language("en"), Language("ru")
SETTINGS = tiny_settings(pieces=12, piece_steps=16)


@pytest.fixture
def folder(tmp_path):
    return write_study(tmp_path / "made-up", SETTINGS)


def texts(blocks):
    return [block.text for block in blocks if isinstance(block, Text | Link)]


def test_without_votes_one_sentence_says_how_to_vote(folder):
    key, blocks, files = make(read(folder), EN, None, [])
    assert key == "listening_unvoted"
    sentence, link = texts(blocks)
    assert sentence.startswith("Nobody has voted yet. To vote, open listening.html")
    assert link == "The listening page, listening.html"
    assert list(files) == ["listening.html"]
    assert texts(make(read(folder), RU, None, [])[1])[0].startswith("Никто ещё не голосовал.")


def test_votes_become_a_table(folder):
    test = listening_test(read(folder), None)
    choices = choosing(test, ("bce", "focal"), 2, 7, 3) | choosing(test, ("bce", "real"), 0, 12)
    anna = write_votes(folder / "votes" / "anna.json", votes_content(test, choices))  # need not be named
    key, blocks, _ = make(read(folder), EN, None, [])
    assert key == "listening"
    assert texts(blocks)[0] == "1 listener gave 24 votes on 24 of 36 pairs."
    table = next(block for block in blocks if isinstance(block, Table))
    assert list(table.rows[0]) == [
        *("BCE against focal", "1", "12", "2", "7", "3"),
        ("22\u00a0%", "3\u00a0% to 60\u00a0%"),
        *("0.18", "0.359", "no preference shown"),  # 92 / 512; twice that, as the second of three
    ]
    assert [row[0] for row in table.rows] == ["BCE against focal", "BCE against real music", "focal against real music"]
    assert [row[-1] for row in table.rows][1:] == ["preference shown", "no preference shown"]
    assert table.rows[2][1:] == ["0", "0", "0", "0", "0", "–", "1", "1", "no preference shown"]

    later = votes_content(test, choosing(test, ("bce", "focal"), 1, 0), time="2026-12-01T09:00:00.000Z")
    boris = votes_content(test, choosing(test, ("bce", "focal"), 4, 0), "boris")
    more = [write_votes(folder / f"{number}.json", each) for number, each in enumerate((later, boris))]
    _, blocks, _ = make(read(folder), RU, None, [anna, *more])
    assert texts(blocks)[0].startswith("Слушали: 2 слушателя; отдано: 28 голосов;")
    table = next(block for block in blocks if isinstance(block, Table))
    assert table.head[-2:] == ["p с поправкой Холма, каждая пара один раз", "вывод"]
    assert table.rows[0][:4] == ["BCE — focal", "2", "12", "6"]


def test_the_pairs_stay_those_that_were_voted_on(folder, tmp_path, capsys):
    drawn = listening_test(read(folder), 3)
    before = (folder / KEY).read_bytes()
    assert listening_test(read(folder), None) == drawn
    assert (folder / KEY).read_bytes() == before
    assert report.main([str(folder), "--listening-pairs", "4"]) == 1
    assert report.main([str(folder), "--listening-pairs", "-1"]) == 2
    assert report.main([str(folder), "--votes", str(tmp_path / "nowhere.json")]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert "listening-pairs must be 3, as drawn in" in errors[0] and "Received: listening_pairs=4" in errors[0]
    assert "listening-pairs must be from 0 to 1000. Received: listening_pairs=-1" in errors[1]
    assert "nowhere.json" in errors[2]
    assert len(errors) == 3


def test_music_that_has_changed_and_a_damaged_key_are_refused(folder, capsys):
    listening_test(read(folder), 3)
    study_folder.write_pieces(folder / "music" / "test.npz", [])
    assert report.main([str(folder)]) == 1
    values = json.loads((folder / KEY).read_text())
    (folder / KEY).write_text(json.dumps(values | {"page": "00"}))
    assert report.main([str(folder)]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert f"{folder} must hold the music of listening.json. Received: 0 pieces of test" in errors[0]
    assert "listening.json is damaged: its content does not match its checksum" in errors[1]


def test_no_page_before_all_runs_are_done_and_none_on_request(tmp_path):
    folder = write_study(tmp_path / "unfinished", SETTINGS, skipped=[("focal-adam", 1)])
    assert make(read(folder), EN, None, []) == ("listening", [], {})
    assert not (folder / KEY).exists()
    with pytest.raises(report.UserError, match=r"votes must be of a study with listening\.json"):
        make(read(folder), EN, None, [write_votes(tmp_path / "votes.json", {})])
    whole = write_study(tmp_path / "whole", SETTINGS)
    assert make(read(whole), EN, 0, []) == ("listening", [], {})
    assert not (whole / KEY).exists()


def test_the_report_has_the_section_and_the_page_and_the_same_votes_change_nothing(folder, monkeypatch):
    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", lambda self, file, **options: file.write(b"a picture"))
    assert report.main([str(folder), "--no-wav", "--debug"]) == 0
    out = folder / "report"
    assert '<a href="listening.html">' in (out / "report.html").read_text()
    assert "## Listening\n\nNobody has voted yet." in (out / "report.md").read_text()
    page = (out / "listening.html").read_bytes()
    test = listening_test(read(folder), None)
    path = write_votes(folder / "anna.json", votes_content(test, choosing(test, ("bce", "focal"), 6, 6)))
    assert report.main([str(folder), "--no-wav", "--debug", "--votes", str(path)]) == 0
    text = (out / "report.md").read_text()
    assert "1 listener gave 12 votes" in text
    assert "| BCE against focal | 1 | 12 | 6 | 6 | 0 | 50\u00a0%<br>21\u00a0% to 79\u00a0% | 1 | 1 |" in text
    assert (out / "listening.html").read_bytes() == page
