"""What a search tries: which values each setting may take, and which settings count only beside others."""

import dataclasses
from typing import Any

from pianoroll_tf import config

SECTIONS = {
    "dataset": config.DatasetConfig,
    "model": config.ModelConfig,
    "loss": config.LossConfig,
    "optimizer": config.OptimizerConfig,
    "training": config.TrainingConfig,
}
OWN_FLAGS = ("epochs", "seed", "objective")  # of the command; the same for all trials
FIXED_ONLY = ("steps_per_epoch", "patience", "precision")  # else trials would not be comparable

# Entries of tables that stand beside frameworks; a test holds them against those.
ENTRIES = {
    "loss": ("bce", "focal"),
    "optimizer": ("adam", "adamw", "rmsprop"),
    "schedule": ("constant", "cosine", "linear"),
    "recurrent": ("gru", "keras_gru"),
    "head": ("independent", "nade"),
}

# Setting → (other setting, its values beside which the first counts).
CONDITIONS = {
    "gamma": ("loss", ("focal",)),
    "alpha": ("loss", ("focal",)),
    "weight_decay": ("optimizer", ("adamw",)),
    "conv_filters": ("conv_layers", tuple(range(1, 9))),
    "conv_kernel": ("conv_layers", tuple(range(1, 9))),
}


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of some values."""

    values: tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class Range:
    """Any number between two, inclusive.

    Attributes:
        min, max: The bounds.
        step: Distance of neighbours; None: 1 for whole numbers, any number else.
        log: Drawn evenly by its logarithm.
    """

    min: float
    max: float
    step: float | None = None
    log: bool = False


# Parents stand before what depends on them.
DEFAULT: dict[str, Choice | Range] = {
    "loss": Choice(ENTRIES["loss"]),
    "gamma": Range(0.5, 4.0),
    "alpha": Choice((None, 0.25, 0.5, 0.75)),
    "optimizer": Choice(ENTRIES["optimizer"]),
    "weight_decay": Range(1e-4, 1e-1, log=True),
    "learning_rate": Range(3e-4, 1e-2, log=True),
    "schedule": Choice(ENTRIES["schedule"]),
    "conv_layers": Range(0, 2),
    "conv_filters": Choice((64, 128, 256)),
    "gru_layers": Range(1, 2),
    "gru_units": Choice((128, 256, 384)),
    "dropout": Range(0.0, 0.5, step=0.1),
}


@dataclasses.dataclass(frozen=True)
class Space:
    """What a search tries.

    Attributes:
        searched: Setting → its values; parents before what depends on them.
        fixed: Setting → its one value.
    """

    searched: dict[str, Choice | Range]
    fixed: dict[str, Any]

    def run_config(self, base: config.RunConfig, values: dict[str, Any]) -> config.RunConfig:
        """The settings of a trial.

        Args:
            base: The settings that all trials share.
            values: A value for each searched setting that counts.

        >>> space = make_space({"loss": "focal", "gamma": 1.5, "optimizer": "adam", "weight_decay": 0.1})
        Traceback (most recent call last):
        ValueError: weight_decay must be left out: it counts only with optimizer=adamw. Received: weight_decay=0.1
        >>> space = make_space({"loss": "focal", "gamma": 1.5})
        >>> space.run_config(config.RunConfig(), {"gru_units": 64}).loss
        LossConfig(loss='focal', gamma=1.5, alpha=None)
        """
        chosen = self.fixed | values
        left_out = {name: value for name, value in LEFT_OUT.items() if not _counts(name, chosen)}
        chosen = {name: value for name, value in chosen.items() if _counts(name, chosen)} | left_out
        sections = {
            name: dataclasses.replace(getattr(base, name), **{key: chosen[key] for key in names_of(cls) & set(chosen)})
            for name, cls in SECTIONS.items()
        }
        return dataclasses.replace(base, **sections)

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {name: shown(entry) for name, entry in (self.searched | self.fixed).items()}


def make_space(changes: dict[str, Any]) -> Space:
    """The default space, changed.

    Args:
        changes: Setting → `Choice`, `Range`, or the one value that it is fixed to. What cannot count beside the others
            is not searched.

    Raises:
        ValueError: A setting is fixed that counts in no trial, or nothing is left to search.
    """
    entries: dict[str, Any] = DEFAULT | changes
    searched = {name: entry for name, entry in entries.items() if isinstance(entry, Choice | Range)}
    fixed = {name: entry for name, entry in entries.items() if name not in searched}
    for name in [name for name in entries if not _may_count(name, searched, fixed)]:
        if name in fixed:
            parent, values = CONDITIONS[name]
            raise ValueError(
                f"{name} must be left out: it counts only with {parent}={' or '.join(map(str, values))}. "
                f"Received: {name}={fixed[name]}"
            )
        del searched[name]
    if not searched:
        raise ValueError("the space must hold a setting that has several values. Received: all are fixed")
    order = sorted(searched, key=lambda name: name in CONDITIONS)  # stable; parents first
    return Space({name: searched[name] for name in order}, fixed)


LEFT_OUT = {"weight_decay": 0.0}  # values of settings that do not count, where the default would


def names_of(cls: type) -> set[str]:
    """The settings of a section."""
    return {field.name for field in dataclasses.fields(cls)}


def section_of(name: str) -> type:
    """The settings a name belongs to."""
    if name in OWN_FLAGS:
        raise ValueError(f"{name} must be given as a flag: --{name}. Received: {name} in the space")
    for cls in SECTIONS.values():
        if name in names_of(cls):
            return cls
    allowed = [field.name for cls in SECTIONS.values() for field in dataclasses.fields(cls)]
    raise ValueError(
        f"a setting of the space must be one of {', '.join(n for n in allowed if n not in OWN_FLAGS)}. Received: {name}"
    )


def shown(entry: Any) -> Any:
    """An entry of a space as JSON could hold it."""
    if isinstance(entry, Choice):
        return list(entry.values)
    if isinstance(entry, Range):
        step = {} if entry.step is None else {"step": entry.step}
        return {"min": entry.min, "max": entry.max} | step | ({"log": True} if entry.log else {})
    return entry


def _counts(name: str, chosen: dict[str, Any]) -> bool:
    """Whether a setting counts beside the values chosen; what is not chosen has its default."""
    if name not in CONDITIONS:
        return True
    parent, values = CONDITIONS[name]
    return chosen.get(parent, getattr(section_of(parent)(), parent)) in values


def _may_count(name: str, searched: dict[str, Any], fixed: dict[str, Any]) -> bool:
    """Whether a setting counts in some trial."""
    if name not in CONDITIONS or CONDITIONS[name][0] not in searched:
        return _counts(name, fixed)
    parent = searched[CONDITIONS[name][0]]
    values = CONDITIONS[name][1]
    if isinstance(parent, Choice):
        return bool(set(parent.values) & set(values))
    return any(parent.min <= value <= parent.max for value in values)
