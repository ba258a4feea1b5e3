"""The first paragraph of a report on a search: its best trial, and by how much that one leads."""

import json
from pathlib import Path
from typing import Any

from pianoroll_tf.errors import UserError
from tuner.report.language import N_, Language
from tuner.report.reproduce import plain
from tuner.search.settings import RESULTS


def objective_name(found: dict[str, Any], language: Language, with_unit: bool = False) -> str:
    """The name of the objective, with its unit if asked for."""
    if found["objective"] == "pr_auc":
        return language.gettext("validation PR-AUC")
    return language.gettext("validation NLL, nats per step") if with_unit else language.gettext("validation NLL")


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


def paragraph(found: dict[str, Any], language: Language) -> str:
    """The best trial, its lead over the second, and the best of each loss and optimizer.

    Args:
        found: As `read_results` gives it.
        language: Of the text.
    """
    done = [row for row in found["trials"] if row["status"] == "completed"]
    sentences = [
        language.gettext(
            "{done} of {all} finished.",
            done=language.ngettext("{n} trial", "{n} trials", len(done)),
            all=language.number(len(found["trials"])),
        )
    ]
    if not done:
        return " ".join([*sentences, language.gettext("There is no model yet.")])
    name = objective_name(found, language)
    unit = language.gettext(" nats per step") if found["objective"] == "nll" else ""
    best = done[0]
    sentences.append(
        language.gettext(
            "The best {name} is {value}, of trial {trial} at epoch {epoch}: {settings}.",
            name=name,
            value=language.number(best["objective"]) + unit,
            trial=best["trial"],
            settings=_settings_in_words(best, found),
            epoch=best["best_epoch"],
        )
    )
    if len(done) > 1:
        lead = abs(done[1]["objective"] - best["objective"])
        sentences.append(
            language.gettext(
                "Its lead over the second, trial {trial}, is {lead}.",
                trial=done[1]["trial"],
                lead=language.number(lead) + unit,
            )
        )
    for setting, title, message in (
        ("loss", language.loss, N_("The best of each loss: {values}.")),
        ("optimizer", language.optimizer, N_("The best of each optimizer: {values}.")),
    ):
        firsts: dict[str, float] = {}
        for row in done:
            if row.get(setting) is not None:
                firsts.setdefault(row[setting], row["objective"])
        if len(firsts) > 1:
            parts = [f"{title(value)} {language.number(objective)}" for value, objective in firsts.items()]
            sentences.append(language.gettext(message, values=language.join(parts)))
    return " ".join(
        [
            *sentences,
            language.gettext(
                "A trial is one run, so these numbers have no interval, and small leads may be due to "
                "chance: which loss or optimizer is better can be answered with tuner.study."
            ),
        ]
    )


def _settings_in_words(row: dict[str, Any], found: dict[str, Any]) -> str:
    names = [name for name in found["space"] if row.get(name) is not None]
    return ", ".join(f"{name} {plain(row[name])}" for name in names)
