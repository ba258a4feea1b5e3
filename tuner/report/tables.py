"""The tables of a report on a study."""

from collections.abc import Callable, Sequence

from tuner.report.data import StudyData
from tuner.report.language import N_, Language
from tuner.report.page import Cell, Table
from tuner.study import folder as study_folder
from tuner.study.measure_table import MEASURES, MUSIC
from tuner.study.results_model import COLLAPSED, DIVERGED, FINISHED
from tuner.study.settings import Combination
from tuner.study.statistics import NOT_SHOWN, SHOWN, TOO_FEW_SEEDS, Pair

BASELINES = {"copy_last_step": N_("copy the last step"), "note_frequency": N_("note frequency")}
OUTCOMES = {FINISHED: N_("finished"), COLLAPSED: N_("collapsed"), DIVERGED: N_("diverged")}
VERDICTS = {
    SHOWN: N_("difference shown"),
    TOO_FEW_SEEDS: N_("all seeds agree, too few to show it"),
    NOT_SHOWN: N_("no difference shown"),
}
QUALITY = ("nll", "pr_auc", "f1", "onset_f1", "ece", "ece_raw")
RECALL = ("recall_rare", "recall_uncommon", "recall_common", "recall_frequent")
RANKED = ("nll", "pr_auc", "onset_f1", "ece", "curve_area", "recall_rare", "music_overlap")
# Table of means → its caption and measures
MEANS = {
    "quality": (N_("Numbers on the test split, means over the seeds"), QUALITY),
    "stability": (N_("How the runs ended"), ("val_nll", "last_val_nll", "gradient_ratio", "roughness")),
    "convergence": (
        N_(
            "What it takes to reach the baseline “copy the last step”, and to get within 2 % of the best validation "
            "NLL of all runs"
        ),
        ("epochs_to_copy", "steps_to_copy", "seconds_to_copy", "epochs_to_best", "steps_to_best"),
    ),
    "convergence_more": (
        N_("Time to within 2 % of the best, and the mean over the run of the best validation NLL so far"),
        ("seconds_to_best", "curve_area"),
    ),
    "sparsity": (
        N_("Density and silence, predicted and true"),
        ("density_ratio", "step_density_error", "silent_predicted", "silent_ratio"),
    ),
    "recall": (N_("Recall of cells, by the share of training steps in which their pitch sounds"), RECALL),
    "music": (
        N_("Overlap of single runs, which have fewer pieces, and the density of their music without the governor"),
        ("music_overlap", "free_density_ratio"),
    ),
}


def means(
    data: StudyData, name: str, language: Language, more: dict[str, Callable[[Combination], Cell]] | None = None
) -> Table:
    """The means of some measures with their intervals, one row per combination.

    Args:
        data: The study.
        name: Entry of `MEANS`.
        language: Of the table.
        more: Head → cell of a combination, of columns that come first.
    """
    caption, measures = MEANS[name]
    more = more or {}
    rows = []
    for each in data.shown(measures):
        summaries = [data.comparison.measures[measure].summaries[each.name] for measure in measures]
        cells: list[Cell] = [_mean_cell(summary, language) for summary in summaries]
        rows.append([language.combination(each), *(make(each) for make in more.values()), *cells])
    heads = [language.gettext("combination"), *more, *(_head(measure, language) for measure in measures)]
    return Table(language.gettext(caption), heads, rows)


def _mean_cell(summary, language: Language) -> Cell:
    mean, between = language.mean(summary)
    if summary.missing:
        reached = language.gettext("{runs} of {all} runs", runs=summary.runs, all=summary.runs + summary.missing)
        return mean, f"{between}\n{reached}" if between else reached
    return mean, between


def _head(name: str, language: Language) -> str:
    unit = language.unit(MEASURES[name].unit)
    head = language.head(name)
    return f"{head}, {unit}" if unit and unit not in head and not name.startswith(("epochs", "steps", "sec")) else head


def quality(data: StudyData, language: Language) -> Table:
    """The judged numbers, baselines first."""
    table = means(data, "quality", language)
    judged = data.baselines.get("test", {})
    rows = [
        [
            language.gettext(label),
            *(language.number(judged[baseline].get("ece" if name == "ece_raw" else name)) for name in QUALITY),
        ]
        for baseline, label in BASELINES.items()
        if baseline in judged
    ]
    return Table(table.caption, table.head, [*rows, *table.rows])


def stability(data: StudyData, language: Language) -> Table:
    """How the runs ended, their spread over the seeds, norms of gradients and roughness."""
    outcomes = data.comparison.outcomes

    def ended(each: Combination) -> Cell:
        found = outcomes[each.name]
        return language.gettext("{runs} of {all} runs", runs=found[FINISHED], all=sum(found.values()))

    def count(outcome: str) -> Callable[[Combination], Cell]:
        return lambda each: str(outcomes[each.name][outcome])

    def spread(each: Combination) -> Cell:
        return language.number(data.comparison.measures["val_nll"].summaries[each.name].sd)

    more = {
        language.gettext("ended well"): ended,
        language.gettext("collapsed"): count(COLLAPSED),
        language.gettext("diverged"): count(DIVERGED),
        language.gettext("validation NLL, sd over seeds"): spread,
    }
    return means(data, "stability", language, more)


