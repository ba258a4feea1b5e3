"""The figures of calibration and of sparsity: reliability before and after correction, recall, density by step."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from pianoroll_tf.choices import label
from tuner.report.data import StudyData
from tuner.report.figures import STYLES, WIDTH, choice_style, new_figure, numbers, panels
from tuner.report.language import Language
from tuner.study.results_model import Run

MIN_CELLS = 50  # of a pitch in the test split, over all runs, for its recall to be drawn


def reliability(data: StudyData, language: Language) -> Figure | None:
    """Reliability curves, one panel per combination, of the cells of all its runs."""
    combinations = [each for each in data.measured(ablations=False) if _tables(data.of(each), "reliability")]
    if not combinations:
        return None
    columns = min(len(combinations), 3)
    height, more = (WIDTH / columns * 1.02, 0.3) if columns > 1 else (6.0, 0.0)
    figure, all_axes = panels(len(combinations), columns, height, more)
    names = {"reliability": language.gettext("posterior"), "reliability_raw": language.gettext("raw output")}
    for index, (axes, combination) in enumerate(zip(all_axes, combinations, strict=True)):
        axes.plot([0, 1], [0, 1], color="0.5", linewidth=1, label=language.gettext("calibrated"))
        for place, (name, curve) in enumerate(names.items()):
            probability, frequency = pooled_reliability(data.of(combination), name)
            if len(probability):
                axes.plot(probability, frequency, markersize=4.5, label=curve, **STYLES[place])
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        axes.set_title(language.combination(combination), loc="left")
        if index % columns == 0:
            axes.set_ylabel(language.gettext("share of cells that sound"))
        if index + columns >= len(combinations):
            axes.set_xlabel(language.gettext("predicted probability"))
        numbers(language, axes.xaxis, axes.yaxis)
    handles = {line.get_label(): line for axes in all_axes for line in axes.get_lines()}
    figure.legend(handles=handles.values(), loc="outside lower center", ncols=3, fontsize="small")
    return figure


def pooled_reliability(runs: Sequence[Run], name: str) -> tuple[np.ndarray, np.ndarray]:
    """The reliability curve of the cells of several runs, from their table "reliability" or "reliability_raw".

    Returns:
        (mean predicted probability, share of cells that sound) of each bin that has cells; empty without a table.
    """
    tables = _tables(runs, name)
    if not tables:
        return np.zeros(0), np.zeros(0)
    cells, probability = _pooled(tables, "cells", "probability")
    _, frequency = _pooled(tables, "cells", "frequency")
    return probability[cells > 0], frequency[cells > 0]


def _tables(runs: Sequence[Run], name: str) -> list[dict[str, list]]:
    """A table of each run that has it."""
    return [table for run in runs if (table := run.tables.get(name))]


def _pooled(tables: Sequence[dict[str, list]], weight: str, column: str) -> tuple[np.ndarray, np.ndarray]:
    """The sum of a column of weights over several tables, and the weighted mean of another column; 0 without weight."""
    weights = np.array([table[weight] for table in tables], np.float64)
    values = np.nan_to_num(np.array([table[column] for table in tables], np.float64))  # None where the weight is 0
    total = weights.sum(axis=0)
    return total, (weights * values).sum(axis=0) / np.maximum(total, 1)


def sparsity(data: StudyData, language: Language) -> Figure | None:
    """Recall of each pitch by how often it sounds in training, and the expected number of notes by the true one."""
    losses = {
        loss: [run for each in data.main if each.loss == loss for run in data.of(each) if run.tables.get("pitch")]
        for loss in data.study.settings.study.losses
    }
    losses = {loss: runs for loss, runs in losses.items() if runs}
    if not losses:
        return None
    figure = new_figure(4.4)
    left, right = figure.subplots(1, 2)
    most = 0
    for loss, runs in losses.items():
        style: dict = {"markersize": 5, "label": label("loss", loss)} | choice_style(data, "loss", loss)
        left.plot(*pooled_recall(runs), alpha=0.8, **style | {"linestyle": ""})
        notes, predicted = pooled_polyphony(runs)
        right.plot(notes, predicted, **style)
        most = max(most, notes[-1])
    right.plot([0, most], [0, most], color="0.5", linewidth=1, label=language.gettext("as many as there are"))
    left.set(xscale="log", ylim=(-0.03, 1.03))
    left.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    left.set_xlabel(language.gettext("share of training steps in which a pitch sounds"))
    left.set_ylabel(language.gettext("recall of the pitch on the test split"))
    right.set_xlabel(language.gettext("true notes in a step (the last: this many or more)"))
    right.set_ylabel(language.gettext("expected notes, mean"))
    for axes in (left, right):
        axes.legend(loc="upper left", fontsize="small")
        numbers(language, axes.xaxis, axes.yaxis)
    return figure


def pooled_recall(runs: Sequence[Run]) -> tuple[np.ndarray, np.ndarray]:
    """Training frequency and recall of each pitch with at least `MIN_CELLS` sounding cells over all runs."""
    frequency = np.array(runs[0].tables["pitch"]["frequency"])
    cells, recall = _pooled(_tables(runs, "pitch"), "cells", "recall")
    shown = (cells >= MIN_CELLS) & (frequency > 0)
    return frequency[shown], recall[shown]


def pooled_polyphony(runs: Sequence[Run]) -> tuple[np.ndarray, np.ndarray]:
    """True number of notes in a step, and the mean expected number in such steps over all runs."""
    steps, predicted = _pooled(_tables(runs, "polyphony"), "steps", "predicted")
    return np.array(runs[0].tables["polyphony"]["notes"])[steps > 0], predicted[steps > 0]
