"""Archives as input: members are read in memory and never unpacked to disk; hostile ones are skipped with a reason."""

import functools
import gzip
import io
import itertools
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from pianoroll_tf.data.discover import ALLOWED, FoundFile, has_midi_name, nothing_found, printable, stamp, unique
from pianoroll_tf.data.midi import MAX_FILE_BYTES
from pianoroll_tf.data.smf import MidiError
from pianoroll_tf.errors import UserError

TAR_OPENERS: dict[str, Callable[..., Any]] = {".tar": open, ".tar.gz": gzip.open, ".tgz": gzip.open}
MAX_RATIO, FREE_BYTES = 200, 1 << 30  # a tar archive may unpack to 200 times its size, or to 1 GiB
ENCRYPTED = 0x1  # flag of a zip archive's member
TOO_LARGE = f"larger than {MAX_FILE_BYTES >> 20} MiB"
# What the standard library raises for damaged archives
DAMAGES = (
    *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError),
    *(EOFError, NotImplementedError, ValueError, IndexError, RecursionError, MemoryError),
)

Read = Callable[[], bytes]


class Archive:
    """The files of an archive as input; see `data.inputs.Input`. Its list of members is read once."""

    def __init__(self, path: Path, include: str | None = None) -> None:
        self.path, self._include = path, include
        try:
            self._files = sorted(found for found, _ in self._named())
        except DAMAGES as error:
            raise UserError(f"INPUT must be {ALLOWED}. Received: {printable(str(path))} ({error})") from error
        if not self._files:
            raise nothing_found(path, include)

    def _members(self) -> Iterator[tuple[str, str, Read]]:
        """Yields name, reason to skip it, and function to read it, valid until the next, of all files in it."""
        raise NotImplementedError

    def _named(self) -> Iterator[tuple[FoundFile, Read]]:
        """The members with the name of a MIDI file, each under a path of its own."""
        seen: dict[str, int] = {}
        for name, reason, read in self._members():
            path = name.replace("\\", "/").removeprefix("./")
            outside = path.startswith("/") or ".." in path.split("/") or path[1:2] == ":"
            if name == self.path.name or has_midi_name(path.rpartition("/")[2], self._include):
                yield FoundFile(unique(path, seen), "a path outside the archive" if outside else reason), read

    def found(self) -> Iterator[FoundFile]:
        """The members by path."""
        return iter(self._files)

    def stamp(self, path: str) -> str:
        """That of the archive: if it has changed, all its members are read again."""
        return stamp(self.path)

    def sources(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes | MidiError]]:
        """Yields members in the order of the archive, as a compressed one can only be read from its start."""
        wanted = set(paths)
        members = self._named() if wanted else iter(())
        for found, read in members:
            if found.path in wanted:
                yield found.path, _content(read)


def _content(read: Read) -> bytes | MidiError:
    try:
        data = read()
    except (*DAMAGES, OSError, RuntimeError) as error:
        return MidiError(f"damaged: the archive cannot unpack it ({error or type(error).__name__})")
    return data if len(data) <= MAX_FILE_BYTES else MidiError(TOO_LARGE)


class ZipArchive(Archive):
    """A zip archive."""

    def _members(self) -> Iterator[tuple[str, str, Read]]:
        with zipfile.ZipFile(self.path) as archive:
            members = sorted((info for info in archive.infolist() if not info.filename.endswith("/")), key=_place)
            for info, following in itertools.zip_longest(members, members[1:]):
                overlaps = following is not None and info.header_offset + info.compress_size > following.header_offset
                reason = "overlaps another member of the archive" if overlaps else _zip_reason(info)
                yield info.filename, reason, functools.partial(_read_zipped, archive, info)


def _place(info: zipfile.ZipInfo) -> int:
    return info.header_offset


def _zip_reason(info: zipfile.ZipInfo) -> str:
    """Why a member is skipped without being read."""
    kind = stat.S_IFMT(info.external_attr >> 16)  # 0 if it was written on another system than Unix
    if stat.S_ISLNK(kind):
        return "a link in an archive"
    if kind not in (0, stat.S_IFREG):
        return "not a regular file"
    if info.flag_bits & ENCRYPTED:
        return "encrypted"
    return TOO_LARGE if info.file_size > MAX_FILE_BYTES else ""


def _read_zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as file:
        return file.read(MAX_FILE_BYTES + 1)


class _LimitedReads(io.RawIOBase):
    """A file that refuses to read very much at once, as a tar header can demand."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.headers = file, 0  # bytes that were read since the last member

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MAX_FILE_BYTES + tarfile.BLOCKSIZE:
            raise tarfile.ReadError("a header of more than 16 MiB")
        self.headers += size
        if self.headers > 2 * MAX_FILE_BYTES:
            raise tarfile.ReadError("headers of more than 32 MiB")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


class TarArchive(Archive):
    """A tar archive, possibly compressed. If it is damaged or unpacks to too much, it is read as far as that."""

    def _members(self) -> Iterator[tuple[str, str, Read]]:
        ending = next(ending for ending in TAR_OPENERS if self.path.name.lower().endswith(ending))
        limit = max(FREE_BYTES, MAX_RATIO * self.path.stat().st_size)
        with (
            TAR_OPENERS[ending](self.path, "rb") as file,
            _LimitedReads(file) as file_reads,
            tarfile.open(fileobj=file_reads, mode="r:", encoding="utf-8") as archive,
        ):
            try:
                while member := archive.next():
                    archive.members.clear()  # type: ignore[attr-defined]  # it would keep all of them
                    if member.size < 0 or archive.offset <= member.offset:  # tarfile would read the same again, forever
                        raise tarfile.ReadError("a negative size")
                    file_reads.headers = 0
                    if member.offset_data + member.size > limit:
                        yield self.path.name, "unpacks to too much: the rest of the archive is not read", bytes
                        return
                    if not member.isdir():
                        yield member.name, _tar_reason(member), functools.partial(_read_tarred, archive, member)
                        file_reads.headers = 0
                file.seek(archive.offset)
                block = file.read(tarfile.BLOCKSIZE)
                if block.strip(b"\0") or 0 < len(block) < tarfile.BLOCKSIZE:  # tarfile takes this for the end
                    raise tarfile.ReadError("not a header")
            except (*DAMAGES, OSError) as error:
                yield self.path.name, f"damaged archive: the rest is not read ({error})", bytes


def _tar_reason(member: tarfile.TarInfo) -> str:
    """Why a member is skipped without being read."""
    if member.issym() or member.islnk():
        return "a link in an archive"
    if not member.isreg():
        return "not a regular file"
    return TOO_LARGE if member.size > MAX_FILE_BYTES else ""


def _read_tarred(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return file.read(MAX_FILE_BYTES + 1) if file else b""