def causes(data: StudyData, language: Language) -> list[str]:
    """One line per run that did not end well: which, how and why."""
    named = {each.name: each for each in data.study.combinations}
    return [
        language.gettext(
            "{name}, seed {seed}: {outcome}: {cause}",
            name=language.combination(named[run.combination]),
            seed=run.seed,
            outcome=language.gettext(OUTCOMES[run.outcome]),
            cause=run.cause,
        )
        for run in data.runs
        if run.cause
    ]


def ranks(data: StudyData, language: Language) -> Table | None:
    """Mean ranks; None if there are none."""
    ranked = ((name, data.comparison.measures[name].ranks) for name in RANKED)
    found = {name: each for name, each in ranked if each is not None and each.seeds}
    if not found or len(data.main) < 2:
        return None
    rows: list[list[Cell]] = [
        [language.combination(each), *(language.number(found[name].mean[each.name], 2) for name in found)]
        for each in data.main
    ]
    rows.append(
        [
            language.gettext("p of Friedman’s test"),
            *("–" if each.p is None else language.p(each.p) for each in found.values()),
        ]
    )
    rows.append(
        [
            language.gettext("critical difference"),
            *(language.number(each.critical_difference, 2) for each in found.values()),
        ]
    )
    return Table(
        language.gettext("Mean ranks over the seeds; 1 is best"),
        [language.gettext("combination"), *(language.head(name) for name in found)],
        rows,
    )


def groups_of(data: StudyData, measure: str, language: Language) -> dict[str, list[tuple[str, Pair]]]:
    """Losses, optimizers, combinations, ablations → (label, pair) of each pair that has a difference in a measure."""
    found, named = data.comparison.measures[measure], {each.name: each for each in data.study.combinations}

    def combination(name: str) -> str:
        return language.combination(named[name])

    groups: list[tuple[str, Sequence[Pair], Callable[[str], str]]] = [
        ("losses", found.losses, language.loss),
        ("optimizers", found.optimizers, language.optimizer),
        ("combinations", found.pairs if len(data.main) > 2 else [], combination),
        ("ablations", found.ablations, combination),
    ]
    labelled = {
        key: [(f"{name(pair.first)} − {name(pair.second)}", pair) for pair in pairs if pair.mean is not None]
        for key, pairs, name in groups
    }
    return {key: pairs for key, pairs in labelled.items() if pairs}


def pairs(data: StudyData, measure: str, language: Language, keys: Sequence[str], caption: str) -> Table | None:
    """Paired differences of a measure with their tests; None if there are none."""
    groups = groups_of(data, measure, language)
    rows: list[list[Cell]] = []
    for key in keys:
        for label, pair in groups.get(key, []):
            rows.append(
                [
                    label,
                    language.difference(pair.mean, pair.low, pair.high),
                    str(pair.seeds),
                    language.number(pair.effect, 2),
                    language.p(pair.wilcoxon),
                    language.p(pair.sign),
                    language.p(pair.adjusted),
                    language.gettext(VERDICTS[pair.verdict]),
                ]
            )
    _ = language.gettext
    heads = [_("pair"), _("difference, 95 % interval"), _("seeds"), _("effect (d_z)"), _("p, Wilcoxon")]
    heads += [_("p, sign test"), _("p, Wilcoxon with Holm"), _("verdict")]
    return Table(caption, heads, rows) if rows else None


def music(data: StudyData, column: str, language: Language) -> Table | None:
    """Overlap of the music with the test music, or distance from it: one row per feature, with the ceiling.

    Args:
        data: The study.
        column: "overlap" or "distance".
        language: The language.
    """
    found = {(row["combination"], row["measure"]): row[column] for row in data.music}
    shown = [each for each in data.measured() if any((each.name, name) in found for name in MUSIC)]
    if not shown:
        return None
    names = [study_folder.CEILING, *(each.name for each in shown)]
    rows: list[list[Cell]] = []
    for fact, (_, unit) in MUSIC.items():
        label = language.head(f"music_{fact}_{column}")
        head: Cell = (label, language.unit(unit)) if column == "distance" else label
        decimals = 3 if column == "overlap" else None
        rows.append([head, *(language.number(found.get((name, fact)), decimals) for name in names)])
    if column == "overlap":
        totals = [[found.get((name, fact)) for fact in MUSIC] for name in names]
        averages = [
            None if None in each else sum(value for value in each if value is not None) / len(each) for each in totals
        ]
        rows.append([language.gettext("mean of all"), *(language.number(value, 3) for value in averages)])
    heads = [
        language.gettext("of"),
        language.gettext("test halves (ceiling)"),
        *(language.combination(each).replace("\u00a0", " ") for each in shown),
    ]
    caption = language.gettext("Wasserstein distance between the distributions, each in its unit; 0 if they are equal")
    if column == "overlap":
        caption = language.gettext("Overlapping area of the distributions, generated and real; 1 if they are equal")
    return Table(caption, heads, rows)
