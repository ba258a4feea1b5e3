"""Train a polyphonic music model on your own MIDI files and generate music with it.

The classes and functions that a program or a notebook needs are here and are imported on first use; so are NumPy and
TensorFlow, whose log is discarded.

    import pianoroll_tf as pr

    records = pr.Records.build("my_midi", "tfrecords/mine")
    run = pr.Run.train(records, "runs/mine", epochs=20)
    model = run.export("saved_models/mine")
    model.generate(seconds=30).save("piece.mid")
"""

import importlib
import os
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# By default, TensorFlow uses oneDNN's matrix products only on CPUs with AVX-512. They are faster on other CPUs as well:
# a small product runs on one core instead of being divided over all. They round differently, so the variable is set
# here, before TensorFlow is imported; in a program that imports TensorFlow first, it has no effect.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

if TYPE_CHECKING:  # for type checkers and editors, which do not call `__getattr__`
    from pianoroll_tf.config import DatasetConfig as DatasetConfig
    from pianoroll_tf.config import LossConfig as LossConfig
    from pianoroll_tf.config import ModelConfig as ModelConfig
    from pianoroll_tf.config import OptimizerConfig as OptimizerConfig
    from pianoroll_tf.config import RecordsConfig as RecordsConfig
    from pianoroll_tf.config import RunConfig as RunConfig
    from pianoroll_tf.config import SamplingConfig as SamplingConfig
    from pianoroll_tf.config import TrainingConfig as TrainingConfig
    from pianoroll_tf.data.clock import Meter as Meter
    from pianoroll_tf.data.loading import Corpus as Corpus
    from pianoroll_tf.errors import UserError as UserError
    from pianoroll_tf.library.exported import ExportedModel as ExportedModel
    from pianoroll_tf.library.exported import load as load
    from pianoroll_tf.library.piece import Piece as Piece
    from pianoroll_tf.library.records import Records as Records
    from pianoroll_tf.library.run import Run as Run
    from pianoroll_tf.modeling.heads import register_head as register_head
    from pianoroll_tf.modeling.losses import register_loss as register_loss
    from pianoroll_tf.modeling.network import build_model as build_model
    from pianoroll_tf.modeling.optimizers import register_optimizer as register_optimizer
    from pianoroll_tf.settings import Settings as Settings
    from pianoroll_tf.settings import setting as setting

_CONFIGS = ("Dataset", "Loss", "Model", "Optimizer", "Records", "Run", "Sampling", "Training")
# Public name → the module that defines it
_PUBLIC = {
    **{f"{name}Config": "config" for name in _CONFIGS},
    "Corpus": "data.loading",
    "ExportedModel": "library.exported",
    "Meter": "data.clock",
    "Piece": "library.piece",
    "Records": "library.records",
    "Run": "library.run",
    "Settings": "settings",
    "UserError": "errors",
    "build_model": "modeling.network",
    "load": "library.exported",
    "register_head": "modeling.heads",
    "register_loss": "modeling.losses",
    "register_optimizer": "modeling.optimizers",
    "setting": "settings",
}


def __getattr__(name: str) -> Any:
    """Imports a public name on its first use (PEP 562)."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = _PUBLIC[name]
    if module.startswith("modeling") or name == "Corpus":
        from pianoroll_tf.tensorflow_startup import import_tensorflow

        import_tensorflow()
    value = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """All names, those that are not imported yet too."""
    return sorted({*globals(), *_PUBLIC})
