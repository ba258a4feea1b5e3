"""Every setting of the package, written once, with its help, its limits and its default."""

import dataclasses

from pianoroll_tf.settings import Settings, setting

LOWEST_PITCH = 24  # MIDI number of the first column of a roll, C1
HIGHEST_PITCH = 107  # MIDI number of the last column, B7
NUM_PITCHES = HIGHEST_PITCH - LOWEST_PITCH + 1  # 84
GRIDS = ("beats", "seconds")
MAX_STEPS = 1_000_000  # of one generated piece: 35 hours at 8 steps a second, 84 MB
MAX_SEED = 2**63 - 1 - 2**32  # piece i of several is drawn with seed + i


@dataclasses.dataclass(frozen=True, kw_only=True)
class RecordsConfig(Settings):
    """How MIDI files become records; part of the manifest, so that records are never mixed."""

    grid: str = setting(
        "auto", "what a step measures; auto: beats where the files' beats carry a metre", choices=("auto", *GRIDS)
    )
    steps_per_second: int = setting(8, "steps a second, for --grid seconds", minimum=1, maximum=100)
    steps_per_beat: int = setting(4, "steps a quarter note, for --grid beats", minimum=1, maximum=96)
    parser: str = setting("symusic", "library that reads the files", choices=("symusic", "pretty_midi"))
    drums: bool = setting(False, "keep the drum channel")
    pedal: bool = setting(False, "hold notes while the sustain pedal (controller 64) is down")
    include: str | None = setting(None, "case-sensitive glob on file names; default: .mid and .midi in any case")
    val: float = setting(0.1, "share of the pieces for validation", minimum=0.0, below=1.0)
    test: float = setting(0.1, "share of the pieces for the test", minimum=0.0, below=1.0)
    shards: int = setting(4, "files a split is spread over, at most one a piece", minimum=1, maximum=99999)
    limit: int | None = setting(None, "read only the first so many files (by name)", minimum=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.val + self.test >= 1:
            raise ValueError(f"val + test must be < 1. Received: val={self.val}, test={self.test}")

    @property
    def steps_per_unit(self) -> int:
        """Steps a second, or a quarter note, as the grid says."""
        return self.steps_per_second if self.grid == "seconds" else self.steps_per_beat

    def rate(self, tempo: float) -> float:
        """Steps per second; on the grid of beats at a tempo in quarter notes per minute.

        >>> RecordsConfig(grid="beats").rate(120.0), RecordsConfig(grid="seconds").rate(120.0)
        (8.0, 8)
        """
        return self.steps_per_second if self.grid == "seconds" else self.steps_per_beat * tempo / 60


@dataclasses.dataclass(frozen=True, kw_only=True)
class DatasetConfig(Settings):
    """How records become batches."""

    window_steps: int = setting(128, "T, the steps of a training window", minimum=1, maximum=65536)
    batch_size: int | None = setting(
        None, "windows per training batch; default: 4 to 64, by the number of windows", minimum=1, maximum=65536
    )
    transpose: int = setting(5, "transpose training windows by up to so many semitones", minimum=0, maximum=11)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelConfig(Settings):
    """Sizes of the network: causal Conv1D → GRU → head."""

    conv_layers: int = setting(1, "causal convolutions before the GRU", minimum=0, maximum=8)
    conv_filters: int = setting(128, "channels of a convolution", minimum=1, maximum=4096)
    conv_kernel: int = setting(5, "steps a convolution sees", minimum=1, maximum=64)
    gru_layers: int = setting(1, "recurrent layers", minimum=1, maximum=8)
    gru_units: int = setting(256, "units of a recurrent layer", minimum=1, maximum=8192)
    head: str = setting("nade", "what decides the cells of a step, entry of the table: independent, nade")
    head_units: int = setting(64, "hidden units of the nade head", minimum=1, maximum=1024)
    articulation: bool = setting(True, "tell a struck note from a held one; no: the plain roll of the founding study")
    clock: bool = setting(True, "read each step's place in beat and bar, on a grid of beats")
    dropout: float = setting(0.1, "share of units dropped after each layer in training", minimum=0.0, below=1.0)
    input_dropout: float = setting(0.0, "share of input cells dropped in training", minimum=0.0, below=1.0)
    input_noise: float = setting(
        0.05,
        "share of sounding input cells silenced in training, and about as many silent ones sounded",
        minimum=0.0,
        below=1.0,
    )
    recurrent: str = setting("gru", "entry of the table of recurrent layers: gru, keras_gru")
    prior_bias: bool = setting(True, "start the output bias at the log-odds of each pitch in the training split")


@dataclasses.dataclass(frozen=True, kw_only=True)
class LossConfig(Settings):
    """The training loss."""

    loss: str = setting("bce", "entry of the table of losses: bce, focal")
    gamma: float = setting(2.0, "focusing parameter of the focal loss", minimum=0.0, maximum=10.0)
    alpha: float | None = setting(
        None, "weight of sounding cells in the focal loss; none: no weights", above=0.0, below=1.0
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimizerConfig(Settings):
    """The optimizer and its learning rate over time."""

    optimizer: str = setting("adamw", "entry of the table of optimizers: adam, adamw, rmsprop")
    learning_rate: float = setting(4e-3, "peak learning rate", above=0.0, maximum=10.0)
    weight_decay: float = setting(
        0.01, "decoupled weight decay a step, times the learning rate", minimum=0.0, maximum=1.0
    )
    ema: float = setting(
        0.99, "momentum of the moving average of the weights that is judged and kept; 0: none", minimum=0.0, below=1.0
    )
    clip_norm: float = setting(1.0, "global norm gradients are clipped to; 0: not clipped", minimum=0.0)
    schedule: str = setting("cosine", "learning rate over the run, entry of the table: constant, cosine, linear")
    warmup_steps: int = setting(100, "steps over which the learning rate rises from 0", minimum=0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingConfig(Settings):
    """The training run."""

    epochs: int = setting(40, "epochs at most; the schedule ends here", minimum=1)
    steps_per_epoch: int | None = setting(
        None, "batches an epoch; default: one pass over the training split", minimum=1
    )
    objective: str = setting("nll", "what is best on validation: lowest NLL, highest PR-AUC", choices=("nll", "pr_auc"))
    patience: int = setting(8, "epochs without a better objective before stopping; 0: never", minimum=0)
    precision: str = setting(
        "float32", "arithmetic of the layers, where the machine has it", choices=("float32", "bfloat16")
    )
    seed: int = setting(0, "seed of weights, windows, transposition and dropout", minimum=0, maximum=2**31 - 1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SamplingConfig(Settings):
    """How notes are drawn from the model's probabilities."""

    temperature: float = setting(
        0.75, "below 1 safer, above 1 bolder; the number of notes and onsets stays", minimum=0.05, maximum=20.0
    )
    top_p: float = setting(
        1.0, "draw only the likeliest onsets, which hold this share of those expected", above=0.0, maximum=1.0
    )
    density: float = setting(1.0, "factor on the expected number of notes", minimum=0.05, maximum=20.0)
    seed: int = setting(0, "seed; the same seed gives the same music", minimum=0, maximum=MAX_SEED)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataFacts(Settings):
    """What a run must remember of its training split, so that it can be exported without the records."""

    path: str = setting("", "folder of the records")
    manifest_sha256: str = setting("", "sha256 of manifest.json")
    density: float = setting(0.0, "share of active cells in the training split", minimum=0.0, maximum=1.0)
    pitch_frequency: tuple[float, ...] = setting((), "share of steps in which each of the 84 pitches sounds")
    density_spread: float = setting(0.0, "standard deviation of a piece's density over its mean", minimum=0.0)
    longest_piece: int = setting(0, "steps of the longest training piece; 0: not known", minimum=0)
    tempo: float = setting(120.0, "median tempo of the training pieces, quarters per minute", above=0.0)
    meter: str = setting("4/4", "most frequent time signature of the training pieces")
    long_hold: int = setting(0, "steps that one held note in 1000 exceeds; 0: not known", minimum=0)
    rates: tuple[float, ...] = setting((), "transition probabilities of cells: onset, sustain, re-strike")
    onset_positions: tuple[float, ...] = setting((), "share of struck notes at each position in the beat")
    usual_onsets: tuple[float, ...] = setting(
        (), "95th percentile of the moving average of onsets at each position in the beat"
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunConfig(Settings):
    """All settings of a run: `config.json` of its folder."""

    records: RecordsConfig = RecordsConfig(grid="seconds")  # of a run: never "auto"
    data: DataFacts = DataFacts()
    dataset: DatasetConfig = DatasetConfig()
    model: ModelConfig = ModelConfig()
    loss: LossConfig = LossConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    training: TrainingConfig = TrainingConfig()
