"""A report on a search: the best settings, what else was tried, and how it can be done again."""

import json
from pathlib import Path
from typing import Any

from pianoroll_tf.config import RecordsConfig, RunConfig
from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling import run_folder
from pianoroll_tf.settings import dumps, from_dict, to_dict
from pianoroll_tf.storage.tables import read_csv
from tuner.report import search_figures as figures
from tuner.report.data import curve
from tuner.report.language import DASH, Words
from tuner.report.page import Figure, Report, Section, Table, Text
from tuner.report.reproduce import build_words, commands, data_table, plain, records_name, report_words, settings_table
from tuner.report.study import figure
from tuner.search.settings import BEST, RESULTS, TRIALS

BEST_CURVES = 6  # trials whose curves are shown
JUDGED = ("objective", "best_epoch", "epochs", "seconds")
SPACE = "space.json"
RUN = "run"  # the run folder of a trial, in the trial's folder


def make(folder: Path, words: Words) -> Report:
    """Reads a search and makes its report.

    Raises:
        UserError: No trial has ended yet, or a file is damaged.
    """
    found = read_results(folder)
    done = [row for row in found["trials"] if row["status"] == "completed"]
    label = words(f"unit_{found['objective']}", name=words(f"objective_{found['objective']}"))
    searched = {name: entry for name, entry in found["space"].items() if isinstance(entry, list | dict)}
    sections = [
        Section("best", words("search_best"), _best(folder, found, done, words)),
        Section("trials", words("search_trials"), _trials(found, searched, words)),
        Section("progress", words("search_figures"), _figures(folder, found, done, searched, label, words)),
        Section("repeat", words("settings"), _repeat(folder, found, words)),
    ]
    limits = ["search_chosen", "search_single", *(["search_hyperband"] if found["tuner"] == "hyperband" else [])]
    notes = [Text(words("limits_lead"), [words(each) for each in limits])]
    failed = [row for row in found["trials"] if row["status"] == "failed"]
    if failed:
        causes = [words("failed_trial", trial=row["trial"], cause=row["cause"]) for row in failed]
        notes.insert(0, Text(words("failed_lead"), causes))
    results = (folder / RESULTS[0]).read_bytes()
    title = words("search_title", name=folder.resolve().name)
    return Report(title, [paragraph(found, done, words)], notes, sections, results, {SPACE: space_file(found)})


def read_results(folder: Path) -> dict[str, Any]:
    """What results.json holds.

    Raises:
        UserError: It is missing or damaged.
    """
    path = folder / RESULTS[1]
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not {"objective", "direction", "tuner", "space", "base", "trials"} <= set(found):
            raise ValueError("it lacks entries")
    except FileNotFoundError as error:
        raise UserError(f"{folder} must be a search of which a trial has ended: it has no {RESULTS[1]}") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise UserError(f"{path} is damaged: {error}; the search writes it anew when it goes on") from error
    return found


def paragraph(found: dict[str, Any], done: list[dict], words: Words) -> str:
    """What is best, and by how much it leads."""
    said = [words("search_intro", done=words.count(len(done), "trials"), all=words.number(len(found["trials"])))]
    if not done:
        return " ".join([*said, words("search_nothing")])
    name = words(f"objective_{found['objective']}")
    unit = words("behind_nll") if found["objective"] == "nll" else ""
    best = done[0]
    said.append(
        words(
            "search_winner",
            name=name,
            value=words.number(best["objective"]) + unit,
            trial=best["trial"],
            settings=_settings_in_words(best, found),
            epoch=best["best_epoch"],
        )
    )
    if len(done) > 1:
        lead = abs(done[1]["objective"] - best["objective"])
        said.append(words("search_second", trial=done[1]["trial"], lead=words.number(lead) + unit))
    for setting, title in (("loss", words.loss), ("optimizer", words.optimizer)):
        firsts: dict[str, float] = {}
        for row in done:
            if row.get(setting) is not None:
                firsts.setdefault(row[setting], row["objective"])
        if len(firsts) > 1:
            parts = [f"{title(value)} {words.number(objective)}" for value, objective in firsts.items()]
            said.append(words(f"search_by_{setting}", values=words.join(parts)))
    return " ".join([*said, words("search_no_interval")])


