"""A plan: corpora, studies of them, hypotheses and their tests, read from a TOML file. Needs no framework.

A plan has these entries:

    title = "…"
    question = "…"
    hypotheses = ["…", …]              what is expected, in sentences
    analysis = ["…", …]                how each is tested, in sentences

    [corpora.NAME]
    midi = "{data}/FOLDER"             {data}: from the command line; {out}: the folder of the plan
    prepare = ["MODULE", "ARGUMENT"]   `python -m MODULE ARGUMENT` makes the folder, unless it is there
    grid = "seconds"                   and other settings of `build_records`

    [defaults]                         settings of `tuner.study` that all studies share
    epochs = 40

    [studies.NAME]
    corpus = "…"
    after = "NAME"                     a study whose results choose the combinations, together with
    choose = "best losses"             a key of `CHOICES`
    start = "NAME"                     a study whose tuning this one continues: it starts at the settings chosen there
    seeds = 5                          and other settings of `tuner.study`, which replace the defaults

As `prepare` runs any module, a plan must come from someone who is trusted.
"""

import dataclasses
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.errors import UserError
from pianoroll_tf.settings import Settings, from_dict
from tuner.study.factorial import check_choices
from tuner.study.settings import AllSettings

BEST_LOSSES, EXTREMES = "best losses", "extremes"
CHOICES = {
    BEST_LOSSES: "of each optimizer, the loss with the lowest mean validation NLL",
    EXTREMES: "the two combinations with the lowest mean validation NLL, and the two with the highest",
}
TEXTS = ("title", "question")
LISTS = ("hypotheses", "analysis")
TABLES = ("corpora", "defaults", "studies")


@dataclasses.dataclass(frozen=True)
class PlannedCorpus:
    """A folder of MIDI files, the module and arguments that make it (empty: it is there), settings of its records."""

    midi: str
    prepare: tuple[str, ...]
    records: RecordsConfig


@dataclasses.dataclass(frozen=True)
class PlannedStudy:
    """A study of a corpus.

    Attributes:
        after: The study whose results choose the combinations; empty: they are in the settings.
        choose: A key of `CHOICES`; empty without `after`.
        start: The study at whose chosen settings tuning starts; empty: at those of the settings.
    """

    corpus: str
    settings: AllSettings
    after: str = ""
    choose: str = ""
    start: str = ""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a file describes; `values` is its content as it was read."""

    values: dict[str, Any]
    corpora: dict[str, PlannedCorpus]
    studies: dict[str, PlannedStudy]

    @property
    def title(self) -> str:
        """Of the report."""
        return self.values["title"]


def read_plan(path: Path) -> Plan:
    """Reads a plan.

    Raises:
        UserError: The file is no plan; the message names the entry.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} must be the TOML file of a plan: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} must be a TOML file: {error}") from error
    try:
        return as_plan(values)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error


def as_plan(values: Mapping[str, Any]) -> Plan:
    """The plan with this content; raises ValueError if something is missing, unknown or not allowed."""
    _check_keys("plan", values, (*TEXTS, *LISTS, *TABLES))
    for name in TEXTS:
        if not isinstance(values.get(name), str):
            raise ValueError(f"{name} must be text. Received: {name}={values.get(name)!r}")
    for name in LISTS:
        found = values.get(name, [])
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise ValueError(f"{name} must be a list of sentences. Received: {name}={found!r}")
    for name in TABLES:
        tables = values.get(name, {})
        nested = tables.values() if name != "defaults" and isinstance(tables, dict) else ()
        if not isinstance(tables, dict) or not all(isinstance(each, dict) for each in nested):
            raise ValueError(f"{name} must be a table. Received: {name}={tables!r}")
    corpora = {name: _corpus(name, entry) for name, entry in values.get("corpora", {}).items()}
    studies: dict[str, PlannedStudy] = {}
    for name, entry in values.get("studies", {}).items():
        studies[name] = _study(name, entry, values.get("defaults", {}), corpora, studies)
    if not studies:
        raise ValueError("studies must have at least one entry. Received: none")
    return Plan(dict(values), corpora, studies)


