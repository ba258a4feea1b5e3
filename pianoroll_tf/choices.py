"""The tables of losses, optimizers, schedules, heads and recurrent layers, without a framework.

An entry says how its choice is called in a report, which settings it alone has, and which values of these a search and
a study try. The functions and layers themselves are in `modeling.losses`, `optimizers`, `heads` and `gru`, under the
same keys.
"""

import dataclasses
from collections.abc import Iterable, Mapping

from pianoroll_tf.settings import Settings, check_entry, setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoSettings(Settings):
    """No settings."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FocalSettings(Settings):
    """Settings of the focal loss."""

    gamma: float = setting(
        2.0,
        "focusing parameter of the focal loss",
        minimum=0.0,
        maximum=10.0,
        search={"min": 0.5, "max": 4.0},
        study={"start": 2.0, "ratio": 2.0, "least": 0.25, "limit": 0.0},
    )
    alpha: float | None = setting(
        None,
        "weight of sounding cells in the focal loss; none: no weights",
        above=0.0,
        below=1.0,
        search=(None, 0.25, 0.5, 0.75),
        study={"start": 0.5, "ratio": 3.0, "scale": "odds"},
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class WeightedSettings(Settings):
    """Settings of the weighted binary cross-entropy."""

    positive_weight: float = setting(
        4.0,
        "weight of sounding cells in the weighted BCE; others weigh 1",
        above=0.0,
        maximum=1e4,
        search={"min": 1.0, "max": 16.0, "log": True},
        study={"start": 2.0, "ratio": 2.0},
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdamWSettings(Settings):
    """Settings of AdamW."""

    weight_decay: float = setting(
        0.01,
        "decoupled weight decay per step, times the learning rate",
        minimum=0.0,
        maximum=100.0,
        search={"min": 1e-4, "max": 1e-1, "log": True},
        study={"start": 0.01, "ratio": 4.0, "least": 1e-4, "limit": 0.0},
        unused=0.0,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class RMSpropSettings(Settings):
    """Settings of RMSprop, Keras's arguments without the prefix."""

    rms_momentum: float = setting(
        0.0,
        "momentum of RMSprop",
        minimum=0.0,
        below=1.0,
        search=(0.0, 0.5, 0.9),
        study=(0.0, 0.5, 0.75, 0.9, 0.95, 0.98),
    )
    rms_centered: bool = setting(
        False, "divide by the standard deviation of the gradient, not its root mean square", study=(False, True)
    )
    rms_epsilon: float = setting(
        1e-7,
        "added to the mean square of the gradient",
        above=0.0,
        maximum=1.0,
        study={"start": 1e-7, "ratio": 100.0, "least": 1e-13, "limit": 1e-15},
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class NadeSettings(Settings):
    """Settings of the nade head."""

    head_units: int = setting(64, "hidden units of the nade head", minimum=1, maximum=1024)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of a table.

    Attributes:
        label: Its name in a report; default: its key.
        settings: Settings that only this entry has, a dataclass; entries may share one. Beside the limits of
            `settings.setting`, the metadata of a field may hold `search`, what a search tries, a tuple of values or the
            bounds of a range (`{"min": 0.5, "max": 4.0, "log": True}`); `study`, what the tuning runs of a study may
            try: the values in order, beyond which there are none, or the start and ratio of a series
            (`tuner.study.ladder`); `unused`, the value for the other entries, where that is not the default.
        proper: Of a loss: whether its optimal output is the probability itself. A loss that is not proper has a
            function in `modeling.losses.POSTERIOR_LOGITS`.
    """

    label: str = ""
    settings: type[Settings] = NoSettings
    proper: bool = True


# Setting → its values, the keys of the table, in the order in which messages and reports list them
CHOICES: dict[str, dict[str, Entry]] = {
    "loss": {
        "bce": Entry(label="BCE"),
        "weighted_bce": Entry(label="weighted BCE", settings=WeightedSettings, proper=False),
        "focal": Entry(settings=FocalSettings, proper=False),
    },
    "optimizer": {
        "adam": Entry(label="Adam"),
        "adamw": Entry(label="AdamW", settings=AdamWSettings),
        "rmsprop": Entry(label="RMSprop", settings=RMSpropSettings),
    },
    "schedule": {"constant": Entry(), "cosine": Entry(), "linear": Entry()},
    "head": {"independent": Entry(), "nade": Entry(settings=NadeSettings)},
    "recurrent": {"gru": Entry(), "keras_gru": Entry()},
}


# (table, key) of an entry from a plugin → "plugin", as `--plugin` takes it, and "sha256" of its file; see `plugins`
ORIGINS: dict[tuple[str, str], dict[str, str]] = {}

# Names that the settings of an entry from outside cannot have: those of all runs, which `config` adds, and of flags
RESERVED = {"debug", "export", "help", "init", "plugin"}


def register(name: str, key: str, entry: Entry) -> None:
    """Adds an entry to the table `name` for this process; its key becomes part of folder names.

    `register_loss`, `register_optimizer` and `register_head` in `modeling` call it.

    Raises:
        ValueError: The key is taken or is no identifier, or a setting of the entry has the name of another setting, or
            a type that is text.
    """
    check_entry("name", name, CHOICES)
    if not key.isidentifier() or key in CHOICES[name]:
        raise ValueError(f"{name} must be an identifier that is not taken. Received: {name}={key!r}")
    others = {other.settings for table in CHOICES.values() for other in table.values()} - {entry.settings}
    taken = {field.name for other in others for field in dataclasses.fields(other)}
    if entry.settings not in {other.settings for table in CHOICES.values() for other in table.values()}:
        taken |= RESERVED
    fields = dataclasses.fields(entry.settings)
    if clashes := [field.name for field in fields if field.name in taken]:
        raise ValueError(f"settings of {key} must have names that are not taken. Received: {', '.join(clashes)}")
    if texts := [field.name for field in fields if isinstance(field.type, str)]:
        raise ValueError(
            f"settings of {key} must have types that are not text (leave out `from __future__ import annotations`). "
            f"Received: {', '.join(texts)}"
        )
    CHOICES[name][key] = entry


def own_settings(name: str) -> dict[str, tuple[tuple[str, ...], dataclasses.Field]]:
    """Settings that only some entries of a table have: name → keys of the entries that have it, dataclass field.

    >>> {setting: keys for setting, (keys, _) in own_settings("loss").items()}
    {'positive_weight': ('weighted_bce',), 'gamma': ('focal',), 'alpha': ('focal',)}
    """
    found: dict[str, tuple[tuple[str, ...], dataclasses.Field]] = {}
    for key, entry in CHOICES[name].items():
        for field in dataclasses.fields(entry.settings):
            keys, _ = found.get(field.name, ((), field))
            found[field.name] = ((*keys, key), field)
    return found


def origins(chosen: Mapping[str, Iterable[str]]) -> dict[str, dict[str, str]]:
    """The plugins of chosen entries, as a run, a search and a study record them.

    Args:
        chosen: Table → keys.

    Returns:
        "loss weighted" → its entry of `ORIGINS`; empty if no entry is from a plugin.
    """
    return {
        f"{name} {key}": dict(ORIGINS[name, key])
        for name, keys in chosen.items()
        for key in keys
        if (name, key) in ORIGINS
    }


def label(name: str, key: str) -> str:
    """An entry's name in a report; the key where it has none, or the table has no such entry.

    >>> label("optimizer", "adamw"), label("optimizer", "lion")
    ('AdamW', 'lion')
    """
    return CHOICES[name].get(key, Entry()).label or key
