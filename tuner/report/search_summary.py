"""The first paragraph of a report on a search: its best trial, and by how much that one leads."""

import json
from pathlib import Path
from typing import Any

from pianoroll_tf.choices import label
from pianoroll_tf.errors import UserError
from pianoroll_tf.plugins import require
from tuner.report.language import N_, Language
from tuner.report.reproduce import plain
from tuner.search.settings import RESULTS

# Table of `choices` → the sentence on its entries
BEST_OF_EACH = {
    "loss": N_("The best of each loss: {values}."),
    "optimizer": N_("The best of each optimizer: {values}."),
}


def objective_name(found: dict[str, Any], language: Language, with_unit: bool = False) -> str:
    """The name of the objective, with its unit if asked for."""
    if found["objective"] == "pr_auc":
        return language.gettext("validation PR-AUC")
    return language.gettext("validation NLL, nats per step") if with_unit else language.gettext("validation NLL")


def read_results(folder: Path) -> dict[str, Any]:
    """The content of results.json.

    Raises:
        UserError: It is missing or damaged, or a plugin of the search is not loaded.
    """
    path = folder / RESULTS[1]
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not {"objective", "direction", "tuner", "space", "base", "trials"} <= set(found):
            raise ValueError("it lacks entries")
    except FileNotFoundError as error:
        raise UserError(f"{folder} must be a search of which a trial has ended: it has no {RESULTS[1]}") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise UserError(f"{path} is damaged: {error}; the search writes it again when it is resumed") from error
    require(found.get("plugins", {}), folder)
    return found


def paragraph(found: dict[str, Any], language: Language) -> str:
    """The best trial of `read_results`, its lead over the second, and the best of each loss and optimizer."""
    _, number = language.gettext, language.number
    done = [row for row in found["trials"] if row["status"] == "completed"]
    trials = language.ngettext("{n} trial", "{n} trials", len(done))
    sentences = [_("{done} of {all} finished.", done=trials, all=number(len(found["trials"])))]
    if not done:
        return " ".join([*sentences, _("There is no model yet.")])
    unit, best = _(" nats per step") if found["objective"] == "nll" else "", done[0]
    settings = ", ".join(f"{name} {plain(best[name])}" for name in found["space"] if best.get(name) is not None)
    sentences.append(
        _(
            "The best {name} is {value}, of trial {trial} at epoch {epoch}: {settings}.",
            name=objective_name(found, language),
            value=number(best["objective"]) + unit,
            trial=best["trial"],
            settings=settings,
            epoch=best["best_epoch"],
        )
    )
    if len(done) > 1:
        second, lead = done[1]["trial"], number(abs(done[1]["objective"] - best["objective"])) + unit
        sentences.append(_("Its lead over the second, trial {trial}, is {lead}.", trial=second, lead=lead))
    for table, message in BEST_OF_EACH.items():
        bests: dict[str, float] = {}
        for row in done:
            if row.get(table) is not None:
                bests.setdefault(row[table], row["objective"])
        if len(bests) > 1:
            values = language.join([f"{label(table, key)} {number(objective)}" for key, objective in bests.items()])
            sentences.append(_(message, values=values))
    sentences.append(
        _(
            "A trial is one run, so these numbers have no interval, and small leads may be due to chance: which loss "
            "or optimizer is better can be answered with tuner.study."
        )
    )
    return " ".join(sentences)
