"""The end of a report: settings, data, versions and the commands, so that everything can be done again."""

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.settings import Settings, from_dict, to_dict
from tuner.report.data import StudyData
from tuner.report.language import DASH, Words
from tuner.report.page import Code, Table, Text
from tuner.study import factorial
from tuner.study.folder import FINISHED
from tuner.study.settings import AllSettings


def flags(settings: Settings, defaults: Settings | None = None) -> list[str]:
    """The flags that give these settings, without those that are the defaults.

    >>> flags(RecordsConfig(pedal=True, limit=9, include="*.mid"))
    ['--pedal', '--include', '*.mid', '--limit', '9']
    """
    words: list[str] = []
    for field in dataclasses.fields(settings):
        value, name = getattr(settings, field.name), field.name.replace("_", "-")
        if value == (field.default if defaults is None else getattr(defaults, field.name)) or value is None:
            continue
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no-{name}")
        else:
            words += [f"--{name}", *map(str, value if isinstance(value, tuple) else [value])]
    return words


def records_name(path: str) -> str:
    """The folder of records as commands name it, wherever it lies on the machine of the study."""
    return f"tfrecords/{Path(path).name}"


def study_commands(data: StudyData, words: Words) -> Code:
    """The commands that make this study and its report again."""
    study = data.study
    records, folder = records_name(study.records["path"]), f"studies/{data.folder.resolve().name}"
    made = from_dict(RecordsConfig, study.records["settings"])
    of_study = [
        flag
        for field in dataclasses.fields(AllSettings)
        for flag in flags(getattr(study.settings, field.name), getattr(AllSettings(), field.name))
    ]
    return commands(
        [*build_words(records, made), ["tuner.study", records, folder, *of_study], report_words(folder, words)]
    )


def build_words(records: str, made: RecordsConfig) -> list[list[str]]:
    """The command that made the records."""
    return [["pianoroll_tf.build_records", "MIDI_DIR", records, *flags(made)]]


def report_words(folder: str, words: Words) -> list[str]:
    """The command that made the report."""
    return ["tuner.report", folder, *([] if words.language == "en" else ["--lang", words.language])]


def commands(lines: Sequence[Sequence[str]]) -> Code:
    """Modules with their arguments as lines for a shell."""
    return Code([shlex.join(["python", "-m", *line]) for line in lines])


def settings_table(values: dict[str, Any], caption: str, words: Words) -> Table:
    """Nested settings, a row each, named as in their file."""
    return Table(
        caption, [words("setting"), words("value")], [[name, value] for name, value in _flat(values)], left=True
    )


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows = []
    for name, value in values.items():
        if isinstance(value, dict) and not set(value) & {"min", "max"}:
            rows += _flat(value, f"{prefix}{name}.")
        else:
            rows.append((prefix + name, plain(value)))
    return rows


def plain(value: Any) -> str:
    """A setting's value as one would type it.

    >>> plain(None), plain(True), plain((1, "a")), plain({"min": 1, "max": 2, "step": None, "log": True}), plain(1e-4)
    ('none', 'yes', '1, a', '1 … 2 (log)', '0.0001')
    """
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value))
    if isinstance(value, dict):
        more = [f"step {plain(value['step'])}"] if value.get("step") is not None else []
        more += ["log"] if value.get("log") else []
        return f"{plain(value['min'])} … {plain(value['max'])}" + (f" ({', '.join(more)})" if more else "")
    return f"{value:g}" if isinstance(value, float) else str(value)


def data_table(path: str, manifest: str, made: dict[str, Any], facts: dict[str, str], words: Words) -> Table:
    """What the records are and how they were made.

    Args:
        path: Their folder.
        manifest: The sha256 of its manifest.
        made: The settings of build_records.
        facts: What else there is to say of them.
        words: The language.
    """
    rows = {words("records"): records_name(path), words("manifest"): manifest, **facts}
    return Table(
        words("data_table"),
        [words("fact"), words("value")],
        [*([name, value] for name, value in rows.items()), *_flat(made, "build_records.")],
        left=True,
    )


def study_data_table(data: StudyData, words: Words) -> Table:
    """`data_table` of a study: also pieces and steps of each split."""
    records = data.study.records
    facts = {
        words("split", name=name): f"{words.count(entry['pieces'], 'pieces')}, {words.count(entry['steps'], 'steps')}"
        for name, entry in records["splits"].items()
    }
    facts[words("density")] = words.share(records["density"], 2)
    return data_table(records["path"], records["manifest_sha256"], records["settings"], facts, words)


def versions_table(versions: dict[str, str], words: Words) -> Table:
    """The versions a study was begun with."""
    rows = [list(row) for row in versions.items()]
    return Table(words("versions_table"), [words("package"), words("version")], rows, left=True)


def tuning_table(data: StudyData, words: Words) -> Table | None:
    """All tuning runs, those that were chosen marked; None where there is none yet."""
    rows = []
    for combination in data.main:
        own = [run for run in data.tuning if run.combination == combination.name]
        for run in own:
            chosen = len(own) == len(data.study.design[combination.name]) and run.run == factorial.best(own)
            rows.append(
                [
                    words.combination(combination),
                    *map(_setting, factorial.in_order(run.settings).values()),
                    words.number(run.val_nll, 3) if run.outcome == FINISHED else words(f"{run.outcome}_head"),
                    str(run.epochs),
                    words("chosen") if chosen else "",
                ]
            )
    names = factorial.in_order(data.tuning[0].settings) if rows else ()
    heads = [words("combination"), *names, words.head("val_nll"), words("epochs_head"), ""]
    return Table(words("tuning_table"), heads, rows) if rows else None


def _setting(value: float | None) -> str:
    return DASH if value is None else plain(value)


def study_settings(data: StudyData, words: Words) -> list[Table | Text | Code]:
    """Everything needed to repeat a study."""
    return [
        settings_table(to_dict(data.study.settings), words("settings_table"), words),
        study_data_table(data, words),
        versions_table(data.study.versions, words),
        Text(words("repeat")),
        study_commands(data, words),
    ]
