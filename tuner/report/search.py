"""A report on a search: its sections and their contents."""

from pathlib import Path
from typing import Any

import matplotlib

from pianoroll_tf.config import RunConfig
from pianoroll_tf.modeling import run_folder
from pianoroll_tf.plugins import plugin_flags
from pianoroll_tf.settings import dumps, from_dict, to_dict
from pianoroll_tf.storage.tables import read_csv
from tuner.report import search_figures as figures
from tuner.report.data import curve
from tuner.report.figures import STYLE, block
from tuner.report.language import DASH, N_, Language
from tuner.report.page import Block, Report, Section, Table, Text
from tuner.report.reproduce import (
    commands,
    data_table,
    plain,
    records_name,
    reproduction,
    settings_table,
    two_columns,
)
from tuner.report.search_summary import objective_name, paragraph, read_results
from tuner.search.settings import BEST, RESULTS, TRIALS

BEST_CURVES = 6  # trials whose curves are shown, one for each of `figures.STYLES`
JUDGED = {
    "objective": N_("objective"),
    "best_epoch": N_("best epoch"),
    "epochs": N_("epochs"),
    "seconds": N_("seconds"),
}
STATUS = {"completed": N_("completed"), "failed": N_("failed"), "unfinished": N_("unfinished")}
LIMITS = [
    N_(
        "The best of many trials is selected by the numbers shown here, which are therefore optimistic: evaluate it on "
        "the test split with pianoroll_tf.evaluate."
    ),
    N_(
        "Trials are not spread evenly over the settings, and each setting varies together with all others: the figures "
        "show where good trials were found, not the effect of a single setting."
    ),
]
HYPERBAND = N_("Hyperband gives most trials only a few epochs, so trials of different lengths are listed together.")
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
    limits = [*LIMITS, *([HYPERBAND] if found["tuner"] == "hyperband" else [])]
    notes = [Text(_("Limits of these results:"), [*map(_, limits)])]
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


def _best(folder: Path, found: dict[str, Any], done: list[dict], language: Language) -> list[Block]:
    if not done:
        return []
    _, best, space = language.gettext, done[0], found["space"]
    rows = {name: plain(best[name]) for name in space if best.get(name) is not None}
    rows |= {name: plain(value) for name, value in space.items() if not isinstance(value, list | dict)}
    run = f"searches/{folder.resolve().name}/{BEST}"
    caption = _("Settings of trial {trial}, and the settings shared by all trials", trial=best["trial"])
    return [
        two_columns(rows, caption, _("setting"), language),
        Text(_("Export the best run as a model that generates music:")),
        commands(["pianoroll_tf.export", run, "saved_models/NAME", *plugin_flags(found.get("plugins", {}))]),
    ]


def _trials(found: dict[str, Any], searched: dict[str, Any], language: Language) -> list[Block]:
    _ = language.gettext
    rows = [
        [
            row["trial"],
            DASH if row["rank"] is None else str(row["rank"]),
            *(language.number(row[name]) for name in JUDGED),
            _(STATUS[row["status"]]),
            *(DASH if row.get(name) is None else plain(row[name]) for name in searched),
        ]
        for row in found["trials"]
    ]
    heads = [_("trial"), _("rank"), *map(_, JUDGED.values()), _("status"), *searched]
    return [Table(_("Trials, best first, by {name}", name=objective_name(found, language)), heads, rows)]


def _figures(
    folder: Path, found: dict, done: list[dict], searched: dict, label: str, language: Language
) -> list[Block]:
    if not done:
        return []
    largest, histories = found["direction"] == "max", {}
    for row in done[:BEST_CURVES]:
        path = folder / TRIALS / row["trial"] / RUN / run_folder.HISTORY
        if path.is_file():
            trial = language.gettext("trial {trial}, rank {rank}", trial=row["trial"], rank=row["rank"])
            histories[trial] = curve(read_csv(path), f"val_{found['objective']}")
    made = {
        "search_trials": figures.by_trial(done, label, largest, language),
        "search_settings": figures.by_setting(done, searched, label, language),
        "search_parallel": figures.parallel(done, searched, label, largest, language),
        "search_curves": figures.curves(histories, label, language),
    }
    return [each for name, figure in made.items() if (each := block(name, figure, language)) is not None]


def _repeat(folder: Path, found: dict[str, Any], language: Language) -> list[Block]:
    _, base = language.gettext, from_dict(RunConfig, found["base"])
    data, training, target = base.data, base.training, f"searches/{folder.resolve().name}"
    search = ["tuner.search", records_name(data.path), target, "--tuner", found["tuner"]]
    search += ["--max-trials", str(len(found["trials"])), "--epochs", str(training.epochs)]
    plugins = plugin_flags(found.get("plugins", {}))
    search += [*plugins, "--objective", training.objective, "--seed", str(training.seed), "--space", SPACE]
    facts = {_("active cells in training"): language.percent(data.density, 2)}
    explanation = _(
        "These commands reproduce the records (MIDI_DIR is the folder of MIDI files), the search and this report; "
        "space.json is beside the report."
    )
    caption = _("The search space: what was tried, and what was fixed")
    return [
        settings_table(found["space"], caption, language),
        data_table(data.path, data.manifest_sha256, to_dict(base.records), facts, language),
        Text(explanation),
        reproduction(data.path, base.records, search, target, language, plugins),
    ]
