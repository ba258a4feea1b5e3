"""A build by Beam gives the bytes of one by processes, on one worker and on several, and resumes."""

import shutil
from pathlib import Path

import pytest
from beam_corpus import SKIPPED, contents, write_mixed
from midi_files import random_song

pytest.importorskip("apache_beam")

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data import build as build_module
from pianoroll_tf.data.beam import engine as engine_module
from pianoroll_tf.data.beam.engine import Beam
from pianoroll_tf.data.build import build
from pianoroll_tf.data.records import read_manifest
from pianoroll_tf.errors import UserError

CONFIG = RecordsConfig(shards=2)


@pytest.fixture
def midi(tmp_path: Path) -> Path:
    return write_mixed(tmp_path / "midi")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "FILES_PER_CHUNK", 4)


@pytest.mark.parametrize("grid", ["auto", "beats"])
def test_every_byte_is_that_of_the_direct_runner(midi: Path, tmp_path: Path, grid: str) -> None:
    config = RecordsConfig(shards=2, grid=grid)
    build(midi, tmp_path / "direct", config, workers=2)
    engine = Beam()
    manifest, is_new = build(midi, tmp_path / "beam", config, engine=engine)
    assert is_new
    assert contents(tmp_path / "beam") == contents(tmp_path / "direct")
    assert manifest["totals"]["skipped"] == SKIPPED | {"duplicate": 1}
    assert manifest["totals"]["versions"] == 1
    assert manifest["totals"]["pieces"] == 10
    assert sorted(path.name for path in tmp_path.iterdir()) == ["beam", "direct", "midi"]


def test_beams_counters_have_the_reasons_of_the_files_that_were_read(midi: Path, tmp_path: Path) -> None:
    engine = Beam()
    build(midi, tmp_path / "out", RecordsConfig(grid="seconds"), engine=engine)
    read = {reason: number for reason, number in SKIPPED.items() if "link" not in reason}
    assert engine.counters == {f"skipped: {reason}": number for reason, number in read.items()} | {"converted": 11}


def interrupted(midi: Path, out: Path) -> Path:
    """A build that is stopped when all files have been converted; returns the folder of its chunks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build_module, "choose", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            build(midi, out, RecordsConfig(grid="seconds"), engine=Beam())
    assert not out.exists()
    return out.with_name(f".{out.name}.partial") / "chunks"


def test_what_is_skipped_is_listed_while_the_build_runs(midi: Path, tmp_path: Path) -> None:
    lines = (interrupted(midi, tmp_path / "out") / "skipped.txt").read_text().splitlines()
    assert [line.split(":")[:2] for line in lines] == [
        ["sub/bad.mid", " not a MIDI file"],
        ["sub/cut more.mid", " damaged"],
        ["sub/cut.mid", " damaged"],
        ["sub/empty.mid", " empty file"],
        ["sub/silent.mid", " no notes"],
    ]


@pytest.mark.parametrize("damage", ["", "facts", "records"])
def test_an_interrupted_build_resumes_and_damage_costs_one_chunk(
    midi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    build(midi, tmp_path / "plain", RecordsConfig(grid="seconds"))
    chunks = interrupted(midi, tmp_path / "out")
    (chunks.parent / "beam-seconds.sqlite").unlink()  # as if it had been stopped before
    if damage:
        path = max(chunks.glob(f"*.{damage}"), key=lambda path: path.stat().st_size)
        path.write_bytes(path.read_bytes()[:-1])
    converted = []

    def pipeline(pipeline, work, names, config) -> None:
        converted.extend(names)
        engine_module_convert(pipeline, work, names, config)

    engine_module_convert = engine_module.convert_pipeline
    monkeypatch.setattr(engine_module, "convert_pipeline", pipeline)
    build(midi, tmp_path / "out", RecordsConfig(grid="seconds"), engine=Beam())
    assert len(converted) == bool(damage)
    assert contents(tmp_path / "out") == contents(tmp_path / "plain")


def test_a_record_that_is_damaged_after_it_was_found_whole_is_never_written(midi: Path, tmp_path: Path) -> None:
    chunks = interrupted(midi, tmp_path / "out")  # the journal has all files, so none is looked at again
    path = max(chunks.glob("*.records"), key=lambda path: path.stat().st_size)
    data = path.read_bytes()
    path.write_bytes(data[:30] + bytes([data[30] ^ 1]) + data[31:])
    message = r"^the Beam pipeline failed.* is damaged \(record 0: .*\); delete .*chunks to begin again"
    with pytest.raises(UserError, match=message):
        build(midi, tmp_path / "out", RecordsConfig(grid="seconds"), engine=Beam())
    assert not (tmp_path / "out").exists()


def test_a_new_file_costs_its_chunk_alone(midi: Path, tmp_path: Path) -> None:
    interrupted(midi, tmp_path / "out")
    (midi / "new.mid").write_bytes(random_song(99, quarters=4))
    engine = Beam()
    build(midi, tmp_path / "out", RecordsConfig(grid="seconds"), engine=engine)
    assert engine.counters == {"converted": 1}
    build(midi, tmp_path / "plain", RecordsConfig(grid="seconds"))
    assert contents(tmp_path / "out") == contents(tmp_path / "plain")


def test_a_file_beyond_the_limits_costs_only_itself(midi: Path, tmp_path: Path) -> None:
    (midi / "hang.mid").write_bytes(b"MThd\0\0\0\6\0\1\0\1\x01\xe0MTrk" + (400_000).to_bytes(4) + b"\xff" * 400_000)
    config = RecordsConfig(grid="seconds", parser="pretty_midi", include="[0h]*.mid")
    manifest, _ = build(midi, tmp_path / "out", config, engine=Beam())
    assert manifest["totals"]["skipped"] == {"takes more than 5 s of CPU": 1}
    assert manifest["totals"]["pieces"] == 8


def test_an_archive_is_refused_in_one_line(midi: Path, tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "midi"), "zip", midi))
    with pytest.raises(UserError, match=r"^INPUT must be a folder or a list of paths with --runner beam\. Received: "):
        build(archive, tmp_path / "out", CONFIG, engine=Beam())


def test_a_list_of_paths_is_read(midi: Path, tmp_path: Path) -> None:
    paths = tmp_path / "paths.txt"
    paths.write_text("".join(f"midi/{path.name}\n" for path in midi.glob("0*.mid")) + "midi/none.mid\n")
    build(paths, tmp_path / "direct", CONFIG)
    build(paths, tmp_path / "beam", CONFIG, engine=Beam())
    assert contents(tmp_path / "beam") == contents(tmp_path / "direct")
    assert read_manifest(tmp_path / "beam")["totals"]["skipped"] == {"no such file": 1}


def test_several_processes(midi: Path, tmp_path: Path) -> None:
    config = RecordsConfig(grid="seconds")
    build(midi, tmp_path / "direct", config)
    build(midi, tmp_path / "beam", config, engine=Beam(workers=2))
    assert contents(tmp_path / "beam") == contents(tmp_path / "direct")
