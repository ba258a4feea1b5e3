"""A report on a search: its sections and their contents."""

from pathlib import Path
from typing import Any

import matplotlib

from pianoroll_tf.config import RecordsConfig, RunConfig
from pianoroll_tf.modeling import run_folder
from pianoroll_tf.settings import dumps, from_dict, to_dict
from pianoroll_tf.storage.tables import read_csv
from tuner.report import search_figures as figures
from tuner.report.data import curve
from tuner.report.figures import STYLE, block
from tuner.report.language import DASH, N_, Language
from tuner.report.page import Code, Figure, Report, Section, Table, Text
from tuner.report.reproduce import (
    build_command,
    commands,
    data_table,
    plain,
    records_name,
    report_command,
    settings_table,
    two_columns,
)
from tuner.report.search_summary import objective_name, paragraph, read_results
from tuner.search.settings import BEST, RESULTS, TRIALS

BEST_CURVES = 6  # trials whose curves are shown
JUDGED = {
    "objective": N_("objective"),
    "best_epoch": N_("best epoch"),
    "epochs": N_("epochs"),
    "seconds": N_("seconds"),
}
STATUS = {"completed": N_("completed"), "failed": N_("failed"), "unfinished": N_("unfinished")}
SPACE = "space.json"
RUN = "run"  # the run folder of a trial, in the trial's folder


@matplotlib.rc_context(STYLE)
def make(folder: Path, language: Language) -> Report:
    """Reads a search and makes its report.

    Raises:
        UserError: No trial has ended yet, or a file is damaged.
    """
    found = read_results(folder)
    done = [row for row in found["trials"] if row["status"] == "completed"]
    label = objective_name(found, language, with_unit=True)
    searched = {name: entry for name, entry in found["space"].items() if isinstance(entry, list | dict)}
    _ = language.gettext
    sections = [
        Section("best", _("Best settings"), _best(folder, found, done, language)),
        Section("trials", _("All trials"), _trials(found, searched, language)),
        Section("progress", _("How the search went"), _figures(folder, found, done, searched, label, language)),
        Section("repeat", _("Settings, data, versions, commands"), _repeat(folder, found, language)),
    ]
    limits = [
        _(
            "The best of many trials is selected by the numbers shown here, which are therefore optimistic: evaluate "
            "it on the test split with pianoroll_tf.evaluate."
        ),
        _(
            "Trials are not spread evenly over the settings, and each setting varies together with all others: the "
            "figures show where good trials were found, not the effect of a single setting."
        ),
    ]
    if found["tuner"] == "hyperband":
        limits.append(
            _("Hyperband gives most trials only a few epochs, so trials of different lengths are listed together.")
        )
    notes = [Text(_("Limits of these results:"), limits)]
    failed = [row for row in found["trials"] if row["status"] == "failed"]
    if failed:
        causes = [_("trial {trial}: {cause}", trial=row["trial"], cause=row["cause"]) for row in failed]
        notes.insert(0, Text(_("Failed trials:"), causes))
    results = (folder / RESULTS[0]).read_bytes()
    title = _("Search {name}: the best settings found", name=folder.resolve().name)
    return Report(title, [paragraph(found, language)], notes, sections, results, {SPACE: space_file(found)})


def space_file(found: dict[str, Any]) -> bytes:
    """The space as `tuner.search --space` reads it."""
    space = {
        name: {key: value for key, value in entry.items() if value is not None} if isinstance(entry, dict) else entry
        for name, entry in found["space"].items()
    }
    return dumps(space).encode()


def _best(
    folder: Path, found: dict[str, Any], done: list[dict], language: Language
) -> list[Text | Table | Figure | Code]:
    if not done:
        return []
    best = done[0]
    rows = {name: plain(best[name]) for name in found["space"] if best.get(name) is not None}
    rows |= {name: plain(value) for name, value in found["space"].items() if not isinstance(value, list | dict)}
    caption = language.gettext("Settings of trial {trial}, and the settings shared by all trials", trial=best["trial"])
    export = ["pianoroll_tf.export", f"searches/{folder.resolve().name}/{BEST}", "saved_models/NAME"]
    return [
        two_columns(rows, caption, language.gettext("setting"), language),
        Text(language.gettext("Export the best run as a model that generates music:")),
        commands([export]),
    ]


def _trials(found: dict[str, Any], searched: dict[str, Any], language: Language) -> list[Table]:
    rows = [
        [
            row["trial"],
            DASH if row["rank"] is None else str(row["rank"]),
            *(language.number(row[name]) for name in JUDGED),
            language.gettext(STATUS[row["status"]]),
            *(DASH if row.get(name) is None else plain(row[name]) for name in searched),
        ]
        for row in found["trials"]
    ]
    heads = [language.gettext("trial"), language.gettext("rank"), *map(language.gettext, JUDGED.values())]
    heads.append(language.gettext("status"))
    caption = language.gettext("Trials, best first, by {name}", name=objective_name(found, language))
    return [Table(caption, [*heads, *searched], rows)]


def _figures(
    folder: Path, found: dict, done: list[dict], searched: dict, label: str, language: Language
) -> list[Figure]:
    if not done:
        return []
    largest = found["direction"] == "max"
    column = f"val_{found['objective']}"
    histories = {}
    for row in done[:BEST_CURVES]:
        path = folder / TRIALS / row["trial"] / RUN / run_folder.HISTORY
        if path.is_file():
            label_of_trial = language.gettext("trial {trial}, rank {rank}", trial=row["trial"], rank=row["rank"])
            histories[label_of_trial] = curve(read_csv(path), column)
    made = [
        block("search_trials", figures.by_trial(done, label, largest, language), language),
        block("search_settings", figures.by_setting(done, searched, label, language), language),
        block("search_parallel", figures.parallel(done, searched, label, largest, language), language),
        block("search_curves", figures.curves(histories, label, language), language),
    ]
    return [each for each in made if each is not None]


def _repeat(folder: Path, found: dict[str, Any], language: Language) -> list:
    base = from_dict(RunConfig, found["base"])
    records, target = records_name(base.data.path), f"searches/{folder.resolve().name}"
    training = base.training
    search = ["tuner.search", records, target, "--tuner", found["tuner"], "--max-trials", str(len(found["trials"]))]
    search += ["--epochs", str(training.epochs), "--objective", training.objective, "--seed", str(training.seed)]
    search += ["--space", SPACE]
    made: RecordsConfig = base.records
    facts = {language.gettext("active cells in training"): language.percent(base.data.density, 2)}
    explanation = language.gettext(
        "These commands reproduce the records (MIDI_DIR is the folder of MIDI files), the search and this report; "
        "space.json is beside the report."
    )
    caption = language.gettext("The search space: what was tried, and what was fixed")
    return [
        settings_table(found["space"], caption, language),
        data_table(base.data.path, base.data.manifest_sha256, to_dict(made), facts, language),
        Text(explanation),
        commands([*build_command(records, made), search, report_command(target, language)]),
    ]
