"""Members of archives are found and read in memory; hostile ones are named and cost nothing."""

import io
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from pianoroll_tf.data import archives
from pianoroll_tf.data.archives import TarArchive, ZipArchive
from pianoroll_tf.data.discover import FoundFile
from pianoroll_tf.data.smf import MidiError
from pianoroll_tf.errors import UserError

FILES = {"b.mid": b"second", "a/deep/x.MIDI": b"first", "readme.txt": b"no music", "__MACOSX/._b.mid": b"a system's"}


def write_zip(path: Path, files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def write_tar(path: Path, files: dict[str, bytes], mode: str = "w:gz", **special: bytes) -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for name, kind in special.items():
            member = tarfile.TarInfo(f"{name}.mid")
            member.type, member.linkname = kind, "b.mid"
            archive.addfile(member)
    return path


def read(archive) -> dict[str, bytes]:
    return dict(archive.sources(found.path for found in archive.found() if not found.reason))


@pytest.mark.parametrize("name", ["x.zip", "x.tar", "x.tar.gz", "x.TGZ"])
def test_members_are_found_by_path_and_read_in_the_order_of_the_archive(tmp_path: Path, name: str) -> None:
    files = {f"./{path}" if path == "b.mid" else path: data for path, data in FILES.items()}
    if name == "x.zip":
        archive = ZipArchive(write_zip(tmp_path / name, files))
    else:
        archive = TarArchive(write_tar(tmp_path / name, files, "w" if name == "x.tar" else "w:gz"))
    assert list(archive.found()) == [FoundFile("a/deep/x.MIDI"), FoundFile("b.mid")]
    assert list(read(archive).items()) == [("b.mid", b"second"), ("a/deep/x.MIDI", b"first")]
    assert list(archive.sources(["a/deep/x.MIDI"])) == [("a/deep/x.MIDI", b"first")]
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]  # nothing was unpacked


