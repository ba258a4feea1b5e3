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

    losses: tuple[str, ...] = setting(("bce", "focal"), "losses to compare")
    optimizers: tuple[str, ...] = setting(tuple(CHOICES["optimizer"]), "optimizers to compare")
    ablations: bool = setting(
        False, "also: losses without posterior correction; an output bias that starts at 0 (with the first optimizer)"
    )
    combinations: tuple[str, ...] = setting(
        (), "only these, as LOSS-OPTIMIZER, or LOSS-OPTIMIZER-zero-bias, tuned for itself; default: all"
    )
    seeds: int = setting(5, "runs per combination, with its best settings", minimum=1, maximum=1000)
    tuning_runs: int = setting(
        8,
        "runs per combination to find these settings; more for all of them while a best value is at an edge",
        minimum=1,
        maximum=1000,
    )
    most_tuning_runs: int = setting(40, "at most so many, even if a best value is at an edge", minimum=1, maximum=1000)
    tuning_epochs: int | None = setting(None, "epochs of a tuning run; default: those of a run", minimum=1)
    start_rate: float = setting(4e-3, "learning rate of the first tuning run", above=0.0, maximum=10.0)
    starts: tuple[str, ...] = setting(
        (), "other values of the first tuning run, as LOSS-OPTIMIZER:SETTING=VALUE; the nearest that tuning may try"
    )
    refine: bool = setting(
        True, "tuning tries values halfway between others once the best has worse ones on both sides"
    )
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
    schedule: str = setting("constant", "learning rate over a run", choices=CHOICES["schedule"])
    ema: float = setting(
        OptimizerConfig.ema,
        "momentum of the moving average of the weights that is judged; 0: none",
        minimum=0.0,
        below=1.0,
    )
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
        if self.most_tuning_runs < self.tuning_runs:
            runs = f"most_tuning_runs={self.most_tuning_runs}, tuning_runs={self.tuning_runs}"
            raise ValueError(f"most_tuning_runs must be at least tuning_runs. Received: {runs}")
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
    """What is compared: a loss with an optimizer, perhaps with a change, or an ablation.

    Attributes:
        ablation: `RAW` or `ZERO_BIAS`: it has the settings of the combination without it.
        change: `ZERO_BIAS`: it is tuned for itself.
    """

    loss: str
    optimizer: str
    ablation: str = ""
    change: str = ""

    @property
    def parent(self) -> str:
        """Name of the combination whose settings it has: its own name unless it is an ablation."""
        return f"{self.loss}-{self.optimizer}" + (f"-{self.change}" if self.change else "")

    @property
    def name(self) -> str:
        """The name of its folders: "focal-adam", "focal-adam-raw"."""
        return self.parent + (f"-{self.ablation}" if self.ablation else "")
