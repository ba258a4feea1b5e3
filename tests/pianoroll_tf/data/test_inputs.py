"""A folder, an archive and a list of the same files give the same records."""

import tarfile
import zipfile
from pathlib import Path

import pytest
from midi_files import write_corpus

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data import build as build_module
from pianoroll_tf.data import engine as engine_module
from pianoroll_tf.data.build import build
from pianoroll_tf.data.inputs import open_input
from pianoroll_tf.data.records import read_manifest
from pianoroll_tf.errors import UserError

CONFIG = RecordsConfig(grid="beats", shards=1)


@pytest.fixture
def midi(tmp_path: Path) -> Path:
    folder = write_corpus(tmp_path / "midi", pieces=5, quarters=4)
    (folder / "bad.mid").write_bytes(b"bad")
    (folder / "sub").mkdir()
    (folder / "04.mid").rename(folder / "sub" / "04.mid")
    return folder


def packed(midi: Path, name: str, below: str = "") -> Path:
    """The files of a folder, in no order of their names, as an archive or a list."""
    paths = sorted((path for path in midi.rglob("*.mid")), key=lambda path: path.name[::-1])
    target = midi.parent / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in paths:
                archive.write(path, below + str(path.relative_to(midi)))
    elif name.endswith(".txt"):
        target = midi / name
        target.write_text("\n".join(str(path.relative_to(midi)) for path in paths))
    else:
        with tarfile.open(target, "w:gz") as archive:
            for path in paths:
                archive.add(path, below + str(path.relative_to(midi)))
    return target


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["files.zip", "files.tar.gz", "files.txt"])
def test_the_same_files_give_the_same_records(midi: Path, tmp_path: Path, name: str) -> None:
    build(midi, tmp_path / "plain", CONFIG)
    source = packed(midi, name)
    manifest, is_new = build(source, tmp_path / "out", CONFIG, workers=2)
    assert is_new
    assert (manifest["totals"]["pieces"], manifest["totals"]["skipped"]) == (5, {"not a MIDI file": 1})
    assert contents(tmp_path / "out") == contents(tmp_path / "plain")
    assert not build(source, tmp_path / "out", CONFIG)[1]  # up to date
    assert not build(source, tmp_path / "plain", CONFIG)[1]
    assert not build(midi, tmp_path / "out", CONFIG)[1]


def test_an_archive_of_other_files_is_noticed(midi: Path, tmp_path: Path) -> None:
    build(packed(midi, "files.zip"), tmp_path / "out", CONFIG)
    (midi / "00.mid").unlink()
    with pytest.raises(UserError, match=r"\(files: 1 removed, among them 00\.mid\)"):
        build(packed(midi, "files.zip"), tmp_path / "out", CONFIG)


@pytest.mark.parametrize("name", ["files.zip", "files.tgz"])
def test_an_interrupted_build_of_an_archive_resumes(
    midi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    source = packed(midi, name)
    with monkeypatch.context() as patch:
        patch.setattr(build_module, "choose", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            build(source, tmp_path / "out", CONFIG)
    monkeypatch.setattr(
        engine_module, "convert_all", lambda files, *_: iter([]) if not list(files) else pytest.fail("read again")
    )
    assert build(source, tmp_path / "out", CONFIG)[0]["totals"]["pieces"] == 5


@pytest.mark.parametrize("name", ["files.zip", "files.tgz"])
def test_folders_in_an_archive_are_given_splits(tmp_path: Path, name: str) -> None:
    midi = write_corpus(tmp_path / "midi", pieces=3, quarters=4)
    for number, split in enumerate(("train", "validation", "test")):
        (midi / split).mkdir()
        (midi / f"{number:02d}.mid").rename(midi / split / f"{number:02d}.mid")
    build(packed(midi, name, below="corpus/v2/"), tmp_path / "out", CONFIG)
    entries = read_manifest(tmp_path / "out", with_files=True)["files"]
    assert {entry["path"]: entry["split"] for entry in entries} == {
        "corpus/v2/test/02.mid": "test",
        "corpus/v2/train/00.mid": "train",
        "corpus/v2/validation/01.mid": "val",
    }


def test_a_table_names_paths_within_the_folder_of_an_archive(tmp_path: Path) -> None:
    midi = write_corpus(tmp_path / "midi", pieces=3, quarters=4)
    (tmp_path / "maestro.csv").write_text("split,midi_filename\ntrain,00.mid\nvalidation,01.mid\ntest,02.mid\n")
    config = RecordsConfig(grid="beats", splits=str(tmp_path / "maestro.csv"))
    manifest, _ = build(packed(midi, "maestro.zip", below="maestro-v3.0.0/"), tmp_path / "out", config)
    assert [manifest["splits"][split]["pieces"] for split in ("train", "val", "test")] == [1, 1, 1]


def test_another_kind_of_file_is_refused(midi: Path) -> None:
    allowed = r"a folder, an archive \(\.zip, \.tar, \.tar\.gz, \.tgz\) or a text file of paths \(\.txt\)"
    with pytest.raises(UserError, match=rf"INPUT must be {allowed}\. Received: .*00\.mid"):
        open_input(midi / "00.mid")
