"""The figures of calibration and of sparsity: reliability before and after correction, recall, density by step."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from tuner.report.data import StudyData
from tuner.report.figures import WIDTH, grid_of, loss_style, numbers, panels, picture, style_of
from tuner.report.language import Language
from tuner.study.results_model import Run

MIN_CELLS = 50  # of a pitch in the test split, over all runs, for its recall to be drawn


def reliability(data: StudyData, language: Language) -> bytes | None:
    """Reliability curves, one panel per combination, of the cells of all its runs."""
    combinations = [each for each in data.measured(ablations=False) if _with_table(data.of(each), "reliability")]
    if not combinations:
        return None
    rows, columns = grid_of(len(combinations), 3)

    def draw(figure: Figure) -> None:
        all_axes = panels(figure, len(combinations), columns)
        for index, (axes, combination) in enumerate(zip(all_axes, combinations, strict=True)):
            axes.plot([0, 1], [0, 1], color="0.5", linewidth=1, label=language.gettext("calibrated"))
            labels = {"reliability": language.gettext("posterior"), "reliability_raw": language.gettext("raw output")}
            for place, (name, label) in enumerate(labels.items()):
                probability, frequency = pooled_reliability(data.of(combination), name)
                if len(probability):
                    style = style_of(place)
                    axes.plot(probability, frequency, markersize=4.5, label=label, **style)
            axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
            axes.set_aspect("equal")
            axes.set_title(language.combination(combination), loc="left")
            if index % columns == 0:
                axes.set_ylabel(language.gettext("share of cells that sound"))
            if index + columns >= len(combinations):
                axes.set_xlabel(language.gettext("predicted probability"))
            numbers(language, axes.xaxis, axes.yaxis)
        handles = {line.get_label(): line for axes in all_axes for line in axes.get_lines()}
        figure.legend(handles=handles.values(), loc="outside lower center", ncols=3, fontsize="small")

    return picture((WIDTH, rows * WIDTH / columns * 1.02 + 0.3 if columns > 1 else 6.0), draw)


def pooled_reliability(runs: Sequence[Run], name: str) -> tuple[np.ndarray, np.ndarray]:
    """The reliability curve of the cells of several runs.

    Args:
        runs: Of one combination.
        name: Of the table: "reliability" or "reliability_raw".

    Returns:
        (mean predicted probability, share of cells that sound) of each bin that has cells; empty without a table.
    """
    sums = np.zeros((3, 0))
    for run in _with_table(runs, name):
        table = run.tables[name]
        cells = np.array(table["cells"], np.float64)
        means = np.array([[value or 0.0 for value in table[column]] for column in ("probability", "frequency")])
        sums = (sums if sums.size else np.zeros((3, len(cells)))) + np.vstack([cells, cells * means])
    cells, probability, frequency = sums[:, sums[0] > 0] if sums.size else sums
    return probability / cells, frequency / cells


def _with_table(runs: Sequence[Run], name: str) -> list[Run]:
    return [run for run in runs if run.tables.get(name)]


def sparsity(data: StudyData, language: Language) -> bytes | None:
    """Recall of each pitch by how often it sounds in training, and the expected number of notes by the true one."""
    losses = {
        loss: [run for each in data.main if each.loss == loss for run in data.of(each) if run.tables.get("pitch")]
        for loss in data.study.settings.study.losses
    }
    losses = {loss: runs for loss, runs in losses.items() if runs}
    if not losses:
        return None

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        most = 0
        for loss, runs in losses.items():
            style = loss_style(data, loss)
            frequency, recall = pooled_recall(runs)
            left.plot(
                frequency, recall, markersize=5, alpha=0.8, label=language.loss(loss), **style | {"linestyle": ""}
            )
            notes, predicted = pooled_polyphony(runs)
            right.plot(notes, predicted, markersize=5, label=language.loss(loss), **style)
            most = max(most, notes[-1])
        right.plot([0, most], [0, most], color="0.5", linewidth=1, label=language.gettext("as many as there are"))
        left.set_xscale("log")
        left.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        left.set_xlabel(language.gettext("share of training steps in which a pitch sounds"))
        left.set_ylabel(language.gettext("recall of the pitch on the test split"))
        left.set_ylim(-0.03, 1.03)
        right.set_xlabel(language.gettext("true notes in a step (the last: this many or more)"))
        right.set_ylabel(language.gettext("expected notes, mean"))
        for axes in (left, right):
            axes.legend(loc="upper left", fontsize="small")
            numbers(language, axes.xaxis, axes.yaxis)

    return picture((WIDTH, 4.4), draw)


def pooled_recall(runs: Sequence[Run]) -> tuple[np.ndarray, np.ndarray]:
    """Training frequency and recall of each pitch with at least `MIN_CELLS` sounding cells over all runs."""
    frequency = np.array(runs[0].tables["pitch"]["frequency"])
    cells = np.array([run.tables["pitch"]["cells"] for run in runs], np.float64)
    recall = np.array([[value or 0.0 for value in run.tables["pitch"]["recall"]] for run in runs])
    total = cells.sum(axis=0)
    shown = (total >= MIN_CELLS) & (frequency > 0)
    return frequency[shown], (cells * recall).sum(axis=0)[shown] / total[shown]


def pooled_polyphony(runs: Sequence[Run]) -> tuple[np.ndarray, np.ndarray]:
    """True number of notes in a step, and the mean expected number in such steps over all runs."""
    tables = [run.tables["polyphony"] for run in runs]
    steps = np.array([table["steps"] for table in tables], np.float64)
    predicted = np.array([[value or 0.0 for value in table["predicted"]] for table in tables])
    total = steps.sum(axis=0)
    shown = total > 0
    return np.array(tables[0]["notes"])[shown], (steps * predicted).sum(axis=0)[shown] / total[shown]
