"""What an engine does for a build, by the processes of this machine."""

import zipfile
from pathlib import Path

import pytest
from midi_files import random_song, write_corpus

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.conversion import convert
from pianoroll_tf.data.engine import Processes, conversion_settings

CONFIG = RecordsConfig(grid="seconds")


@pytest.mark.parametrize("workers", [1, 2])
def test_each_file_is_converted_once(tmp_path: Path, workers: int) -> None:
    midi = write_corpus(tmp_path / "midi", pieces=3, quarters=4)
    engine = Processes(workers)
    source = engine.open_input(midi, None, False)
    files = [(found.path, "") for found in source.found()]
    done = {path: (piece, place) for path, piece, place in engine.convert(source, files, CONFIG, tmp_path)}
    assert {path: piece.content for path, (piece, _) in done.items()} == {
        path.name: convert(path, CONFIG).content for path in midi.iterdir()
    }
    assert {place for _, place in done.values()} == {None}


def test_members_that_cannot_be_unpacked_have_their_reason_wherever_they_are(tmp_path: Path) -> None:
    path = tmp_path / "midi.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in "abc":
            archive.writestr(f"{name}.mid", random_song(ord(name), quarters=4))
    data = path.read_bytes()
    for name in "ac":  # their contents no longer match their CRCs
        place = data.index(random_song(ord(name), quarters=4)) + 30
        data = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
    path.write_bytes(data)
    engine = Processes(1)
    files = [(f"{name}.mid", "") for name in "abc"]
    source = engine.open_input(path, None, False)
    done = {name: piece.reason for name, piece, _ in engine.convert(source, files, CONFIG, tmp_path)}
    assert sorted(done) == ["a.mid", "b.mid", "c.mid"]
    assert done["b.mid"] == ""
    assert done["a.mid"].startswith("damaged: the archive cannot unpack it")
    assert done["c.mid"].startswith("damaged: the archive cannot unpack it")


def test_only_what_a_conversion_depends_on_is_among_its_settings() -> None:
    assert conversion_settings(CONFIG) == conversion_settings(RecordsConfig(grid="seconds", shards=3, val=0.2, limit=5))
    assert conversion_settings(CONFIG) != conversion_settings(RecordsConfig(grid="seconds", drums=True))
