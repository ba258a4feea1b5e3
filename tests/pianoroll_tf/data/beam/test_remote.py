"""Records that are written to a URL: whole or without a manifest, and nothing foreign is touched."""

from pathlib import Path

import pytest
from beam_corpus import contents, write_mixed

pytest.importorskip("apache_beam")

import shelf_filesystem

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.beam import remote as remote_module
from pianoroll_tf.data.beam.engine import Beam
from pianoroll_tf.data.beam.remote import build_remote
from pianoroll_tf.data.build import build
from pianoroll_tf.errors import UserError

CONFIG = RecordsConfig(grid="seconds", shards=2)


@pytest.fixture
def midi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(shelf_filesystem.ROOT, str(tmp_path))
    return write_mixed(tmp_path / "midi")


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_bytes_are_those_of_local_records_and_only_overwrite_replaces_them(midi: Path, tmp_path: Path) -> None:
    build(midi, tmp_path / "local", CONFIG)
    manifest = build_remote(midi, "shelf://bucket/out/", CONFIG, Beam())
    out = tmp_path / "bucket" / "out"
    assert contents(out) == contents(tmp_path / "local")
    assert len(manifest["files"]) == manifest["totals"]["files"] == 17
    assert not files(tmp_path / "bucket" / "out.partial")
    with pytest.raises(UserError, match=r"^shelf://bucket/out holds records already; replace them with --overwrite$"):
        build_remote(midi, "shelf://bucket/out", CONFIG, Beam())
    build_remote(midi, "shelf://bucket/out", RecordsConfig(grid="seconds", shards=1), Beam(), overwrite=True)
    build(midi, tmp_path / "other", RecordsConfig(grid="seconds", shards=1))
    assert contents(out) == contents(tmp_path / "other")


def test_another_folder_is_not_touched(midi: Path, tmp_path: Path) -> None:
    before = contents(midi / "sub")
    with pytest.raises(UserError, match=r"must be a folder of records or an empty folder: it has bad.mid but no man"):
        build_remote(midi, "shelf://midi/sub", CONFIG, Beam(), overwrite=True)
    assert contents(midi / "sub") == before


def test_an_interrupted_publication_has_no_manifest_and_is_resumed(
    midi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(remote_module, "write_whole", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            build_remote(midi, "shelf://out", CONFIG, Beam())
    assert "manifest.json" not in files(tmp_path / "out")
    assert files(tmp_path / "out")
    engine = Beam()
    build_remote(midi, "shelf://out", CONFIG, engine)
    assert engine.counters == {}  # nothing was converted again
    build(midi, tmp_path / "local", CONFIG)
    assert contents(tmp_path / "out") == contents(tmp_path / "local")
