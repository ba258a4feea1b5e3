"""A run as an object: trained, evaluated, exported."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pianoroll_tf import cli
from pianoroll_tf.config import RunConfig
from pianoroll_tf.library.exported import ExportedModel
from pianoroll_tf.library.keywords import run_sections
from pianoroll_tf.library.records import Records
from pianoroll_tf.modeling import evaluation_folder, run_folder, warm_start
from pianoroll_tf.storage.arrays import read_arrays
from pianoroll_tf.storage.tables import read_csv
from pianoroll_tf.tensorflow_startup import import_tensorflow

if TYPE_CHECKING:
    import keras


class Run:
    """The folder of a run.

    Attributes:
        folder: The folder.
        config: All settings, a `RunConfig`.

    Args:
        folder: The folder, as `train` or the command of that name made it.

    Raises:
        UserError: It is no run, or its settings are damaged.
    """

    def __init__(self, folder: str | os.PathLike) -> None:
        self.folder = Path(folder)
        self.config: RunConfig = run_folder.load_config(self.folder)

    @classmethod
    def train(
        cls,
        records: Records | str | os.PathLike,
        folder: str | os.PathLike,
        *,
        callbacks: "Sequence[keras.callbacks.Callback]" = (),
        init: "Run | str | os.PathLike | None" = None,
        quiet: bool = True,
        **settings: Any,
    ) -> "Run":
        """Trains a model on records; resumes a training that was stopped, and leaves a finished one alone.

        Args:
            records: The records, or their folder.
            folder: Folder of the run, created if it does not exist.
            callbacks: Own callbacks of Keras, called at the ends of epochs after validation: `logs` has `val_nll`.
            init: A run, or its folder, from whose best weights a new run starts, with a fresh optimizer (warm start);
                settings of the model that are not given are those of that run. None: random weights.
            quiet: Whether to show no progress.
            **settings: Those that differ from the defaults, named as the flags of the command `train` with underscores:
                `epochs=3, loss="focal", gamma=2.0, gru_units=32`.

        Raises:
            ValueError: There is no such setting, or a value is not allowed; raised before anything is created.
            UserError: The folder holds a run with other settings or is in use, a split is empty, or the loss is not
                finite.

        Returns:
            The finished run.
        """
        origin = init.folder if isinstance(init, Run) else None if init is None else Path(init)
        sections: dict[str, Any] = run_sections(settings, warm_start.model_settings(Path(folder), origin))
        path = records.folder if isinstance(records, Records) else Path(records)
        grid, data = run_folder.data_facts(path)
        config = RunConfig(records=grid, data=data, **sections)
        import_tensorflow()
        from pianoroll_tf.modeling import training

        with contextlib.nullcontext() if quiet else cli.shown_log():
            training.train(config, Path(folder), extra_callbacks=callbacks, quiet=quiet, init=origin)
        return cls(folder)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    @property
    def history(self) -> list[dict[str, Any]]:
        """One row per epoch, `epoch`, `loss`, `val_nll` and others: `pandas.DataFrame(run.history)` is its table."""
        path = self.folder / run_folder.HISTORY
        return read_csv(path) if path.exists() else []

    @property
    def best(self) -> dict[str, Any]:
        """The best epoch, counted from 1, and its `val_nll`, nats per step; UserError if no epoch has ended."""
        return read_arrays(run_folder.best_path(self.folder))[1]

    def model(self) -> "keras.Model":
        """The network with the best weights, float32; UserError if no epoch has ended yet."""
        import_tensorflow()
        from pianoroll_tf.modeling.run import load_model

        return load_model(self.folder, self.config)

    def evaluate(self, split: str = "test", records: Records | str | os.PathLike | None = None) -> dict[str, float]:
        """Judges the model on a split.

        Args:
            split: "train", "val" or "test".
            records: Other records, or their folder; None: those of the training.

        Returns:
            The numbers of the command `evaluate`: `nll` (nats per step), `pr_auc`, `f1`, `onset_f1`, `ece` and others.

        Raises:
            UserError: The split is empty, or the records are missing or have changed.
        """
        return self.compare(split, records)["model"]

    def compare(
        self, split: str = "test", records: Records | str | os.PathLike | None = None
    ) -> dict[str, dict[str, float]]:
        """Judges the model and the baselines on a split; see `evaluate`.

        Returns:
            The numbers of "model", "copy_last_step" and "note_frequency"; `pandas.DataFrame` makes a table of them.
        """
        given = records.folder if isinstance(records, Records) else records
        path = evaluation_folder.find_records(self.config, None if given is None else Path(given))
        subject = evaluation_folder.identity(self.folder, self.config, path)
        folder = self.folder / run_folder.EVALUATION
        results = evaluation_folder.read_results(folder, split, subject)
        if results is None:
            model = self.model()
            from pianoroll_tf.modeling import judging

            results, sums = judging.judge(self.config, model, path, split)
            picture = judging.picture(self.folder.name, results, sums)
            evaluation_folder.write_results(folder, split, results | {"subject": subject}, picture)
        return {name: results[name] for name in evaluation_folder.LABELS}

    def export(self, folder: str | os.PathLike, **calibration: Any) -> ExportedModel:
        """Exports the best model as the next version in `folder`, unless the latest one holds it already.

        The first export generates music and adjusts density and lengths of notes to the training data, in a minute or
        two.

        Args:
            folder: `saved_models/NAME`.
            **calibration: `rows=64`, pieces that are generated for each measurement, and `window_steps=256`, half their
                length: less is faster and less exact. `with_shaping=False`: the numbers of notes and onsets are not
                kept at temperatures other than 1.

        Returns:
            The exported model, loaded.

        Raises:
            UserError: No epoch has ended yet.
            OSError: The folder cannot be written.
        """
        import_tensorflow()
        from pianoroll_tf.generation.run_export import export_run

        return ExportedModel(export_run(self.folder, Path(folder), **calibration).version)
