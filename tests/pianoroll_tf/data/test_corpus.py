"""The demo corpus: which works, the same bytes each time, whole files, resumption, failures that are counted."""

import sys

import pretty_midi
import pytest

from pianoroll_tf.data import corpus
from pianoroll_tf.errors import UserError

music21 = pytest.importorskip("music21")

SHORT = ["bwv10.7", "bwv101.7"]


@pytest.fixture
def two_works(monkeypatch):
    """Two short chorales stand for the corpus."""
    works = [work for work in corpus.list_works() if work.stem in SHORT]
    monkeypatch.setattr(corpus, "list_works", lambda: works)
    return works


def test_every_work_counts_once_and_the_analyses_do_not():
    works = corpus.list_works()
    names = [corpus.midi_name(work) for work in works]
    assert len(names) == len(set(names)) > 400
    assert [name.removesuffix(".mid") for name in names] == sorted(work.stem for work in works)
    assert not [work for work in works if work.suffix == ".rntxt"]
    assert next(work for work in works if work.stem == "bwv277").suffix == ".mxl"


def test_a_chorale_becomes_midi_with_480_ticks_a_quarter(two_works, tmp_path):
    content = corpus.midi_bytes(two_works[0])
    assert content[:4] == b"MThd"
    assert int.from_bytes(content[12:14]) == 480
    (tmp_path / "chorale.mid").write_bytes(content)
    score = music21.converter.parse(two_works[0], forceSource=True, storePickle=False)
    parts = pretty_midi.PrettyMIDI(str(tmp_path / "chorale.mid")).instruments
    assert len(parts) == len(score.parts)
    expected = {note.pitch.midi for note in score.expandRepeats().flatten().notes}
    assert {note.pitch for part in parts for note in part.notes} == expected


def test_writing_is_repeatable_and_does_not_rewrite_existing_files(two_works, tmp_path, capsys):
    first = corpus.write_corpus(tmp_path, workers=2)
    assert (first.written, first.existing, first.failed) == (2, 0, {})
    assert str(first) == "2 works as MIDI files (2 written now)"
    assert capsys.readouterr() == ("", "")
    names = [f"{name}.mid" for name in SHORT]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    content = [(tmp_path / name).read_bytes() for name in names]
    (tmp_path / names[0]).unlink()
    (tmp_path / names[1]).write_bytes(b"existing")
    second = corpus.write_corpus(tmp_path, workers=1)
    assert (second.written, second.existing) == (1, 1)
    assert (tmp_path / names[0]).read_bytes() == content[0]
    assert (tmp_path / names[1]).read_bytes() == b"existing"


def test_a_work_that_cannot_be_converted_is_named_and_leaves_no_file(monkeypatch, tmp_path):
    bad = tmp_path / "bwv0.mxl"
    bad.write_bytes(b"not a zip")
    monkeypatch.setattr(corpus, "list_works", lambda: [bad])
    summary = corpus.write_corpus(tmp_path / "out")
    assert summary.written == 0
    assert list(summary.failed) == ["bwv0.mxl"]
    assert "bwv0.mxl: " in str(summary)
    assert list((tmp_path / "out").iterdir()) == []


def test_limit_takes_the_first_works(two_works, tmp_path):
    summary = corpus.write_corpus(tmp_path, limit=1)
    assert summary.written == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bwv10.7.mid"]


def test_without_music21_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "music21", None)
    with pytest.raises(UserError, match=r"needs music21: pip install 'pianoroll_tf\[demo\]'"):
        corpus.list_works()
