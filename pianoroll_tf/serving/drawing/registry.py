"""The served versions of a model: finds them in its folder, loads them while others are served, and drops old ones."""

import contextlib
import dataclasses
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.generation import saved_model, versions
from pianoroll_tf.generation.manifest import DamagedModelError
from pianoroll_tf.generation.saved_model import MusicModel
from pianoroll_tf.messages import describe
from pianoroll_tf.serving.drawing.engine import Engine
from pianoroll_tf.serving.drawing.padded_batches import PaddedBatches
from pianoroll_tf.serving.refusals import NotFoundError, UnavailableError

MAX_STEPS = 65536  # at which a piece without a requested length is cut, if not before
LOADING, AVAILABLE, UNLOADING, END = "LOADING", "AVAILABLE", "UNLOADING", "END"


@dataclasses.dataclass(eq=False)
class ServedVersion:
    """A version of the model that answers requests; `users` is the number of requests that use it now."""

    version: int
    model: MusicModel
    engine: Engine
    grid: RecordsConfig
    signatures: Mapping[str, SignatureDef]
    users: int = 0


@dataclasses.dataclass(frozen=True)
class Status:
    """Status of a version, and name and text of the error if it cannot be loaded, in TensorFlow Serving's terms."""

    state: str
    code: str = "OK"
    message: str = ""


class Registry:
    """The served versions of one model; `refresh` compares them with its folder.

    Args:
        folder: `saved_models/NAME`.
        newest: Number of versions that are served at the same time.
        pool: Threads that draw.
        active_rows: See `Engine`.
        sizes: See `PaddedBatches`.

    Attributes:
        served: The versions that answer requests, ascending; the table is replaced when they change.
        statuses: Of all known versions, newest first; likewise.
    """

    def __init__(self, folder: Path, newest: int, pool: Executor, active_rows: int, sizes: tuple[int, ...]) -> None:
        self.folder, self.name = folder.absolute(), folder.resolve().name
        self._newest, self._pool, self._active_rows, self._sizes = newest, pool, active_rows, sizes
        self.served: dict[int, ServedVersion] = {}
        self.statuses: dict[int, Status] = {}
        self._failed: dict[int, object] = {}  # version that could not be loaded -> fingerprint of its files
        self._dropping: list[threading.Thread] = []
        self._refresh_lock, self._changed = threading.Lock(), threading.Condition()

    def get(self, version: int | None = None) -> ServedVersion:
        """A version; None: the newest.

        Raises:
            NotFoundError: It is not served.
            UnavailableError: No version is served yet.
        """
        served = self.served
        if not served:
            raise UnavailableError("no version is served yet", {"Retry-After": "5"})
        if version is None:
            return served[max(served)]
        if version not in served:
            known = ", ".join(map(str, served))
            raise NotFoundError(f"version must be one that is served: {known}. Received: version={version}")
        return served[version]

    @contextlib.contextmanager
    def use(self, version: int | None = None) -> Iterator[ServedVersion]:
        """A version, which is not dropped before the `with` statement ends; raises the errors of `get`."""
        with self._changed:
            served = self.get(version)
            served.users += 1
        try:
            yield served
        finally:
            with self._changed:
                served.users -= 1
                self._changed.notify_all()

    def refresh(self, max_versions: int | None = None) -> None:
        """Loads the versions that are new in the folder, newest first, then drops those that are no longer wanted.

        With `max_versions` it stops when so many are served, and drops none.
        """
        with self._refresh_lock:
            found: list[int] = []
            with contextlib.suppress(OSError):  # the folder cannot be read, for example while it is replaced
                found = versions.versions(self.folder)
            wanted: list[int] = []
            for version in reversed(found):
                if len(wanted) in (self._newest, max_versions):
                    break
                if version in self.served or self._load(version):
                    wanted.append(version)
            if wanted and max_versions is None:  # otherwise the old ones stay, even if their folders were removed
                for version in set(self.served) - set(wanted):
                    self._drop(version)
            for version in set(self.statuses) - set(found) - set(self.served):
                self._set_status(version, None)

    def close(self) -> None:
        """Drops all versions and waits for the requests that use them."""
        with self._refresh_lock:
            for version in list(self.served):
                self._drop(version)
        for thread in self._dropping:
            thread.join()

    def _load(self, version: int) -> bool:
        """Loads a version, unless this failed before and its files are the same; returns whether it is served now."""
        folder = self.folder / str(version)
        fingerprint = _fingerprint(folder)
        if self._failed.get(version) == fingerprint:
            return False
        self._set_status(version, Status(LOADING))
        try:
            model = saved_model.load(folder)
            batches = PaddedBatches(model.program, self._sizes)
            grid = model.grid
            signatures = signatures_of(folder)
            with ThreadPoolExecutor(1 if self.served else 2, "compile") as compiling:  # leaves a core for drawing
                batches.prepare(compiling)
        except Exception as error:  # of any kind: the other versions are still served
            self._failed[version] = fingerprint
            code = "DATA_LOSS" if isinstance(error, DamagedModelError) else "INVALID_ARGUMENT"
            self._set_status(version, Status(END, code, self._client_message(error)))
            return False
        self._failed.pop(version, None)
        engine = Engine(batches, self._pool, self._active_rows, min(model.longest_piece, MAX_STEPS))
        with self._changed:
            added = {version: ServedVersion(version, model, engine, grid, signatures)}
            self.served = dict(sorted((self.served | added).items()))
        self._set_status(version, Status(AVAILABLE))
        return True

    def _drop(self, version: int) -> None:
        """Stops serving a version; the pieces that were requested from it are still completed, on another thread."""
        self._set_status(version, Status(UNLOADING))
        with self._changed:
            dropped = self.served[version]
            self.served = {number: served for number, served in self.served.items() if number != version}

        def end() -> None:
            with self._changed:
                self._changed.wait_for(lambda: not dropped.users)
            dropped.engine.close()
            if self.statuses.get(version) == Status(UNLOADING):
                self._set_status(version, Status(END))

        thread = threading.Thread(target=end, name=f"drop {version}")
        thread.start()
        self._dropping = [one for one in self._dropping if one.is_alive()] + [thread]

    def _set_status(self, version: int, status: Status | None) -> None:
        """Changes the status of a version; None removes it."""
        with self._changed:
            others = {number: one for number, one in self.statuses.items() if number != version}
            changed = others if status is None else others | {version: status}
            self.statuses = dict(sorted(changed.items(), reverse=True))

    def _client_message(self, error: Exception) -> str:
        """The text of an error without paths of this machine."""
        message = describe(error).replace(str(self.folder.resolve()), self.name)
        return message.replace(str(self.folder), self.name)


def signatures_of(folder: Path) -> dict[str, SignatureDef]:
    """The signatures of a SavedModel, without those for internal use by Keras."""
    saved = SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    return {name: made for name, made in saved.meta_graphs[0].signature_def.items() if not name.startswith("__")}


def _fingerprint(folder: Path) -> object:
    """Compares equal as long as no file in the folder of a version changes."""
    try:
        facts = [(str(path.relative_to(folder)), path.lstat()) for path in sorted(folder.rglob("*"))]
        return [(name, fact.st_size, fact.st_mtime_ns, fact.st_ino) for name, fact in facts]
    except OSError as error:
        return str(error)
