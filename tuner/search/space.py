"""The space of a search: the values of each setting, and the settings that depend on values of others."""

import dataclasses
from typing import Any

from pianoroll_tf import config
from pianoroll_tf.choices import CHOICES, origins, own_settings

OWN_FLAGS = ("epochs", "seed", "objective")  # of the command; the same for all trials
FIXED_ONLY = ("steps_per_epoch", "patience", "precision")  # else trials would not be comparable
FIXED = {"precision": "float32"}  # unless the user says otherwise: "auto" depends on the machine of a worker


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of several values."""

    values: tuple[Any, ...]


@dataclasses.dataclass(frozen=True)
class Range:
    """Any number between two, inclusive.

    Attributes:
        step: Distance between values; None: 1 for whole numbers, else any number.
        log: Whether values are drawn evenly on a logarithmic scale.
    """

    min: float
    max: float
    step: float | None = None
    log: bool = False


def conditions() -> dict[str, tuple[str, tuple[Any, ...]]]:
    """Setting → (another setting, its values with which the first is used)."""
    own = {name: (table, keys) for table in CHOICES for name, (keys, _) in own_settings(table).items()}
    return own | dict.fromkeys(("conv_filters", "conv_kernel"), ("conv_layers", tuple(range(1, 9))))


def default_space() -> dict[str, Choice | Range]:
    """Setting → what a search tries by default; parents before the settings that depend on them."""
    return {
        **_choice("loss"),
        **_choice("optimizer"),
        "learning_rate": Range(3e-4, 1e-2, log=True),
        **_choice("schedule"),
        "conv_layers": Range(0, 2),
        "conv_filters": Choice((64, 128, 256)),
        "gru_layers": Range(1, 2),
        "gru_units": Choice((128, 256, 384)),
        "dropout": Range(0.0, 0.5, step=0.1),
    }


def _choice(table: str) -> dict[str, Choice | Range]:
    """All entries of a table, and what is tried of their own settings."""
    tried: dict[str, Choice | Range] = {table: Choice(tuple(CHOICES[table]))}
    for name, (_, field) in own_settings(table).items():
        if entry := field.metadata.get("search"):
            tried[name] = Range(**entry) if isinstance(entry, dict) else Choice(entry)
    return tried


@dataclasses.dataclass(frozen=True)
class Space:
    """The space of a search.

    Attributes:
        searched: Setting → its values; parents before the settings that depend on them.
        fixed: Setting → its only value.
    """

    searched: dict[str, Choice | Range]
    fixed: dict[str, Any]

    def run_config(self, base: config.RunConfig, values: dict[str, Any]) -> config.RunConfig:
        """The settings of a trial: those that all share, with a value for each searched setting that counts."""
        chosen = self.fixed | values
        own = [field for table in CHOICES for _, field in own_settings(table).values()]
        unused = {field.name: field.metadata["unused"] for field in own if "unused" in field.metadata}
        unused = {name: value for name, value in unused.items() if not _is_used(name, chosen)}
        chosen = {name: value for name, value in chosen.items() if _is_used(name, chosen)} | unused
        sections = {}
        for section, cls in config.SECTIONS.items():
            changes = {name: value for name, value in chosen.items() if place_of(name)[0] == section}
            sections[section] = dataclasses.replace(getattr(base, section), **config.as_fields(cls, changes))
        return dataclasses.replace(base, **sections)

    def to_dict(self) -> dict[str, Any]:
        """The space as a JSON-ready dict."""
        return {name: shown(entry) for name, entry in (self.searched | self.fixed).items()}

    def plugins(self) -> dict[str, dict[str, str]]:
        """The plugins of the entries that trials may have; see `choices.origins`."""
        tried = {name: entry.values for name, entry in self.searched.items() if isinstance(entry, Choice)}
        fixed = {name: (value,) for name, value in self.fixed.items()}
        return origins({name: values for name, values in (tried | fixed).items() if name in CHOICES})


def make_space(changes: dict[str, Any]) -> Space:
    """The default space, with changes: setting → `Choice`, `Range`, or the only value.

    Settings that are used in no trial are not searched. Raises ValueError if one of them is fixed, or if nothing is
    left to search.
    """
    entries: dict[str, Any] = FIXED | default_space() | (_choice("head") if "head" in changes else {}) | changes
    searched = {name: entry for name, entry in entries.items() if isinstance(entry, Choice | Range)}
    fixed = {name: entry for name, entry in entries.items() if name not in searched}
    for name in [name for name in entries if not _may_be_used(name, searched, fixed)]:
        if name in fixed:
            parent, values = conditions()[name]
            raise ValueError(
                f"{name} must be left out: it counts only with {parent}={' or '.join(map(str, values))}. "
                f"Received: {name}={fixed[name]}"
            )
        del searched[name]
    if not searched:
        raise ValueError("the space must hold a setting that has several values. Received: all are fixed")
    order = sorted(searched, key=lambda name: name in conditions())  # stable; parents first
    return Space({name: searched[name] for name in order}, fixed)


def place_of(name: str) -> tuple[str, type]:
    """The section of `RunConfig` that a setting is in, and the dataclass that it is a field of.

    The latter is the section, or the own settings of an entry of a table. Raises ValueError if there is no such
    setting, or if it is a flag of the command.
    """
    if name in OWN_FLAGS:
        raise ValueError(f"{name} must be given as a flag: --{name}. Received: {name} in the space")
    places: dict[str, tuple[str, type]] = {
        field.name: (section, cls)
        for section, cls in config.SECTIONS.items()
        for field in dataclasses.fields(cls)
        if field.name not in ("options", *OWN_FLAGS)
    }
    for table in ("loss", "optimizer", "head"):
        for option, (keys, _) in own_settings(table).items():
            places.setdefault(option, (places[table][0], CHOICES[table][keys[0]].settings))
    if name not in places:
        raise ValueError(f"a setting of the space must be one of {', '.join(places)}. Received: {name}")
    return places[name]


def shown(entry: Any) -> Any:
    """An entry of a space in the form of JSON."""
    if isinstance(entry, Choice):
        return list(entry.values)
    if isinstance(entry, Range):
        step = {} if entry.step is None else {"step": entry.step}
        return {"min": entry.min, "max": entry.max} | step | ({"log": True} if entry.log else {})
    return entry


def _is_used(name: str, chosen: dict[str, Any]) -> bool:
    """Whether a setting is used with the values chosen; settings that are not chosen have their defaults."""
    if name not in conditions():
        return True
    parent, values = conditions()[name]
    _, cls = place_of(parent)
    return chosen.get(parent, getattr(cls(), parent)) in values


def _may_be_used(name: str, searched: dict[str, Any], fixed: dict[str, Any]) -> bool:
    """Whether a setting is used in some trial."""
    parent, values = conditions().get(name, (None, ()))
    if parent not in searched:
        return _is_used(name, fixed)
    tried = searched[parent]
    if isinstance(tried, Choice):
        return bool(set(tried.values) & set(values))
    return any(tried.min <= value <= tried.max for value in values)
