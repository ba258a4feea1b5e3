"""The settings of a study and the combinations that it compares. Needs no framework and no numpy."""

import dataclasses

from pianoroll_tf.choices import CHOICES
from pianoroll_tf.config import DatasetConfig, ModelConfig, OptimizerConfig, TrainingConfig
from pianoroll_tf.settings import Settings, setting

RAW, ZERO_BIAS = "raw", "zero-bias"  # ablations
TUNING, RUNS = "tuning", "runs"  # folders of the two stages


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudyConfig(Settings):
    """The settings of a study itself."""

    losses: tuple[str, ...] = setting(tuple(CHOICES["loss"]), "losses to compare")
    optimizers: tuple[str, ...] = setting(tuple(CHOICES["optimizer"]), "optimizers to compare")
    ablations: bool = setting(
        False, "also: losses without posterior correction; an output bias that starts at 0 (with the first optimizer)"
    )
    seeds: int = setting(5, "runs per combination, with its best settings", minimum=1, maximum=1000)
    tuning_runs: int = setting(4, "runs per combination to find these settings", minimum=1, maximum=1000)
    tuning_epochs: int | None = setting(None, "epochs of a tuning run; default: those of a run", minimum=1)
    lowest_rate: float = setting(5e-4, "lowest learning rate of the tuning runs", above=0.0, maximum=10.0)
    highest_rate: float = setting(8e-3, "highest learning rate of the tuning runs", above=0.0, maximum=10.0)
    epochs: int = setting(TrainingConfig.epochs, "maximum epochs of a run, at which the schedule ends", minimum=1)
    steps_per_epoch: int | None = setting(
        None, "batches per epoch; default: one pass over the training split", minimum=1
    )
    patience: int = setting(
        TrainingConfig.patience, "epochs without a better validation NLL before a run stops; 0: never", minimum=0
    )
    clip_norm: float = setting(
        OptimizerConfig.clip_norm, "global norm gradients are clipped to; 0: not clipped", minimum=0.0
    )
    schedule: str = setting(OptimizerConfig.schedule, "learning rate over a run", choices=CHOICES["schedule"])
    warmup_steps: int = setting(OptimizerConfig.warmup_steps, "steps of the rise of the learning rate", minimum=0)
    precision: str = setting("float32", "arithmetic of the layers", choices=("float32", "bfloat16"))
    pieces: int = setting(
        100, "pieces each combination generates, shared out among its seeds", minimum=1, maximum=100_000
    )
    piece_steps: int = setting(512, "steps of a piece", minimum=16, maximum=65536)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("losses", "optimizers"):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise ValueError(f"{name} must be one or more, each once. Received: {name}={' '.join(values)!r}")
        if self.lowest_rate > self.highest_rate:
            rates = f"lowest_rate={self.lowest_rate}, highest_rate={self.highest_rate}"
            raise ValueError(f"lowest_rate must be at most highest_rate. Received: {rates}")
        if self.pieces < self.seeds:
            raise ValueError(f"pieces must be at least seeds. Received: pieces={self.pieces}, seeds={self.seeds}")

    def pieces_of(self, seed: int) -> int:
        """Pieces that the run of a seed generates; together the seeds have `pieces`."""
        return (self.pieces - seed - 1) // self.seeds + 1


# The defaults of the founding study: independent cells of a plain roll, no regularization but dropout
DATASET = DatasetConfig(batch_size=64, transpose=0)
MODEL = ModelConfig(head="independent", articulation=False, clock=False, input_noise=0.0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class AllSettings(Settings):
    """All settings of a study, as study.json holds them."""

    study: StudyConfig = StudyConfig()
    dataset: DatasetConfig = DATASET
    model: ModelConfig = MODEL


@dataclasses.dataclass(frozen=True)
class Combination:
    """What is compared: a loss with an optimizer, or an ablation of them, `RAW` or `ZERO_BIAS`."""

    loss: str
    optimizer: str
    ablation: str = ""

    @property
    def parent(self) -> str:
        """Name of the combination whose settings it has: its own name unless it is an ablation."""
        return f"{self.loss}-{self.optimizer}"

    @property
    def name(self) -> str:
        """The name of its folders: "focal-adam", "focal-adam-raw"."""
        return self.parent + (f"-{self.ablation}" if self.ablation else "")
