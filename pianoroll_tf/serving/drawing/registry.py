"""The versions of a model that are served: found in its folder, loaded beside those that serve, swapped, dropped."""

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
from pianoroll_tf.serving.drawing.padded_batches import Tiles
from pianoroll_tf.serving.refusals import Refusal

MOST_STEPS = 65536  # of a piece that the model ends, if it does not
LOADING, AVAILABLE, UNLOADING, END = "LOADING", "AVAILABLE", "UNLOADING", "END"


class Users:
    """Counts requests, for who waits until there are none."""

    def __init__(self) -> None:
        self._count, self._changed = 0, threading.Condition()

    def add(self, number: int) -> None:
        """One more, or one less."""
        with self._changed:
            self._count += number
            self._changed.notify_all()

    def wait(self) -> None:
        """Returns when there are none."""
        with self._changed:
            self._changed.wait_for(lambda: not self._count)


@dataclasses.dataclass(frozen=True, eq=False)
class Served:
    """A version that answers requests.

    Attributes:
        version: Its number.
        model: As it was loaded.
        engine: Draws with it.
        grid: How the model's training files were sampled.
        signatures: What it can be asked.
        users: Requests that are answered with it.
    """

    version: int
    model: MusicModel
    engine: Engine
    grid: RecordsConfig
    signatures: Mapping[str, SignatureDef]
    users: Users = dataclasses.field(default_factory=Users)

    @property
    def steps_per_second(self) -> int | None:
        """Steps a second; none for a grid of beats."""
        return self.grid.steps_per_second if self.grid.grid == "seconds" else None


@dataclasses.dataclass(frozen=True)
class Status:
    """What is said of a version.

    Attributes:
        state: As TensorFlow Serving names them.
        code: Name of the error; "OK" if there is none.
        message: Of the error.
    """

    state: str
    code: str = "OK"
    message: str = ""