def _check_keys(what: str, values: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    if unknown := sorted(set(values) - set(allowed)):
        raise ValueError(f"entries of {what} must be among {', '.join(allowed)}. Received: {', '.join(unknown)}")


def _check_name(what: str, name: str) -> None:
    """A name becomes that of a folder."""
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise ValueError(f"{what} must have a name of letters, digits, '-', '_' and '.'. Received: {name!r}")


def fill(text: str, data: Path, out: Path) -> str:
    """A text of a plan with its placeholders {data} and {out} replaced.

    Raises:
        UserError: It has another placeholder.
    """
    try:
        return text.format(data=data.resolve(), out=out.resolve())
    except (KeyError, IndexError, ValueError) as error:
        raise UserError(f"placeholders of a plan must be {{data}} or {{out}}. Received: {text!r}") from error


def _corpus(name: str, entry: Mapping[str, Any]) -> PlannedCorpus:
    own = dict(entry)
    midi = own.pop("midi", None)
    if not isinstance(midi, str):
        raise ValueError(f"corpora.{name}.midi must be a folder. Received: midi={midi!r}")
    _check_name(f"corpora.{name}", name)
    prepare = own.pop("prepare", [])
    if not isinstance(prepare, list) or not all(isinstance(word, str) for word in prepare):
        raise ValueError(f"corpora.{name}.prepare must be a module and its arguments. Received: prepare={prepare!r}")
    fields = tuple(field.name for field in dataclasses.fields(RecordsConfig))
    _check_keys(f"corpora.{name}", own, fields)
    return PlannedCorpus(midi, tuple(prepare), _read(f"corpora.{name}", RecordsConfig, own))


def _study(
    name: str,
    entry: Mapping[str, Any],
    defaults: Mapping[str, Any],
    corpora: Mapping[str, PlannedCorpus],
    earlier: Mapping[str, PlannedStudy],
) -> PlannedStudy:
    what, own = f"studies.{name}", dict(entry)
    _check_name(what, name)
    corpus, after, choose, start = (own.pop(key, "") for key in ("corpus", "after", "choose", "start"))
    if corpus not in corpora:
        raise ValueError(f"{what}.corpus must be one of {', '.join(corpora)}. Received: corpus={corpus!r}")
    for key, value in (("after", after), ("start", start)):
        if value and value not in earlier:
            raise ValueError(f"{what}.{key} must be an earlier study. Received: {key}={value!r}")
    if bool(after) != bool(choose) or (choose and choose not in CHOICES):
        raise ValueError(f"{what}.choose must be one of {', '.join(CHOICES)}, with after. Received: choose={choose!r}")
    sections: dict[str, type[Settings]] = dict(AllSettings.__annotations__)
    names = {key: [field.name for field in dataclasses.fields(kind)] for key, kind in sections.items()}
    _check_keys(what, own, tuple(each for found in names.values() for each in found))
    values = {**defaults, **own}
    _check_keys("defaults", defaults, tuple(each for found in names.values() for each in found))
    base = AllSettings()
    made = {
        key: _read(
            what,
            kind,
            {field: values.get(field, getattr(getattr(base, key), field)) for field in names[key]},
        )
        for key, kind in sections.items()
    }
    settings = AllSettings(**made)
    check_choices(settings.study)
    return PlannedStudy(corpus, settings, after, choose, start)


def _read(what: str, kind: type[Any], values: Mapping[str, Any]) -> Any:
    """Settings from a table, whose lists become tuples."""
    try:
        return from_dict(kind, {key: tuple(each) if isinstance(each, list) else each for key, each in values.items()})
    except (ValueError, TypeError) as error:
        raise ValueError(f"{what}: {error}") from error


def choose_combinations(choose: str, means: Mapping[str, float]) -> tuple[str, ...]:
    """The combinations that a study takes over.

    Args:
        choose: A key of `CHOICES`.
        means: "LOSS-OPTIMIZER" → mean validation NLL over the seeds, without ablations.

    >>> choose_combinations("best losses", {"bce-adam": 5.0, "focal-adam": 4.9, "bce-rmsprop": 5.2})
    ('focal-adam', 'bce-rmsprop')
    >>> choose_combinations("extremes", {"a-x": 5.0, "b-x": 4.0, "c-x": 3.0, "d-x": 6.0, "e-x": 4.5})
    ('c-x', 'b-x', 'a-x', 'd-x')
    """
    ranked = sorted(means, key=lambda name: means[name])
    if choose == EXTREMES:
        return tuple(dict.fromkeys([*ranked[:2], *ranked[-2:]]))
    optimizers = list(dict.fromkeys(name.split("-")[1] for name in means))
    return tuple(next(name for name in ranked if name.split("-")[1] == optimizer) for optimizer in optimizers)
