"""Exports the best model of a run folder, with what its calibration and its baselines say about it."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pianoroll_tf.generation import archive
from pianoroll_tf.modeling.baselines import copying_nll
from pianoroll_tf.modeling.run import load_run
from pianoroll_tf.modeling.run_folder import CALIBRATION, best_path
from pianoroll_tf.storage.arrays import read_arrays


@dataclasses.dataclass(frozen=True)
class RunExport:
    """What `export_run` did.

    Attributes:
        version: Folder of the version.
        is_new: False if the latest version held the run already.
        density: Share of active cells in the training data; 0: not known.
        worse_than_copying: Whether the model predicts worse than copying the last step.
    """

    version: Path
    is_new: bool
    density: float
    worse_than_copying: bool


def export_run(
    run_dir: Path, folder: Path, on_calibration: Callable[[], None] = lambda: None, **calibration: Any
) -> RunExport:
    """Exports a run as the next version in `folder`, unless the latest one holds it already.

    Args:
        run_dir: Folder of the run.
        folder: `saved_models/NAME`.
        on_calibration: Called before the calibration, which may take a minute; not if an earlier one is used.
        **calibration: Settings of `calibrate` that are not the defaults.

    Raises:
        UserError: The run has no trained model, or is damaged.
        OSError: The folder cannot be written; nothing new remains in it.
    """
    config, model = load_run(run_dir)
    if config.data.density and not (run_dir / CALIBRATION).exists():
        on_calibration()
    copying, (_, best) = copying_nll(config), read_arrays(best_path(run_dir))
    worse = copying is not None and best.get("val_nll", 0.0) > copying
    facts, cache = {"worse_than_copying": worse}, run_dir / CALIBRATION
    version, is_new = archive.export(model, config, folder, facts, cache, **calibration)
    return RunExport(version, is_new, config.data.density, worse)
