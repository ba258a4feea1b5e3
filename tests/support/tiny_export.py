"""A tiny untrained model and its export, for the tests of generation; also run as a program:

python tests/support/tiny_export.py FOLDER.
"""

import contextlib
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

from pianoroll_tf.config import DataFacts, LossConfig, ModelConfig, RunConfig

DENSITY = 0.05


def tiny_config(loss: str = "bce") -> RunConfig:
    """Settings of a run that does not exist."""
    return RunConfig(
        data=DataFacts(density=DENSITY, pitch_frequency=(DENSITY,) * 84, longest_piece=300),
        model=ModelConfig(conv_filters=4, conv_kernel=3, gru_units=8, head_units=4),
        loss=LossConfig(loss=loss),
    )


def tiny_model(config: RunConfig, seed: int = 1):
    """Its network, with random weights."""
    from pianoroll_tf.modeling.network import build_model, start_bias
    from pianoroll_tf.modeling.run import steps_per_beat

    bias = start_bias(config.data.pitch_frequency, config.model.articulation)
    return build_model(config.model, bias, steps_per_beat(config), seed=seed)


def not_measured(*_, **__):
    """Replaces `calibrate` in tests that generate no music."""
    from pianoroll_tf.generation.calibration.calibrate import Calibration
    from pianoroll_tf.generation.sampling_options import Shaping

    return Calibration(0.0, 0.0, False, DENSITY, DENSITY, 0.1, 1.0, Shaping())


def export_tiny(folder: Path, loss: str = "bce", seed: int = 1) -> tuple[Path, bool]:
    """Exports it with a short calibration; returns what `archive.export` returns."""
    from pianoroll_tf.generation.archive import export

    config = tiny_config(loss)
    return export(tiny_model(config, seed), config, folder, rows=16, window_steps=64)


@contextlib.contextmanager
def limited_files(limit: int) -> Iterator[None]:
    """Limits the size of files to `limit` bytes: larger writes fail with "File too large"."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


if __name__ == "__main__":
    print(export_tiny(Path(sys.argv[1])))
