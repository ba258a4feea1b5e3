"""A folder on a filesystem that Beam knows, such as gs://, s3:// or hdfs://, as input."""

from collections.abc import Iterable, Iterator

from apache_beam.io.filesystems import FileSystems

from pianoroll_tf.data.beam.files import read
from pianoroll_tf.data.discover import FoundFile, has_midi_name, nothing_found, printable
from pianoroll_tf.data.midi import MAX_FILE_BYTES
from pianoroll_tf.data.smf import MidiError
from pianoroll_tf.errors import UserError

TOO_LARGE = f"larger than {MAX_FILE_BYTES >> 20} MiB"  # as for local files
_PATTERN = "*?["  # characters that no filesystem of Beam takes literally


def check_url(url: str, what: str) -> str:
    """A URL without slashes at its end; `what` is its name in messages.

    Raises:
        UserError: Beam has no filesystem for it, or takes it for a pattern.
    """
    if set(url) & set(_PATTERN):
        raise UserError(f"{what} must be a URL without any of {_PATTERN}. Received: {printable(url)}")
    try:
        FileSystems.get_filesystem(url)
    except ValueError as error:
        known = "whose filesystem Beam knows (pip install 'apache-beam[gcp]', [aws] or [hadoop])"
        raise UserError(f"{what} must be a URL {known}. Received: {printable(url)}") from error
    return url.rstrip("/")


def read_limited(url: str) -> bytes | MidiError:
    """The content of a file, or why it cannot be read."""
    try:
        data = read(url, MAX_FILE_BYTES + 1)
    except OSError as error:
        return MidiError(f"unreadable: {error.strerror or type(error).__name__}")
    return data if len(data) <= MAX_FILE_BYTES else MidiError(TOO_LARGE)


class UrlFolder:
    """A folder as input; see `data.inputs.Input`. Its list of files is read once."""

    def __init__(self, url: str, include: str | None = None) -> None:
        self.path = check_url(url, "INPUT")
        start = f"{self.path}/"
        found = FileSystems.match([f"{start}**"])[0].metadata_list
        self._stamps = {
            file.path.removeprefix(start): f"{file.size_in_bytes} {file.last_updated_in_seconds}"
            for file in found
            if has_midi_name(file.path.rpartition("/")[2], include)
        }
        if not self._stamps:
            raise nothing_found(self.path, include)

    def found(self) -> Iterator[FoundFile]:
        """The files sorted by path."""
        return (FoundFile(path) for path in sorted(self._stamps))

    def stamp(self, path: str) -> str:
        """Size and time of change."""
        return self._stamps[path]

    def sources(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes | MidiError]]:
        """Yields each path with its content, read here; workers read the files of a build themselves."""
        for path in paths:
            yield path, read_limited(f"{self.path}/{path}")

    def locations(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yields each path with its URL."""
        for path in paths:
            yield path, f"{self.path}/{path}"