def test_include_chooses_members(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", FILES)
    assert list(ZipArchive(path, "*.txt").found()) == [FoundFile("readme.txt")]
    with pytest.raises(UserError, match=r"x\.zip holds no file that matches --include '\*\.kra'"):
        ZipArchive(path, "*.kra")


def test_a_name_that_occurs_twice_is_read_twice(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for data in (b"one", b"two"):
            member = tarfile.TarInfo("a.mid")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    assert read(TarArchive(tmp_path / "x.tar")) == {"a.mid": b"one", "a.mid#2": b"two"}


def test_paths_that_leave_the_archive_are_named(tmp_path: Path) -> None:
    names = ["../a.mid", "/etc/b.mid", "c/../../d.mid", "C:\\e.mid", "good\\f.mid"]
    outside = "a path outside the archive"
    expected = {FoundFile(name, outside) for name in ("../a.mid", "/etc/b.mid", "c/../../d.mid", "C:/e.mid")}
    for archive in (
        ZipArchive(write_zip(tmp_path / "x.zip", dict.fromkeys(names, b"x"))),
        TarArchive(write_tar(tmp_path / "x.tgz", dict.fromkeys(names, b"x"))),
    ):
        assert set(archive.found()) == expected | {FoundFile("good/f.mid")}
        assert read(archive) == {"good/f.mid": b"x"}


def test_links_and_devices_of_a_tar_archive_are_named(tmp_path: Path) -> None:
    special = {"soft": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "fifo": tarfile.FIFOTYPE, "disk": tarfile.BLKTYPE}
    archive = TarArchive(write_tar(tmp_path / "x.tar", {"b.mid": b"x"}, "w", **special))
    assert list(archive.found()) == [
        FoundFile("b.mid"),
        FoundFile("disk.mid", "not a regular file"),
        FoundFile("fifo.mid", "not a regular file"),
        FoundFile("hard.mid", "a link in an archive"),
        FoundFile("soft.mid", "a link in an archive"),
    ]


def test_links_and_encrypted_members_of_a_zip_archive_are_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        link = zipfile.ZipInfo("link.mid")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "b.mid")
        archive.writestr("secret.mid", b"x")
    data = bytearray((tmp_path / "x.zip").read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1  # the flag of the last member, in the central directory
    (tmp_path / "x.zip").write_bytes(data)
    assert list(ZipArchive(tmp_path / "x.zip").found()) == [
        FoundFile("link.mid", "a link in an archive"),
        FoundFile("secret.mid", "encrypted"),
    ]


def test_large_members_are_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 1000)
    files = {"bomb.mid": bytes(1001), "good.mid": bytes(1000)}
    for archive in (
        ZipArchive(write_zip(tmp_path / "x.zip", files)),
        TarArchive(write_tar(tmp_path / "x.tgz", files)),
    ):
        assert list(archive.found()) == [FoundFile("bomb.mid", archives.TOO_LARGE), FoundFile("good.mid")]
        assert list(read(archive)) == ["good.mid"]


def test_a_zip_member_that_lies_about_its_size_is_damaged(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.mid": bytes(5000)})
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02") + 24  # its size, unpacked
    data[at : at + 4] = (100).to_bytes(4, "little")
    path.write_bytes(data)
    [(_, error)] = ZipArchive(path).sources(["a.mid"])
    assert isinstance(error, MidiError)
    assert str(error).startswith("damaged: the archive cannot unpack it (Bad CRC-32")


def test_zip_members_that_overlap_are_named(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.mid": b"a" * 9, "b.mid": b"b" * 9}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02") + 20  # the packed size of the first, in the central directory
    data[at : at + 4] = (60).to_bytes(4, "little")
    path.write_bytes(data)
    assert list(ZipArchive(path).found()) == [
        FoundFile("a.mid", "overlaps another member of the archive"),
        FoundFile("b.mid"),
    ]


def test_a_tar_archive_that_unpacks_to_too_much_is_read_so_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 10_000)
    monkeypatch.setattr(archives, "MAX_RATIO", 3)
    files = {"a.mid": b"music", "zeros.bin": bytes(1 << 20), "z.mid": b"music"}
    archive = TarArchive(write_tar(tmp_path / "x.tgz", files))
    reason = "unpacks to too much: the rest of the archive is not read"
    assert list(archive.found()) == [FoundFile("a.mid"), FoundFile("x.tgz", reason)]
    assert read(archive) == {"a.mid": b"music"}


def test_a_tar_archive_that_is_cut_is_read_as_far_as_possible(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x.tar", {"a.mid": bytes(600), "b.mid": bytes(600)}, "w")
    path.write_bytes(path.read_bytes()[: 512 + 1024 + 100])  # within the second header
    found = list(TarArchive(path).found())
    assert [file.path for file in found] == ["a.mid", "x.tar"]
    assert found[1].reason.startswith("damaged archive: the rest is not read (")
    assert read(TarArchive(path)) == {"a.mid": bytes(600)}


def test_a_tar_header_that_demands_much_memory_is_refused(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x.tar", {"a.mid": b"music"}, "w")
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 1 << 33
    path.write_bytes(path.read_bytes()[:1024] + member.tobuf(tarfile.GNU_FORMAT) + bytes(5000))
    [good, bad] = TarArchive(path).found()
    assert good == FoundFile("a.mid")
    assert "a header of more than 16 MiB" in bad.reason


@pytest.mark.parametrize("kind", [ZipArchive, TarArchive])
def test_what_is_no_archive_is_one_line(tmp_path: Path, kind: type) -> None:
    path = tmp_path / ("x.zip" if kind is ZipArchive else "x.tar.gz")
    path.write_bytes(b"not an archive" * 100)
    with pytest.raises(UserError, match=r"INPUT must be a folder, an archive .* Received: .*x\.(zip|tar\.gz) \("):
        kind(path)


def test_names_that_are_not_utf8_are_kept(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w", encoding="utf-8", errors="surrogateescape") as archive:
        member = tarfile.TarInfo("caf\udce9.mid")
        archive.addfile(member)
    assert [file.path for file in TarArchive(tmp_path / "x.tar").found()] == ["caf\udce9.mid"]


def test_a_negative_size_and_nested_headers_end_the_reading(tmp_path: Path) -> None:
    whole = write_tar(tmp_path / "x.tar", {"a.mid": b"good"}, "w").read_bytes()[:1024]
    negative = bytearray(tarfile.TarInfo("b.mid").tobuf(tarfile.USTAR_FORMAT)[:512])
    negative[124:136] = b"\xff" * 10 + (0x10000 - 512).to_bytes(2, "big")  # in base 256, which Python 3.11 believes
    negative[148:156] = b" " * 8
    negative[148:156] = b"%06o\0 " % sum(negative)
    pax = tarfile.TarInfo("x")
    pax.type, pax.size = b"x", 10
    nested = (pax.tobuf(tarfile.USTAR_FORMAT)[:512] + b"10 path=a\n".ljust(512, b"\0")) * 2000
    for name, damage in (("negative", bytes(negative)), ("nested", nested)):
        path = tmp_path / f"{name}.tar"
        path.write_bytes(whole + damage + bytes(1024))
        archive = TarArchive(path)
        assert [found.path for found in archive.found() if not found.reason] == ["a.mid"]
        assert read(archive) == {"a.mid": b"good"}


def test_names_that_are_empty_or_repeated(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        for name in ("a.mid", "a.mid", "a.mid#2", "a.mid"):  # the third has no name of a MIDI file
            archive.writestr(name, name.encode())
    assert [found.path for found in ZipArchive(path).found()] == ["a.mid", "a.mid#2", "a.mid#3"]
    data = bytearray(write_zip(tmp_path / "y.zip", {"e": b"", "b.mid": b""}).read_bytes())
    directory = data.index(b"PK\x01\x02")
    for name_length in (26, directory + 28):  # the name becomes an extra field, whose length follows
        data[name_length : name_length + 4] = 0, 0, 1, 0
    (tmp_path / "y.zip").write_bytes(data)
    assert [found.path for found in ZipArchive(tmp_path / "y.zip").found()] == ["b.mid"]
