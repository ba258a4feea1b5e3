"""All settings, each defined once with its default, limits and help text."""

import dataclasses
from typing import Any

from pianoroll_tf.choices import (
    CHOICES,
    RESERVED,
    AdamWSettings,
    FocalSettings,
    NadeSettings,
    WeightedSettings,
    origins,
)
from pianoroll_tf.settings import Settings, from_dict, same_setting, setting, to_dict

LOWEST_PITCH = 24  # MIDI number of the first column of a roll, C1
HIGHEST_PITCH = 107  # MIDI number of the last column, B7
NUM_PITCHES = HIGHEST_PITCH - LOWEST_PITCH + 1  # 84
GRIDS = ("beats", "seconds")
MAX_STEPS = 1_000_000  # of one generated piece: 35 hours at 8 steps per second, 84 MB
MAX_SEED = 2**63 - 1 - 2**32  # piece i of several has seed + i


def _options(table: str, plural: str) -> dict[str, str]:
    """Metadata of `options`: the settings that only some entries of a table have, and that are no fields themselves."""
    text = f"setting that only some {plural} have; several times for several"
    return {"help": text, "flag": f"{table}_option", "table": table}


@dataclasses.dataclass(frozen=True, kw_only=True)
class RecordsConfig(Settings):
    """How MIDI files are converted to records; part of the manifest, so that records are never mixed."""

    grid: str = setting(
        "auto",
        "unit of steps; auto: beats if the files' beats carry a metre, else seconds",
        choices=("auto", *GRIDS),
    )
    steps_per_second: int = setting(8, "steps per second, for --grid seconds", minimum=1, maximum=100)
    steps_per_beat: int = setting(4, "steps per quarter note, for --grid beats", minimum=1, maximum=96)
    parser: str = setting("symusic", "library that reads the files", choices=("symusic", "pretty_midi"))
    drums: bool = setting(False, "keep the drum channel")
    pedal: bool = setting(False, "hold notes while the sustain pedal (controller 64) is down")
    include: str | None = setting(
        None, "case-sensitive glob on file names; default: .mid, .midi, .kar and .rmi in any case"
    )
    val: float = setting(0.1, "share of the pieces for validation", minimum=0.0, below=1.0)
    test: float = setting(0.1, "share of the pieces for testing", minimum=0.0, below=1.0)
    splits: str = setting(
        "auto",
        "auto: by folders named train, val, test if all files are in them, else music; music: by the music itself; "
        "folders; or a CSV file with the columns path and split",
    )
    shards: int = setting(4, "files per split; at most one per piece", minimum=1, maximum=99999)
    limit: int | None = setting(None, "number of files to read, the first by name; default: all", minimum=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.val + self.test >= 1:
            raise ValueError(f"val + test must be < 1. Received: val={self.val}, test={self.test}")

    @property
    def steps_per_unit(self) -> int:
        """Steps per second on the grid of seconds, per quarter note on the grid of beats."""
        return self.steps_per_second if self.grid == "seconds" else self.steps_per_beat

    def rate(self, tempo: float) -> float:
        """Steps per second at a tempo in quarter notes per minute.

        >>> RecordsConfig(grid="beats").rate(120.0), RecordsConfig(grid="seconds").rate(120.0)
        (8.0, 8)
        """
        return self.steps_per_second if self.grid == "seconds" else self.steps_per_beat * tempo / 60


@dataclasses.dataclass(frozen=True, kw_only=True)
class DatasetConfig(Settings):
    """How records are cut into batches."""

    window_steps: int = setting(128, "steps of a training window", minimum=1, maximum=65536)
    batch_size: int | None = setting(
        None, "windows per training batch; default: 4 to 64, by the number of windows", minimum=1, maximum=65536
    )
    transpose: int = setting(5, "maximum transposition of training windows, in semitones", minimum=0, maximum=11)
    stream: str = setting(
        "auto",
        "read pieces from disk while they are needed; auto: if they would take over a quarter of the free memory",
        choices=("auto", "yes", "no"),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelConfig(Settings):
    """Sizes of the network: causal Conv1D → GRU → head."""

    conv_layers: int = setting(1, "causal convolutions before the GRU", minimum=0, maximum=8)
    conv_filters: int = setting(128, "channels of a convolution", minimum=1, maximum=4096)
    conv_kernel: int = setting(5, "steps a convolution sees", minimum=1, maximum=64)
    gru_layers: int = setting(1, "recurrent layers", minimum=1, maximum=8)
    gru_units: int = setting(256, "units of a recurrent layer", minimum=1, maximum=8192)
    head: str = setting("nade", "what decides the cells of a step", choices=CHOICES["head"])
    head_units: int = same_setting(NadeSettings, "head_units")
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
    recurrent: str = setting("gru", "recurrent layer", choices=CHOICES["recurrent"])
    prior_bias: bool = setting(True, "start the output bias at the log-odds of each pitch in the training split")
    options: dict[str, Any] = dataclasses.field(default_factory=dict, hash=False, metadata=_options("head", "heads"))

    def __post_init__(self) -> None:
        super().__post_init__()
        _complete_options(self, "head")


def _complete_options(config: "ModelConfig | LossConfig | OptimizerConfig", name: str) -> None:
    """Checks the `options` of a section, whose table is `name`, and puts in the defaults of those that are missing."""
    key = getattr(config, name)
    kind = CHOICES[name][key].settings
    names = [field.name for field in dataclasses.fields(kind) if not hasattr(config, field.name)]
    if unknown := sorted(set(config.options) - set(names)):
        allowed = ", ".join(names) or "none"
        raise ValueError(f"an option of {name} {key} must be one of: {allowed}. Received: {', '.join(unknown)}")
    values = to_dict(from_dict(kind, config.options))
    object.__setattr__(config, "options", {option: values[option] for option in names})


@dataclasses.dataclass(frozen=True, kw_only=True)
class LossConfig(Settings):
    """The training loss."""

    loss: str = setting("bce", "training loss", choices=CHOICES["loss"])
    gamma: float = same_setting(FocalSettings, "gamma")
    alpha: float | None = same_setting(FocalSettings, "alpha")
    positive_weight: float = same_setting(WeightedSettings, "positive_weight")
    options: dict[str, Any] = dataclasses.field(default_factory=dict, hash=False, metadata=_options("loss", "losses"))

    def __post_init__(self) -> None:
        super().__post_init__()
        _complete_options(self, "loss")

    @property
    def arguments(self) -> dict[str, Any]:
        """The settings that only this loss has, as its functions take them."""
        fields = dataclasses.fields(CHOICES["loss"][self.loss].settings)
        return {field.name: (vars(self) | self.options)[field.name] for field in fields}

    @property
    def proper(self) -> bool:
        """Whether the optimal output is the probability itself."""
        return CHOICES["loss"][self.loss].proper


@dataclasses.dataclass(frozen=True, kw_only=True)
class OptimizerConfig(Settings):
    """The optimizer and its learning rate over time."""

    optimizer: str = setting("adamw", "optimizer", choices=CHOICES["optimizer"])
    learning_rate: float = setting(4e-3, "peak learning rate", above=0.0, maximum=10.0)
    weight_decay: float = same_setting(AdamWSettings, "weight_decay")
    ema: float = setting(
        0.99, "momentum of the moving average of the weights that is judged and kept; 0: none", minimum=0.0, below=1.0
    )
    clip_norm: float = setting(1.0, "global norm gradients are clipped to; 0: not clipped", minimum=0.0)
    schedule: str = setting("cosine", "learning rate over the run", choices=CHOICES["schedule"])
    warmup_steps: int = setting(100, "steps over which the learning rate rises from 0", minimum=0)
    options: dict[str, Any] = dataclasses.field(
        default_factory=dict, hash=False, metadata=_options("optimizer", "optimizers")
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        _complete_options(self, "optimizer")


def as_fields(cls: type[Settings], values: dict[str, Any]) -> dict[str, Any]:
    """Values of settings as arguments of a section; those that are no fields become its `options`, if it has them.

    >>> as_fields(LossConfig, {"loss": "focal", "gamma": 1.0, "margin": 2.0})
    {'loss': 'focal', 'gamma': 1.0, 'options': {'margin': 2.0}}
    """
    names = {field.name for field in dataclasses.fields(cls)}
    if "options" not in names:
        return values
    options = {name: value for name, value in values.items() if name not in names}
    return {name: value for name, value in values.items() if name in names} | {"options": options}


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingConfig(Settings):
    """The training run."""

    epochs: int = setting(40, "epochs at most; the schedule ends here", minimum=1)
    steps_per_epoch: int | None = setting(
        None, "batches per epoch; default: one pass over the training split", minimum=1
    )
    objective: str = setting("nll", "what is best on validation: lowest NLL, highest PR-AUC", choices=("nll", "pr_auc"))
    patience: int = setting(8, "epochs without a better objective before stopping; 0: never", minimum=0)
    precision: str = setting(
        "auto",
        "arithmetic of the layers; auto: bfloat16 where the machine has instructions for it",
        choices=("auto", "float32", "bfloat16"),
    )
    seed: int = setting(0, "seed of weights, windows, transposition and dropout", minimum=0, maximum=2**31 - 1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class SamplingConfig(Settings):
    """How notes are sampled from the model's probabilities."""

    temperature: float = setting(
        0.75,
        "divides the log-odds of each decision: 1 samples what the model learned, 0.05 (the minimum) nearly always the "
        "likeliest notes, 20 (the maximum) nearly any; the number of notes and onsets is kept",
        minimum=0.05,
        maximum=20.0,
    )
    top_p: float = setting(
        1.0, "sample only the likeliest onsets, which make up this share of the expected ones", above=0.0, maximum=1.0
    )
    density: float = setting(1.0, "factor on the expected number of notes", minimum=0.05, maximum=20.0)
    seed: int = setting(0, "random seed; the same seed gives the same music", minimum=0, maximum=MAX_SEED)


@dataclasses.dataclass(frozen=True, kw_only=True)
class DataFacts(Settings):
    """Facts about the training split that a run stores, so that it can be exported without the records."""

    path: str = setting("", "folder of the records")
    manifest_sha256: str = setting("", "sha256 of manifest.json")
    density: float = setting(0.0, "share of active cells in the training split", minimum=0.0, maximum=1.0)
    pitch_frequency: tuple[float, ...] = setting((), "share of steps in which each of the 84 pitches sounds")
    density_spread: float = setting(0.0, "standard deviation of a piece's density over its mean", minimum=0.0)
    longest_piece: int = setting(0, "steps of the longest training piece; 0: unknown", minimum=0)
    tempo: float = setting(120.0, "median tempo of the training pieces, quarter notes per minute", above=0.0)
    meter: str = setting("4/4", "most frequent time signature of the training pieces")
    long_hold: int = setting(0, "steps that one held note in 1000 exceeds; 0: unknown", minimum=0)
    rates: tuple[float, ...] = setting((), "transition probabilities of cells: onset, sustain, re-strike")
    onset_positions: tuple[float, ...] = setting((), "share of struck notes at each position in the beat")
    hold_lengths: tuple[float, ...] = setting((), "share of the notes held for 1, 2, 3, … steps, of all held notes")
    usual_onsets: tuple[float, ...] = setting(
        (), "95th percentile of the moving average of onsets at each position in the beat"
    )
    velocity_sums: tuple[int, ...] = setting((), "numbers of notes and sums of velocities; none: not known")


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
    plugins: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict, hash=False)  # see `choices.origins`
    # How the run came about: `init` by `modeling.warm_start`, `epochs` by `modeling.more_epochs`,
    # `stream` and `workers` by `modeling.start`
    provenance: dict[str, Any] = dataclasses.field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        chosen = {"loss": [self.loss.loss], "optimizer": [self.optimizer.optimizer], "head": [self.model.head]}
        object.__setattr__(self, "plugins", origins(chosen))  # those of this process, whatever a file recorded


# Sections of a run's settings that a user chooses; the others follow from the records, the choices and the run's past
SECTIONS: dict[str, type[Settings]] = {
    name: kind
    for name, kind in RunConfig.__annotations__.items()
    if name not in ("records", "data", "plugins", "provenance")
}
RESERVED.update(field.name for section in SECTIONS.values() for field in dataclasses.fields(section))
