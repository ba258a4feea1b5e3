"""The tables of a report on a study."""

from collections.abc import Callable, Sequence

from tuner.report.data import StudyData
from tuner.report.differences import groups_of
from tuner.report.language import Words
from tuner.report.page import Cell, Table
from tuner.study import folder as study_folder
from tuner.study.folder import COLLAPSED, DIVERGED, FINISHED
from tuner.study.measure_table import MEASURES, MUSIC
from tuner.study.settings import Combination

BASELINES = ("copy_last_step", "note_frequency")
QUALITY = ("nll", "pr_auc", "f1", "onset_f1", "ece", "ece_raw")
CONVERGENCE = ("epochs_to_copy", "steps_to_copy", "seconds_to_copy", "epochs_to_best", "steps_to_best")
CONVERGENCE_MORE = ("seconds_to_best", "curve_area")
SPARSITY = ("density_ratio", "step_density_error", "silent_predicted", "silent_ratio")
RECALL = ("recall_rare", "recall_uncommon", "recall_common", "recall_frequent")
RANKED = ("nll", "pr_auc", "onset_f1", "ece", "curve_area", "recall_rare", "music_overlap")


def measures(
    data: StudyData,
    names: Sequence[str],
    caption: str,
    words: Words,
    more: dict[str, Callable[[Combination], Cell]] | None = None,
) -> Table:
    """The combinations, a row each: means of some measures with their intervals.

    Args:
        data: What the study holds.
        names: Of the measures.
        caption: Above the table.
        words: Its language.
        more: Head → cell of a combination, of columns that come first.
    """
    more = more or {}
    rows = []
    for each in data.shown(names):
        found = [data.comparison.measures[name].summaries[each.name] for name in names]
        cells: list[Cell] = [_mean_cell(summary, words) for summary in found]
        rows.append([words.combination(each), *(make(each) for make in more.values()), *cells])
    return Table(caption, [words("combination"), *more, *(_head(name, words) for name in names)], rows)


def _mean_cell(summary, words: Words) -> Cell:
    mean, between = words.mean(summary)
    if summary.missing:
        reached = words("in_runs", runs=summary.runs, all=summary.runs + summary.missing)
        return mean, f"{between}\n{reached}" if between else reached
    return mean, between


def _head(name: str, words: Words) -> str:
    unit = words.unit(MEASURES[name].unit)
    head = words.head(name)
    return f"{head}, {unit}" if unit and unit not in head and not name.startswith(("epochs", "steps", "sec")) else head


def quality(data: StudyData, words: Words) -> Table:
    """The judged numbers, baselines first."""
    table = measures(data, QUALITY, words("quality_table"), words)
    judged = data.baselines.get("test", {})
    rows = [
        [
            words(baseline),
            *(words.number(judged[baseline].get("ece" if name == "ece_raw" else name)) for name in QUALITY),
        ]
        for baseline in BASELINES
        if baseline in judged
    ]
    return Table(table.caption, table.head, [*rows, *table.rows])


def stability(data: StudyData, words: Words) -> Table:
    """How runs ended, their spread over the seeds, gradients and roughness."""
    outcomes = data.comparison.outcomes

    def ended(each: Combination) -> Cell:
        found = outcomes[each.name]
        return words("in_runs", runs=found[FINISHED], all=sum(found.values()))

    def count(outcome: str) -> Callable[[Combination], Cell]:
        return lambda each: str(outcomes[each.name][outcome])

    def spread(each: Combination) -> Cell:
        return words.number(data.comparison.measures["val_nll"].summaries[each.name].sd)

    more = {
        words("ended_head"): ended,
        words("collapsed_head"): count(COLLAPSED),
        words("diverged_head"): count(DIVERGED),
        words("spread_head"): spread,
    }
    names = ("val_nll", "last_val_nll", "gradient_ratio", "roughness")
    return measures(data, names, words("stability_table"), words, more)


def causes(data: StudyData, words: Words) -> list[str]:
    """A line for each run that did not end well: which, how, why."""
    named = {each.name: each for each in data.study.combinations}
    return [
        words(
            "cause",
            name=words.combination(named[run.combination]),
            seed=run.seed,
            outcome=words(run.outcome + "_head"),
            cause=run.cause,
        )
        for run in data.runs
        if run.cause
    ]


def ranks(data: StudyData, words: Words) -> Table | None:
    """Mean ranks; None where there are none."""
    found = {name: data.comparison.measures[name].ranks for name in RANKED}
    found = {name: each for name, each in found.items() if each is not None and each.seeds}
    if not found or len(data.main) < 2:
        return None
    rows: list[list[Cell]] = [
        [words.combination(each), *(words.number(found[name].mean[each.name], 2) for name in found)]
        for each in data.main
    ]
    rows.append([words("friedman"), *("–" if each.p is None else words.p(each.p) for each in found.values())])
    rows.append([words("critical"), *(words.number(each.critical_difference, 2) for each in found.values())])
    return Table(words("ranks_table"), [words("combination"), *(words.head(name) for name in found)], rows)


def pairs(data: StudyData, measure: str, words: Words, keys: Sequence[str], caption: str) -> Table | None:
    """Paired differences of a measure with their tests; None where there are none."""
    groups = groups_of(data, measure, words)
    rows = []
    for key in keys:
        for label, pair in groups.get(key, []):
            rows.append(
                [
                    label,
                    words.difference(pair.mean, pair.low, pair.high),
                    str(pair.seeds),
                    words.number(pair.effect, 2),
                    words.p(pair.wilcoxon),
                    words.p(pair.sign),
                    words.p(pair.adjusted),
                    words(f"verdict_{pair.verdict}"),
                ]
            )
    heads = ("pair", "difference", "seeds", "effect", "wilcoxon", "sign", "adjusted", "verdict")
    return Table(caption, [words(f"{head}_head") for head in heads], rows) if rows else None


def music(data: StudyData, column: str, words: Words) -> Table | None:
    """The music's overlap with the test music, or its distance from it, a row a fact, beside the ceiling.

    Args:
        data: What the study holds.
        column: "overlap" or "distance".
        words: The language.
    """
    found = {(row["combination"], row["measure"]): row[column] for row in data.music}
    shown = [each for each in data.measured() if any((each.name, name) in found for name in MUSIC)]
    if not shown:
        return None
    names = [study_folder.CEILING, *(each.name for each in shown)]
    rows: list[list[Cell]] = []
    for fact, (_, unit) in MUSIC.items():
        label = words.head(f"music_{fact}_{column}")
        head: Cell = (label, words.unit(unit)) if column == "distance" else label
        decimals = 3 if column == "overlap" else None
        rows.append([head, *(words.number(found.get((name, fact)), decimals) for name in names)])
    if column == "overlap":
        totals = [[found.get((name, fact)) for fact in MUSIC] for name in names]
        means = [None if None in each else sum(each) / len(each) for each in totals]
        rows.append([words("mean_of_all"), *(words.number(value, 3) for value in means)])
    heads = [words("fact"), words("ceiling"), *(words.combination(each).replace("\u00a0", " ") for each in shown)]
    return Table(words(f"music_{column}_table"), heads, rows)
