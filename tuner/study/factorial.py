"""The factorial design of a study: what is compared, and which settings tuning tries. Needs no framework.

**Fair tuning.** Every combination may use the same number of tuning runs, of the same length, with the same seed, and
finds its settings, each apart from the others, by `tuner.study.tuning`. A combination whose loss or optimizer has
settings that others lack (gamma and alpha of the focal loss, weight decay of AdamW) gets no additional runs for them.
While the best value of any setting of any combination is at an edge of what was tried, every combination gets
`tasks.MORE_RUNS` more. A combination whose search has nothing left to try uses fewer.

**Ablations** have the settings of their parent but for one.
"""

import dataclasses
import itertools
import math
import re
from collections.abc import Sequence
from typing import Any

from pianoroll_tf.choices import CHOICES, own_settings
from pianoroll_tf.settings import check_entry
from tuner.study import tuning
from tuner.study.ladder import Ladder
from tuner.study.settings import RAW, ZERO_BIAS, Combination, StudyConfig

TABLES = ("loss", "optimizer")  # a combination is an entry of each
RATE_RATIO = 2.0  # of the learning rates at two rungs

# Settings that are listed for the tuning runs of every study, whatever it compares
SETTINGS = (
    *("learning_rate", "weight_decay", "gamma", "alpha", "positive_weight"),
    *("rms_momentum", "rms_centered", "rms_epsilon"),
)


def check_choices(study: StudyConfig) -> None:
    """Raises ValueError unless the losses, optimizers and combinations to compare exist."""
    for loss in study.losses:
        check_entry("losses", loss, CHOICES["loss"])
    for optimizer in study.optimizers:
        check_entry("optimizers", optimizer, CHOICES["optimizer"])
    known = {each.name: each for each in _possible(study)}
    for name in study.combinations:
        check_entry("combinations", name, known)
    for name, values in read_starts(study).items():
        check_entry("starts", name, known)
        own = _series(study, known[name])
        for setting, value in values.items():
            if setting not in own:
                allowed = ", ".join(own)
                raise ValueError(f"starts of {name} must be of {allowed}. Received: {name}:{setting}={value}")
            if own[setting].nearest(value) is None:
                allowed = f"one of {', '.join(map(str, own[setting].values))}" if own[setting].values else "a number"
                raise ValueError(f"{setting} in starts must be {allowed}. Received: {name}:{setting}={value}")


def _possible(study: StudyConfig) -> list[Combination]:
    """All combinations that are tuned for themselves."""
    pairs = list(itertools.product(study.losses, study.optimizers))
    return [Combination(*pair, change=change) for change in ("", ZERO_BIAS) for pair in pairs]


def combinations(study: StudyConfig) -> list[Combination]:
    """What is compared: losses × optimizers, or those that are named; then the ablations."""
    main = [each for each in _possible(study) if each.name in study.combinations or not study.combinations]
    if not study.combinations:
        main = [each for each in main if not each.change]
    if not study.ablations:
        return main
    improper = [each for each in main if not CHOICES["loss"][each.loss].proper]
    raw = [dataclasses.replace(each, ablation=RAW) for each in improper]
    first = [each for each in main if each.optimizer == study.optimizers[0] and not each.change]
    there = {each.name for each in main}
    zero = [dataclasses.replace(each, ablation=ZERO_BIAS) for each in first]
    return main + raw + [each for each in zero if each.name not in there]


def design(study: StudyConfig) -> dict[str, dict[str, dict[str, Any]]]:
    """Combination, without ablations → setting → the fields of its `Ladder`."""
    return {
        each.name: {name: _as_json(ladder) for name, ladder in ladders(study, each).items()}
        for each in main_combinations(study)
    }


def _as_json(ladder: Ladder) -> dict[str, Any]:
    """The fields of a ladder as they are read from JSON, without those that earlier versions did not have."""
    found = dataclasses.asdict(ladder) | {"values": list(ladder.values)}
    return {name: value for name, value in found.items() if (name, value) not in (("first", 0), ("halves", True))}


