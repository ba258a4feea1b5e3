"""The tables of a report on a study."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from pianoroll_tf.choices import label
from tuner.report import captions
from tuner.report.data import StudyData
from tuner.report.language import DASH, N_, Language
from tuner.report.page import Cell, Table
from tuner.study.folder import CEILING, TEST
from tuner.study.measures import FACTS, MEASURES, MUSIC
from tuner.study.results_model import COLLAPSED, DIVERGED, FINISHED
from tuner.study.statistics import NOT_SHOWN, SHOWN, TOO_FEW_SEEDS, Pair, Summary

BASELINES = {"copy_last_step": N_("copy the last step"), "note_frequency": N_("note frequency")}
OUTCOMES = {FINISHED: N_("finished"), COLLAPSED: N_("collapsed"), DIVERGED: N_("diverged")}
VERDICTS = {
    SHOWN: N_("difference shown"),
    TOO_FEW_SEEDS: N_("all seeds agree, too few to show it"),
    NOT_SHOWN: N_("no difference shown"),
}
QUALITY = ("nll", "pr_auc", "f1", "onset_f1", "ece", "ece_raw")
RECALL = ("recall_rare", "recall_uncommon", "recall_common", "recall_frequent")
RANKED = ("nll", "pr_auc", "onset_f1", "ece", "curve_area", "recall_rare", "music_overlap", "music_auc")
# Table of means, an entry of `captions.MEANS` → its measures
MEANS = {
    "quality": QUALITY,
    "stability": ("val_nll", "last_val_nll", "gradient_ratio", "roughness"),
    "convergence": ("steps_to_copy", "examples_to_copy", "operations_to_copy", "steps_to_best", "operations_to_best"),
    "convergence_own": (
        *("steps_to_settled", "examples_to_settled", "operations_to_settled"),
        *("steps_to_own_best", "operations_to_own_best"),
    ),
    "convergence_curve": ("curve_area", "last_gain"),
    "sparsity": ("density_ratio", "step_density_error", "silent_predicted", "silent_ratio"),
    "recall": RECALL,
    "music": ("music_overlap", "free_density_ratio"),
}


def means(data: StudyData, name: str, language: Language, more: dict[str, dict[str, Cell]] | None = None) -> Table:
    """The means of the measures of `MEANS[name]` with their intervals, one row per combination.

    `more` gives columns that come first: head → name of a combination → cell.
    """
    measures, more = MEANS[name], more or {}
    heads = [language.gettext("combination"), *more, *(_head(measure, language) for measure in measures)]
    rows = [
        [
            language.combination(each),
            *(column[each.name] for column in more.values()),
            *(_mean_cell(data.comparison.measures[measure].summaries[each.name], language) for measure in measures),
        ]
        for each in data.shown(measures)
    ]
    return Table(language.gettext(captions.MEANS[name]), heads, rows)


def _mean_cell(summary: Summary, language: Language) -> Cell:
    mean, between = language.mean(summary)
    if summary.missing:
        reached = language.gettext("{runs} of {all} runs", runs=summary.runs, all=summary.runs + summary.missing)
        return mean, f"{between}\n{reached}" if between else reached
    return mean, between


def _head(name: str, language: Language) -> str:
    head, unit = language.head(name), language.gettext(MEASURES[name].unit)
    return f"{head}, {unit}" if unit and unit not in head and not name.startswith(("epochs", "steps")) else head


def quality(data: StudyData, language: Language) -> Table:
    """The judged numbers, baselines first."""
    table, judged = means(data, "quality", language), data.baselines.get("test", {})
    names = ["ece" if name == "ece_raw" else name for name in QUALITY]
    rows = [
        [language.gettext(text), *(language.number(judged[baseline].get(name)) for name in names)]
        for baseline, text in BASELINES.items()
        if baseline in judged
    ]
    return dataclasses.replace(table, rows=[*rows, *table.rows])


def stability(data: StudyData, language: Language) -> Table:
    """How the runs ended, their spread over the seeds, norms of gradients and roughness."""
    _ = language.gettext
    outcomes, summaries = data.comparison.outcomes, data.comparison.measures["val_nll"].summaries
    more: dict[str, dict[str, Cell]] = {
        _("ended well"): {
            name: _("{runs} of {all} runs", runs=found[FINISHED], all=sum(found.values()))
            for name, found in outcomes.items()
        },
        _("collapsed"): {name: str(found[COLLAPSED]) for name, found in outcomes.items()},
        _("diverged"): {name: str(found[DIVERGED]) for name, found in outcomes.items()},
        _("validation NLL, sd over seeds"): {name: language.number(found.sd) for name, found in summaries.items()},
    }
    return means(data, "stability", language, more)


def causes(data: StudyData, language: Language) -> list[str]:
    """One line per run that did not end well: which, how and why."""
    lines, names = [], {each.name: language.combination(each) for each in data.study.combinations}
    for run in data.runs:
        if run.cause:
            message, outcome = N_("{name}, seed {seed}: {outcome}: {cause}"), language.gettext(OUTCOMES[run.outcome])
            values = {"name": names[run.combination], "seed": run.seed, "outcome": outcome, "cause": run.cause}
            lines.append(language.gettext(message, **values))
    return lines


def ranks(data: StudyData, language: Language) -> Table | None:
    """Mean ranks; None if there are none."""
    _, measures = language.gettext, data.comparison.measures
    found = {name: ranks for name in RANKED if (ranks := measures[name].ranks) is not None and ranks.seeds}
    if not found or len(data.main) < 2:
        return None
    rows = [
        [language.combination(each), *(language.number(ranks.mean[each.name], 2) for ranks in found.values())]
        for each in data.main
    ]
    p_values = [DASH if ranks.p is None else language.p(ranks.p) for ranks in found.values()]
    widths = [language.number(ranks.critical_difference, 2) for ranks in found.values()]
    rows += [[_("p of Friedman’s test"), *p_values], [_("critical difference"), *widths]]
    heads = [_("combination"), *(language.head(name) for name in found)]
    return Table(_("Mean ranks over the seeds; 1 is best"), heads, rows)


def groups_of(data: StudyData, measure: str, language: Language) -> dict[str, list[tuple[str, Pair]]]:
    """Losses, optimizers, combinations, ablations → (label, pair) of each pair that has a difference in a measure."""
    found, study = data.comparison.measures[measure], data.study.settings.study
    combinations = {each.name: language.combination(each) for each in data.study.combinations}
    groups = {
        "losses": (found.losses, {key: label("loss", key) for key in study.losses}),
        "optimizers": (found.optimizers, {key: label("optimizer", key) for key in study.optimizers}),
        "combinations": (found.pairs if len(data.main) > 2 else [], combinations),
        "ablations": (found.ablations, combinations),
    }
    labelled = {
        key: [(f"{names[pair.first]} − {names[pair.second]}", pair) for pair in pairs if pair.mean is not None]
        for key, (pairs, names) in groups.items()
    }
    return {key: pairs for key, pairs in labelled.items() if pairs}


def pairs(data: StudyData, measure: str, language: Language, keys: Sequence[str], caption: str) -> Table | None:
    """Paired differences of a measure with their tests; None if there are none."""
    _, groups = language.gettext, groups_of(data, measure, language)
    rows: list[list[Cell]] = [
        [
            names,
            language.mean(pair),
            str(pair.seeds),
            language.number(pair.effect, 2),
            *(language.p(p) for p in (pair.wilcoxon, pair.sign, pair.adjusted)),
            _(VERDICTS[pair.verdict]),
        ]
        for key in keys
        for names, pair in groups.get(key, [])
    ]
    heads = [_("pair"), _("difference, 95 % interval"), _("seeds"), _("effect (d_z)"), _("p, Wilcoxon")]
    heads += [_("p, sign test"), _("p, Wilcoxon with Holm"), _("verdict")]
    return Table(caption, heads, rows) if rows else None


def music(data: StudyData, column: str, language: Language) -> Table | None:
    """The "overlap" of the music with the test music or its "distance": one row per feature, with the ceiling."""
    _, is_overlap = language.gettext, column == "overlap"
    found = {(row["combination"], row["measure"]): row[column] for row in data.music}
    shown = [each for each in data.measured() if any((each.name, name) in found for name in MUSIC)]
    if not shown:
        return None
    names = [CEILING, *(each.name for each in shown)]
    columns: list[list[Any]] = [[found.get((name, fact)) for fact in MUSIC] for name in names]
    rows: list[list[Cell]] = []
    for place, (fact, (_label, unit)) in enumerate(MUSIC.items()):
        head = language.head(f"music_{fact}_{column}")
        values = [language.number(each[place], 3 if is_overlap else None) for each in columns]
        rows.append([head if is_overlap else (head, _(unit)), *values])
    if is_overlap:
        averages = [None if None in values else sum(values) / len(values) for values in columns]
        rows.append([_("mean of all"), *(language.number(value, 3) for value in averages)])
    heads = [_("of"), _("test halves (ceiling)")]
    heads += [language.combination(each).replace("\u00a0", " ") for each in shown]
    caption = _("Wasserstein distance between the distributions, each in its unit; 0 if they are equal")
    if is_overlap:
        caption = _("Overlapping area of the distributions, generated and real; 1 if they are equal")
    return Table(caption, heads, rows)


def facts(data: StudyData, gaps: bool, language: Language) -> Table | None:
    """The facts of the music beside the real ones, or with `gaps` the distances from these beside their ceiling.

    One row per fact that any music has; None if there is none.
    """
    _, shown = language.gettext, data.measured()
    names = [f"music_{name}_gap" for name in FACTS] + ["music_auc", "music_best_auc"]
    if not gaps:
        names = [f"music_{name}" for name in FACTS]
    real = {row["measure"]: row["value"] for row in data.facts if row["combination"] == (CEILING if gaps else TEST)}
    rows: list[list[Cell]] = []
    for name in names:
        summaries = [data.comparison.measures[name].summaries[each.name] for each in shown]
        if any(each.mean is not None for each in summaries):
            unit = _(MEASURES[name].unit)
            head: Cell = (language.head(name), unit) if unit else language.head(name)
            reference = language.number(real.get(name), None if unit else 3)
            rows.append([head, reference, *(language.mean(each) for each in summaries)])
    heads = [_("of"), _("test halves (ceiling)") if gaps else _("test split")]
    heads += [language.combination(each).replace("\u00a0", " ") for each in shown]
    caption = _("Facts of the music of single runs, means over the seeds, beside those of the test split")
    if gaps:
        caption = _(
            "Distance of these facts from those of the test split; that of onsets on the beat is over all positions "
            "of the beat. Below: how well a classifier, and the best single fact, tell the music from the test split"
        )
    return Table(caption, heads, rows) if rows else None