class Registry:
    """The served versions of one model; its folder is looked at again by `refresh`.

    Args:
        folder: `saved_models/NAME`.
        newest: Versions that are served at once.
        pool: Threads that draw.
        active_rows: As of `Engine`.
        sizes: As of `Tiles`.
    """

    def __init__(self, folder: Path, newest: int, pool: Executor, active_rows: int, sizes: tuple[int, ...]) -> None:
        self.folder, self.name = folder.absolute(), folder.resolve().name
        self._newest, self._pool, self._active_rows, self._sizes = newest, pool, active_rows, sizes
        self._served: dict[int, Served] = {}
        self._statuses: dict[int, Status] = {}
        self._bad: dict[int, object] = {}  # what a bad version looked like when it was tried
        self._dropping: list[threading.Thread] = []
        self._refreshing, self._changing = threading.Lock(), threading.Lock()

    @property
    def served(self) -> dict[int, Served]:
        """The versions that answer requests, ascending."""
        return dict(sorted(self._served.items()))

    @property
    def statuses(self) -> dict[int, Status]:
        """Of all versions known, newest first, as TensorFlow Serving has them."""
        return dict(sorted(self._statuses.items(), reverse=True))

    def get(self, version: int | None = None) -> Served:
        """A version, or the newest.

        Raises:
            Refusal: 404 if it is not served; 503 if none is yet.
        """
        served = self._served
        if not served:
            raise Refusal(503, "no version is served yet", {"Retry-After": "5"})
        if version is None:
            return served[max(served)]
        if version not in served:
            known = ", ".join(map(str, sorted(served)))
            raise Refusal(404, f"version must be one that is served: {known}. Received: version={version}")
        return served[version]

    @contextlib.contextmanager
    def use(self, version: int | None = None) -> Iterator[Served]:
        """A version, which is not dropped within it.

        Raises:
            Refusal: As `get`.
        """
        with self._changing:
            served = self.get(version)
            served.users.add(1)
        try:
            yield served
        finally:
            served.users.add(-1)

    def refresh(self, most: int | None = None) -> None:
        """Looks at the folder once: loads what is new, newest first, then drops what is no longer wanted.

        Args:
            most: Versions to load at most.
        """
        with self._refreshing:
            found = self._found()
            wanted: list[int] = []
            for version in reversed(found):
                if len(wanted) == self._newest or len(wanted) == most:
                    break
                if version in self._served or self._load(version):
                    wanted.append(version)
            if wanted and most is None:  # else the old ones go on, though their folders have gone
                for version in set(self._served) - set(wanted):
                    self._drop(version)
            for version in set(self._statuses) - set(found) - set(self._served):
                self._say(version, None)

    def close(self) -> None:
        """Drops all versions and waits for what is asked of them."""
        with self._refreshing:
            for version in list(self._served):
                self._drop(version)
        for thread in self._dropping:
            thread.join()

    def _found(self) -> list[int]:
        """The versions in the folder; none if it cannot be looked at, as while it is replaced."""
        try:
            return versions.versions(self.folder) if self.folder.is_dir() else []
        except OSError:
            return []

    def _load(self, version: int) -> bool:
        """Loads a version, unless that failed and it has not changed; whether it serves now."""
        folder = self.folder / str(version)
        looks = _looks(folder)
        if self._bad.get(version) == looks:
            return False
        self._say(version, Status(LOADING))
        try:
            model = saved_model.load(folder)
            tiles = Tiles(model.program, self._sizes)
            grid = model.grid
            signatures = signatures_of(folder)
            with ThreadPoolExecutor(1 if self._served else 2, "compile") as compiling:  # others are drawn meanwhile
                tiles.prepare(compiling)
        except Exception as error:  # whatever TensorFlow finds wrong with it: the others go on
            self._bad[version] = looks
            code = "DATA_LOSS" if isinstance(error, DamagedModelError) else "INVALID_ARGUMENT"
            self._say(version, Status(END, code, self._told(error)))
            return False
        self._bad.pop(version, None)
        engine = Engine(tiles, self._pool, self._active_rows, min(model.longest_piece, MOST_STEPS))
        with self._changing:
            self._served = self._served | {version: Served(version, model, engine, grid, signatures)}
        self._say(version, Status(AVAILABLE))
        return True

    def _drop(self, version: int) -> None:
        """Takes a version away; what it is asked for already is drawn to its end, beside all else."""
        self._say(version, Status(UNLOADING))
        with self._changing:
            dropped = self._served[version]
            self._served = {number: served for number, served in self._served.items() if number != version}

        def end() -> None:
            dropped.users.wait()
            dropped.engine.close()
            if self._statuses.get(version) == Status(UNLOADING):
                self._say(version, Status(END))

        thread = threading.Thread(target=end, name=f"drop {version}")
        thread.start()
        self._dropping = [one for one in self._dropping if one.is_alive()] + [thread]

    def _say(self, version: int, status: Status | None) -> None:
        """Changes what is said of a version; who reads it has one whole table."""
        with self._changing:
            others = {number: one for number, one in self._statuses.items() if number != version}
            self._statuses = others if status is None else others | {version: status}

    def _told(self, error: Exception) -> str:
        """What clients are told of a bad version: no path of this machine."""
        told = describe(error)
        for folder in (self.folder.resolve(), self.folder):
            told = told.replace(str(folder), self.name)
        return told


def signatures_of(folder: Path) -> dict[str, SignatureDef]:
    """The signatures of a SavedModel, without those that only Keras uses."""
    saved = SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    return {name: made for name, made in saved.meta_graphs[0].signature_def.items() if not name.startswith("__")}


def _looks(folder: Path) -> object:
    """What changes when something in a version's folder does."""
    try:
        facts = [(str(path.relative_to(folder)), path.lstat()) for path in sorted(folder.rglob("*"))]
        return [(name, fact.st_size, fact.st_mtime_ns, fact.st_ino) for name, fact in facts]
    except OSError as error:
        return str(error)