def _settings_in_words(row: dict[str, Any], found: dict[str, Any]) -> str:
    names = [name for name in found["space"] if row.get(name) is not None]
    return ", ".join(f"{name} {plain(row[name])}" for name in names)


def space_file(found: dict[str, Any]) -> bytes:
    """The space as `tuner.search --space` reads it."""
    space = {
        name: {key: value for key, value in entry.items() if value is not None} if isinstance(entry, dict) else entry
        for name, entry in found["space"].items()
    }
    return dumps(space).encode()


def _best(folder: Path, found: dict[str, Any], done: list[dict], words: Words) -> list[Text | Table | Figure]:
    if not done:
        return []
    best = done[0]
    rows = [[name, plain(best[name])] for name in found["space"] if best.get(name) is not None]
    rows += [[name, plain(value)] for name, value in found["space"].items() if not isinstance(value, list | dict)]
    export = ["pianoroll_tf.export", f"searches/{folder.resolve().name}/{BEST}", "saved_models/NAME"]
    return [
        Table(words("best_table", trial=best["trial"]), [words("setting"), words("value")], rows, left=True),
        Text(words("export_lead")),
        commands([export]),
    ]


def _trials(found: dict[str, Any], searched: dict[str, Any], words: Words) -> list[Table]:
    rows = [
        [
            row["trial"],
            DASH if row["rank"] is None else str(row["rank"]),
            *(words.number(row[name]) for name in JUDGED),
            words("status_" + row["status"]),
            *(DASH if row.get(name) is None else plain(row[name]) for name in searched),
        ]
        for row in found["trials"]
    ]
    heads = ["trial_head", "rank_head", *(f"{name}_head" for name in JUDGED), "status_head"]
    caption = words("trials_table", name=words(f"objective_{found['objective']}"))
    return [Table(caption, [*map(words, heads), *searched], rows)]


def _figures(folder: Path, found: dict, done: list[dict], searched: dict, label: str, words: Words) -> list[Figure]:
    if not done:
        return []
    largest = found["direction"] == "max"
    column = f"val_{found['objective']}"
    histories = {}
    for row in done[:BEST_CURVES]:
        path = folder / TRIALS / row["trial"] / RUN / run_folder.HISTORY
        if path.is_file():
            histories[words("trial_label", trial=row["trial"], rank=row["rank"])] = curve(read_csv(path), column)
    made = [
        figure("search_trials", figures.by_trial(done, label, largest, words), words),
        figure("search_settings", figures.by_setting(done, searched, label, words), words),
        figure("search_parallel", figures.parallel(done, searched, label, largest, words), words),
        figure("search_curves", figures.curves(histories, label, words), words),
    ]
    return [each for each in made if each is not None]


def _repeat(folder: Path, found: dict[str, Any], words: Words) -> list:
    base = from_dict(RunConfig, found["base"])
    records, target = records_name(base.data.path), f"searches/{folder.resolve().name}"
    training = base.training
    search = ["tuner.search", records, target, "--tuner", found["tuner"], "--max-trials", str(len(found["trials"]))]
    search += ["--epochs", str(training.epochs), "--objective", training.objective, "--seed", str(training.seed)]
    search += ["--space", SPACE]
    made: RecordsConfig = base.records
    return [
        settings_table(found["space"], words("space_table"), words),
        data_table(
            base.data.path,
            base.data.manifest_sha256,
            to_dict(made),
            {words("density"): words.share(base.data.density, 2)},
            words,
        ),
        Text(words("repeat_search")),
        commands([*build_words(records, made), search, report_words(target, words)]),
    ]
