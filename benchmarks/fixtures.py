"""Fixtures of the benchmarks: records, exported models, scratch folders; created on first use."""

import dataclasses
import functools
import sys
from pathlib import Path

from benchmarks.harness import run_python

COPIES = 100
QUICK_COPIES = 3


@dataclasses.dataclass(frozen=True)
class Fixtures:
    """Paths of the fixtures.

    Attributes:
        data: Folder of the data sets.
        scratch: Folder that the caller removes at the end.
        quick: Whether to measure each variant only once, with smaller sizes.
    """

    data: Path
    scratch: Path
    quick: bool = False

    def repeats(self, default: int) -> int:
        """Measurements per variant."""
        return 1 if self.quick else default

    @property
    def midi(self) -> str:
        """The folder of the 295 classical MIDI files."""
        return str(self.data / "classical-piano-midi")

    def folder(self, name: str) -> str:
        """Creates a folder in the scratch folder."""
        path = self.scratch / name
        path.mkdir()
        return str(path)

    @functools.cached_property
    def records(self) -> str:
        """The folder of the records of the classical files."""
        path = self.scratch / "records"
        run_python("-m", "pianoroll_tf.build_records", self.midi, str(path))
        return str(path)

    @functools.cached_property
    def copied_records(self) -> str:
        """Records of the training split `COPIES` times, each copy changed a little."""
        from benchmarks.stream import write_copies

        path = Path(self.folder("copied_records"))
        write_copies(Path(self.records), path, QUICK_COPIES if self.quick else COPIES)
        return str(path)

    @functools.cached_property
    def model(self) -> str:
        """An exported model of default size with random weights, on which its speed does not depend."""
        return self._export("nade")

    @functools.cached_property
    def independent_model(self) -> str:
        """The same with the independent head."""
        return self._export("independent")

    def _export(self, head: str) -> str:
        path = self.scratch / f"saved_model_{head}"
        run_python("-m", "benchmarks.fixtures", self.records, str(path), head)
        return str(path)


def export_untrained(records: str, folder: str, head: str = "nade") -> None:
    """Exports the default model, untrained, with the facts of these records and a short calibration."""
    from pianoroll_tf.config import ModelConfig, RunConfig
    from pianoroll_tf.generation.archive import export
    from pianoroll_tf.modeling.run import run_model
    from pianoroll_tf.modeling.run_folder import data_facts

    made, data = data_facts(records)
    config = RunConfig(records=made, data=data, model=ModelConfig(head=head))
    export(run_model(config), config, Path(folder), rows=16, window_steps=64)


if __name__ == "__main__":
    export_untrained(*sys.argv[1:])
