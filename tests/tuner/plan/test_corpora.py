"""Corpora of a plan: `prepare` makes a folder once, and whole."""

import tomllib

import pytest
from small_plan import SMALL

from pianoroll_tf.errors import UserError
from tuner.plan import corpora
from tuner.plan.plan import as_plan

TWO = SMALL.replace('after = "main"\nchoose = "best losses"\n', "")


def test_a_corpus_is_prepared_once(tmp_path, monkeypatch, capfd):
    (tmp_path / "maker.py").write_text(
        "import pathlib, sys\nfolder = pathlib.Path(sys.argv[1])\nfolder.mkdir(parents=True)\nprint('made')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    text = TWO.replace('midi = "{data}/one"', 'midi = "{out}/midi/one"\nprepare = ["maker", "{out}/midi/one"]')
    plan, made = as_plan(tomllib.loads(text)), []
    monkeypatch.setattr("pianoroll_tf.build_records.main", lambda words: made.append(words) or 0)
    for _ in range(2):
        corpora.build_records(plan, tmp_path / "out", tmp_path)
    assert capfd.readouterr().out.count("made") == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["midi"]
    assert made[0][0] == str(tmp_path / "out/midi/one")
    assert made[0][2:] == ["--grid", "seconds"]


def test_a_corpus_whose_preparation_fails_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "maker.py").write_text(
        "import pathlib, sys\nfolder = pathlib.Path(sys.argv[1])\nfolder.mkdir(parents=True)\n"
        "(folder / 'a').touch()\nsys.exit(3)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    text = TWO.replace('midi = "{data}/one"', 'midi = "{out}/midi/one"\nprepare = ["maker", "{out}/midi/one"]')
    with pytest.raises(UserError, match="prepare of a corpus ended with exit code 3: python -m maker "):
        corpora.build_records(as_plan(tomllib.loads(text)), tmp_path / "out", tmp_path)
    assert list((tmp_path / "out").iterdir()) == []
