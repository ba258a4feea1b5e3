"""The manifest: every difference is noticed."""

import os

import pytest

from pianoroll_tf.generation.manifest import NAME, DamagedModelError, check_manifest, write_manifest


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "variables").mkdir()
    (tmp_path / "saved_model.pb").write_bytes(b"graph")
    (tmp_path / "variables" / "index").write_bytes(b"")
    write_manifest(tmp_path)
    check_manifest(tmp_path)
    return tmp_path


def test_any_flipped_bit_of_any_file_is_noticed(folder):
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        for bit in range(8 * len(content)):
            changed = bytearray(content)
            changed[bit // 8] ^= 1 << bit % 8
            path.write_bytes(changed)
            with pytest.raises(DamagedModelError):
                check_manifest(folder)
        if content:
            path.write_bytes(content)
    check_manifest(folder)


@pytest.mark.parametrize("name", ["saved_model.pb", "variables/index", NAME])
def test_missing_file(folder, name):
    (folder / name).unlink()
    with pytest.raises(DamagedModelError, match=f"{NAME}|{name} is missing"):
        check_manifest(folder)


@pytest.mark.parametrize("name", ["extra", "variables/extra", "assets/extra"])
def test_extra_file(folder, name):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).touch()
    with pytest.raises(DamagedModelError, match=f"{name}' is extra"):
        check_manifest(folder)


def test_cut_and_longer_files(folder):
    (folder / "saved_model.pb").write_bytes(b"grap")
    with pytest.raises(DamagedModelError, match=r"saved_model\.pb differs"):
        check_manifest(folder)
    (folder / "variables" / "index").write_bytes(b" ")
    (folder / "saved_model.pb").write_bytes(b"graph")
    with pytest.raises(DamagedModelError, match="variables/index differs"):
        check_manifest(folder)


@pytest.mark.parametrize("name", ["saved_model.pb", NAME])
@pytest.mark.parametrize("kind", ["link", "fifo"])
def test_what_is_no_regular_file(folder, kind, name):
    (folder / name).rename(folder.parent / "outside")
    if kind == "link":
        (folder / name).symlink_to(folder.parent / "outside")
    else:
        os.mkfifo(folder / name)
    with pytest.raises(DamagedModelError, match="regular files only"):
        check_manifest(folder)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"files": []}', "[" * 100_000, '{"files": {}} ', "\xff"])
def test_manifest_that_is_none(folder, text):
    (folder / NAME).write_bytes(text.encode("latin-1"))
    with pytest.raises(DamagedModelError, match=NAME):
        check_manifest(folder)