def main_combinations(study: StudyConfig) -> list[Combination]:
    """The combinations, without ablations."""
    return [each for each in combinations(study) if not each.ablation]


def ladders(study: StudyConfig, combination: Combination) -> dict[str, Ladder]:
    """The settings of a combination that are tuned, the learning rate first → their values."""
    starts, found = read_starts(study), _series(study, combination)
    own = starts.get(f"{combination.loss}-{combination.optimizer}", {}) | starts.get(combination.parent, {})
    first = {name: found[name].nearest(value) or 0.0 for name, value in own.items() if name in found}
    return {
        name: dataclasses.replace(ladder, first=first.get(name, 0.0), halves=study.refine)
        for name, ladder in found.items()
    }


def read_starts(study: StudyConfig) -> dict[str, dict[str, Any]]:
    """Combination → setting → the value at which tuning starts; raises ValueError if an entry has another form."""
    found: dict[str, dict[str, Any]] = {}
    for entry in study.starts:
        parts = re.fullmatch(r"([^:=]+):([^:=]+)=(.+)", entry)
        if not parts:
            raise ValueError(f"starts must be LOSS-OPTIMIZER:SETTING=VALUE. Received: {entry!r}")
        name, setting, text = parts.groups()
        found.setdefault(name, {})[setting] = _value(text)
    return found


def format_start(combination: str, setting: str, value: Any) -> str:
    """An entry of `StudyConfig.starts`.

    >>> format_start("focal-adam", "gamma", 2.0)
    'focal-adam:gamma=2.0'
    """
    return f"{combination}:{setting}={value}"


def _value(text: str) -> Any:
    """What was formatted: True, False, a finite number, else the text itself."""
    if text in ("True", "False"):
        return text == "True"
    try:
        return number if math.isfinite(number := float(text)) else text
    except ValueError:
        return text


def _series(study: StudyConfig, combination: Combination) -> dict[str, Ladder]:
    """The settings of a combination that are tuned → their values, wherever tuning starts."""
    found = {"learning_rate": Ladder(start=study.start_rate, ratio=RATE_RATIO, most=10.0)}
    for table in TABLES:
        for name, field in own_fields(combination, table).items():
            if "study" in field.metadata:
                found[name] = Ladder.of(field.metadata["study"], field.default, field.metadata.get("maximum"))
    return found


def own_fields(combination: Combination, table: str) -> dict[str, dataclasses.Field]:
    """The own settings of a combination's loss or optimizer → their fields."""
    return {name: field for name, (keys, field) in own_settings(table).items() if getattr(combination, table) in keys}


def chosen(study: StudyConfig, combination: Combination, results: Sequence[float | None], run: int) -> dict[str, Any]:
    """The settings of tuning run `run` of a combination, from the results of its earlier runs; None: not used.

    Raises:
        IndexError: Tuning has tried all that there is to try before that run.
    """
    own = ladders(study, combination)
    fields = (own_fields(each, table) for each in main_combinations(study) for table in TABLES)
    names = itertools.chain.from_iterable(fields)
    every = dict.fromkeys([*SETTINGS, *names])
    return every | tuning.values(own, tuning.points(own, results[:run])[run])


def edges(study: StudyConfig, combination: Combination, runs: Sequence) -> list[tuple[str, int]]:
    """The settings whose best value is at an edge, from the combination's `TuningRun`s; see `tuning.edges`."""
    return tuning.edges(ladders(study, combination), [run.val_nll for run in runs])


def in_order(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of a tuning run in the order of their columns, as JSON sorts them: `SETTINGS`, then others."""
    return {name: settings[name] for name in dict.fromkeys([*SETTINGS, *settings]) if name in settings}


def best(runs: Sequence) -> int:
    """The number of a combination's best `TuningRun`: the lowest validation NLL; if all diverged, the lowest rate."""
    alive = [run for run in runs if run.val_nll is not None]
    if alive:
        return min(alive, key=lambda run: run.val_nll).run
    return min(runs, key=lambda run: run.settings["learning_rate"]).run
