"""The end of a report: settings, data, versions and the commands that reproduce the results."""

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.flags import to_flags
from pianoroll_tf.plugins import plugin_flags
from pianoroll_tf.settings import from_dict, to_dict
from tuner.report.data import StudyData
from tuner.report.language import DASH, Language
from tuner.report.page import Code, Table, Text
from tuner.report.tables import OUTCOMES
from tuner.study import factorial
from tuner.study.results import edge_names
from tuner.study.results_model import FINISHED
from tuner.study.settings import AllSettings


def records_name(path: str) -> str:
    """The folder of records as commands name it, wherever it was on the machine of the study."""
    return f"tfrecords/{Path(path).name}"


def commands(*lines: Sequence[str]) -> Code:
    """Modules with their arguments as lines for a shell."""
    return Code([shlex.join(["python", "-m", *line]) for line in lines])


def reproduction(
    path: str, made: RecordsConfig, command: list[str], folder: str, language: Language, plugins: Sequence[str]
) -> Code:
    """The command of a search or a study, with those that make its records and the report on its folder."""
    build = ["pianoroll_tf.build_records", "MIDI_DIR", records_name(path), *to_flags(made)]
    flag = [] if language.code == "en" else ["--lang", language.code]
    return commands(build, command, ["tuner.report", folder, *plugins, *flag])


def study_commands(data: StudyData, language: Language) -> Code:
    """The commands that reproduce a study and its report."""
    records, settings, defaults = data.study.records, data.study.settings, AllSettings()
    folder = f"studies/{data.folder.resolve().name}"
    names = [field.name for field in dataclasses.fields(AllSettings)]
    of_study = [flag for name in names for flag in to_flags(getattr(settings, name), getattr(defaults, name))]
    plugins = plugin_flags(data.study.plugins)
    command = ["tuner.study", records_name(records["path"]), folder, *plugins, *of_study]
    made = from_dict(RecordsConfig, records["settings"])
    return reproduction(records["path"], made, command, folder, language, plugins)


def two_columns(rows: Mapping[str, str], caption: str, head: str, language: Language) -> Table:
    """A table of names and values, of which the names have the head `head`."""
    return Table(caption, [head, language.gettext("value")], [[name, value] for name, value in rows.items()], left=True)


def settings_table(values: dict[str, Any], caption: str, language: Language) -> Table:
    """Nested settings, one row each, named as in their file."""
    return two_columns(_flat(values), caption, language.gettext("setting"), language)


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, str]:
    rows: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, dict) and not set(value) & {"min", "max"}:
            rows |= _flat(value, f"{prefix}{name}.")
        else:
            rows[prefix + name] = plain(value)
    return rows


def plain(value: Any) -> str:
    """A setting's value as plain text.

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


def data_table(path: str, manifest: str, made: dict[str, Any], facts: dict[str, str], language: Language) -> Table:
    """The records in a folder: the sha256 of their manifest, further facts, and how build_records made them."""
    _ = language.gettext
    rows = {_("records"): records_name(path), _("sha256 of their manifest"): manifest, **facts}
    return two_columns(rows | _flat(made, "build_records."), _("The records"), _("of"), language)


def tuning_table(data: StudyData, language: Language) -> Table | None:
    """All tuning runs, with the chosen ones marked; None if there is none yet."""
    _, rows = language.gettext, []
    for combination in data.main:
        own = [run for run in data.tuning if run.combination == combination.name]
        chosen = factorial.best(own) if own and not data.missing_tuning else None
        at_edge = edge_names(data.study, combination.name, own)
        for run in own:
            settings = [DASH if value is None else plain(value) for value in factorial.in_order(run.settings).values()]
            nll = language.number(run.val_nll, 3) if run.outcome == FINISHED else _(OUTCOMES[run.outcome])
            mark = (_("chosen, at an edge") if at_edge else _("chosen")) if run.run == chosen else ""
            rows.append([language.combination(combination), *settings, nll, str(run.epochs), mark])
    if not rows:
        return None
    heads = [_("combination"), *factorial.in_order(data.tuning[0].settings), language.head("val_nll"), _("epochs"), ""]
    return Table(_("All tuning runs"), heads, rows)


def study_settings(data: StudyData, language: Language) -> list[Table | Text | Code]:
    """Everything needed to repeat a study."""
    _, study, facts = language.gettext, data.study, {}
    records = study.records
    for name, entry in records["splits"].items():
        pieces = language.ngettext("{n} piece", "{n} pieces", entry["pieces"])
        steps = language.ngettext("{n} step", "{n} steps", entry["steps"])
        facts[_("split {name}", name=name)] = f"{pieces}, {steps}"
    facts[_("active cells in training")] = language.percent(records["density"], 2)
    versions = [list(row) for row in study.versions.items()]
    explanation = _(
        "These commands reproduce the records (MIDI_DIR is the folder of MIDI files), the study and this report; the "
        "sha256 above shows whether the records are the same."
    )
    return [
        settings_table(to_dict(study.settings), _("Settings of the study, as in study.json"), language),
        data_table(records["path"], records["manifest_sha256"], records["settings"], facts, language),
        Table(_("Versions that the study was started with"), [_("package"), _("version")], versions, left=True),
        Text(explanation),
        study_commands(data, language),
    ]
