"""The demo corpus: which works, the same bytes each time, whole files, resumption, failures that are counted."""

import sys

import pretty_midi
import pytest

from pianoroll_tf.data import corpus
from pianoroll_tf.data.records import FORMAT, MANIFEST, write_manifest
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
    names = [work.stem for work in works]
    assert len(names) == len(set(names)) > 400
    assert names == sorted(names)
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
    assert first == "2 works as MIDI files (2 written now)"
    assert capsys.readouterr() == ("", "")
    names = [f"{name}.mid" for name in SHORT]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    content = [(tmp_path / name).read_bytes() for name in names]
    (tmp_path / names[0]).unlink()
    (tmp_path / names[1]).write_bytes(b"existing")
    second = corpus.write_corpus(tmp_path, workers=1)
    assert second == "2 works as MIDI files (1 written now)"
    assert (tmp_path / names[0]).read_bytes() == content[0]
    assert (tmp_path / names[1]).read_bytes() == b"existing"


def test_a_work_that_cannot_be_converted_is_named_and_leaves_no_file(monkeypatch, tmp_path):
    bad = tmp_path / "bwv0.mxl"
    bad.write_bytes(b"not a zip")
    monkeypatch.setattr(corpus, "list_works", lambda: [bad])
    summary = corpus.write_corpus(tmp_path / "out")
    assert summary.startswith("0 works as MIDI files (0 written now); 1 cannot be converted:\n  bwv0.mxl: ")
    assert summary.count("\n") == 1
    assert list((tmp_path / "out").iterdir()) == []


def test_limit_takes_the_first_works(two_works, tmp_path):
    summary = corpus.write_corpus(tmp_path, limit=1)
    assert summary == "1 works as MIDI files (1 written now)"
    assert [path.name for path in tmp_path.iterdir()] == ["bwv10.7.mid"]


def test_the_primer_is_the_piece_of_median_length_of_the_test_split(tmp_path):
    entries = [
        {"path": f"{name}.mid", "notes": notes, "split": split}
        for name, notes, split in [("a", 9, "test"), ("b", 5, "test"), ("c", 7, "test"), ("d", 1, "train")]
    ]
    for found, match in ((entries, None), (entries[3:], "use more --works")):
        with (tmp_path / MANIFEST).open("wb") as file:
            write_manifest(file, {"format": FORMAT}, found)
        if match is None:
            assert corpus.pick_primer(tmp_path) == "c.mid"
        else:
            with pytest.raises(UserError, match=match):
                corpus.pick_primer(tmp_path)


def test_without_music21_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "music21", None)
    with pytest.raises(UserError, match=r"needs music21: pip install 'pianoroll_tf\[demo\]'"):
        corpus.list_works()
