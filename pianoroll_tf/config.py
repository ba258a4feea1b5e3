"""Every setting of the package, written once: frozen dataclasses <-> JSON <-> command line flags."""

import argparse
import dataclasses
import json
import math
import types
import typing
from collections.abc import Collection
from typing import Any, TypeVar

LOWEST_PITCH = 24  # MIDI number of the first column of a roll, C1
HIGHEST_PITCH = 107  # MIDI number of the last column, B7
NUM_PITCHES = HIGHEST_PITCH - LOWEST_PITCH + 1  # 84
GRIDS = ("beats", "seconds")
MAX_STEPS = 1_000_000  # of one generated piece: 35 hours at 8 steps a second, 84 MB
MAX_SEED = 2**63 - 1 - 2**32  # piece i of several is drawn with seed + i

T = TypeVar("T")


def setting(default: Any, help: str, **limits: Any) -> Any:
    """A dataclass field with its help text and limits.

    Args:
        default: The one place where the default is written.
        help: One line for `--help`.
        **limits: `choices` (tuple), `minimum`, `maximum` (both inclusive), `above` (exclusive).
    """
    return dataclasses.field(default=default, metadata={"help": help, **limits})


class Settings:
    """Base of all settings: checks its values when it is made.

    Raises:
        ValueError: A value is of the wrong type or outside its limits.
    """

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if not dataclasses.is_dataclass(field.type):
                _check(type(self), field, getattr(self, field.name))


def _types(field: dataclasses.Field) -> tuple[type, ...]:
    """The types a field admits: `(float, NoneType)` for `float | None`."""
    if isinstance(field.type, types.UnionType):
        return typing.get_args(field.type)
    return (typing.get_origin(field.type) or field.type,)


def _allowed(field: dataclasses.Field) -> str:
    """What a field admits, in words."""
    limits = field.metadata
    if "choices" in limits:
        return "one of " + ", ".join(limits["choices"])
    names = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    kinds = _types(field)
    words = " or ".join(names.get(kind, kind.__name__) for kind in kinds if kind is not type(None))
    signs = (("minimum", ">="), ("above", ">"), ("maximum", "<="), ("below", "<"))
    bounds = " and ".join(f"{sign} {limits[key]}" for key, sign in signs if key in limits)
    return words + (f" {bounds}" if bounds else "") + (" or none" if type(None) in kinds else "")


def _check(cls: type, field: dataclasses.Field, value: Any) -> None:
    kinds = _types(field)
    if value is None and type(None) in kinds:
        return
    limits = field.metadata
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(value, bool) or not is_number:
        good = isinstance(value, kinds) and (isinstance(value, bool) == (bool in kinds))
    else:
        good = (float in kinds or (int in kinds and isinstance(value, int))) and math.isfinite(value)
    if good and is_number:
        good = (
            limits.get("minimum", -math.inf) <= value <= limits.get("maximum", math.inf)
            and value > limits.get("above", -math.inf)
            and value < limits.get("below", math.inf)
        )
    if not good or ("choices" in limits and value not in limits["choices"]):
        raise ValueError(f"{field.name} must be {_allowed(field)}. Received: {field.name}={value!r}")


def check_entry(name: str, value: str, table: Collection[str]) -> None:
    """Raises ValueError unless `value`, the setting called `name`, is an entry of the table.

    The tables of losses, optimizers, schedules and recurrent layers stand beside what they name, which needs a
    framework; so their settings are checked where they are used, before work starts.

    >>> check_entry("loss", "hinge", {"bce": ..., "focal": ...})
    Traceback (most recent call last):
    ValueError: loss must be one of bce, focal. Received: loss='hinge'
    """
    if value not in table:
        raise ValueError(f"{name} must be one of {', '.join(table)}. Received: {name}={value!r}")


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


def to_dict(settings: Any) -> dict[str, Any]:
    """The settings as a JSON-ready dict, nested dataclasses included."""
    return dataclasses.asdict(settings)


def from_dict(cls: type[T], values: dict[str, Any]) -> T:
    """Settings from a dict made by `to_dict`.

    Raises:
        ValueError: A name is unknown or a value is not allowed.
    """
    fields = {field.name: field for field in dataclasses.fields(cls)}
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise ValueError(f"{cls.__name__} must hold only {', '.join(fields)}. Received: {', '.join(unknown)}")
    return cls(**{name: _from_json(fields[name].type, value) for name, value in values.items()})


def _from_json(kind: Any, value: Any) -> Any:
    """A field's value from what JSON made of it."""
    if dataclasses.is_dataclass(kind):
        return from_dict(kind, value)
    return tuple(value) if typing.get_origin(kind) is tuple and isinstance(value, list) else value


def dumps(value: Any) -> str:
    """JSON text of a dict as this package writes it: sorted keys, indented, no NaN, one newline at the end."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def add_flags(parser: argparse.ArgumentParser, cls: type, defaults: Any = None) -> None:
    """Adds one flag per field of `cls`, named and explained by the field.

    Args:
        parser: Of the command.
        cls: Settings.
        defaults: An instance of `cls` whose values are the defaults; None: those of the fields.
    """
    group = parser.add_argument_group((cls.__doc__ or cls.__name__).splitlines()[0].rstrip("."))
    for field in dataclasses.fields(cls):
        flag = "--" + field.name.replace("_", "-")
        several = typing.get_origin(field.type) is tuple
        value = field.default if defaults is None else getattr(defaults, field.name)
        default = " ".join(map(str, value)) if several else value
        if isinstance(default, bool):
            default = "yes" if default else "no"
        elif default == "":
            default = "none"
        text = field.metadata["help"] + ("" if default is None else f" (default: {default})")
        if bool in _types(field):
            group.add_argument(flag, action=argparse.BooleanOptionalAction, default=value, help=text)
            continue
        kinds = typing.get_args(field.type) if several else _types(field)
        kind = next(kind for kind in kinds if kind is not type(None))
        group.add_argument(
            flag,
            type=kind,
            nargs="+" if several else None,
            default=value,
            choices=field.metadata.get("choices"),
            metavar=None if "choices" in field.metadata else kind.__name__.upper(),
            help=text.replace("%", "%%"),
        )


def from_args(cls: type[T], args: argparse.Namespace) -> T:
    """Settings from the flags that `add_flags` added.

    Raises:
        ValueError: A value is not allowed.
    """
    values = {field.name: getattr(args, field.name) for field in dataclasses.fields(cls)}
    return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
