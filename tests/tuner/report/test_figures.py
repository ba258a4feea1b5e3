"""The figures of a report on a study: what they show, and that nothing in them overlaps, in both languages."""

import functools
import itertools
import xml.etree.ElementTree as ET

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from synthetic_study import tiny_settings, write_study

from tuner.report import calibration as report_calibration
from tuner.report import curves as report_curves
from tuner.report import data as report_data
from tuner.report import differences as report_differences
from tuner.report import figures as report_figures
from tuner.report import music as report_music
from tuner.report.language import Language
from tuner.report.tables import RECALL
from tuner.study.results_model import Run
from tuner.study.settings import Combination

SETTINGS = {"optimizers": ("adam", "adamw", "rmsprop"), "seeds": 3}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Six combinations; one run diverged."""
    folder = tmp_path_factory.mktemp("study") / "made-up"
    return report_data.read(write_study(folder, tiny_settings(**SETTINGS), diverged=[("focal-rmsprop", 2)]))


@pytest.fixture(autouse=True)
def style():
    """Figures are drawn as in a report."""
    with matplotlib.rc_context(report_figures.STYLE):
        yield


FIGURES = {
    "means": lambda data, language: report_figures.means(data, ("nll", "pr_auc", "onset_f1", "ece"), language),
    "times": lambda data, language: report_figures.means(data, ("steps_to_copy", "seconds_to_best"), language),
    "three beside each other": lambda data, language: report_figures.means(
        data, ("last_val_nll", "gradient_ratio", "roughness"), language, columns=3
    ),
    "recall": lambda data, language: report_figures.means(data, RECALL, language),
    "curves by optimizer": functools.partial(report_curves.curves, by="optimizer"),
    "curves by loss": functools.partial(report_curves.curves, by="loss"),
    "differences": lambda data, language: report_differences.differences(data, "nll", language),
    "ranks": lambda data, language: report_differences.ranks(data, ("nll", "pr_auc", "music_overlap"), language),
    "reliability": report_calibration.reliability,
    "sparsity": report_calibration.sparsity,
    "rolls": report_music.rolls,
}


def boxes(texts, renderer):
    """Bounding boxes of the texts that are seen, in pixels."""
    seen = [text for text in texts if text.get_visible() and text.get_text().strip()]
    return {text: text.get_window_extent(renderer) for text in seen}


@pytest.mark.parametrize(
    ("name", "language"),
    [*((name, "ru") for name in FIGURES), ("means", "en"), ("ranks", "en")],  # Russian language are longer
)
def test_nothing_overlaps_and_nothing_is_cut_off(data, name, language):
    figure = FIGURES[name](data, Language(language))
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    texts = [figure._supxlabel, figure._supylabel]
    for axes in figure.axes:
        texts += [*axes.texts, axes._left_title, axes.xaxis.label, axes.yaxis.label]
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            within = [tick for tick in axis.get_major_ticks() if min(limits) <= tick.get_loc() <= max(limits)]
            texts += [tick.label1 for tick in within]
    texts = [text for text in texts if text is not None]
    found = boxes(texts, renderer)
    assert len(found) > 8
    for (one, left), (other, right) in itertools.combinations(found.items(), 2):
        overlap = min(left.x1, right.x1) - max(left.x0, right.x0), min(left.y1, right.y1) - max(left.y0, right.y0)
        assert min(overlap) < 1, (one.get_text(), other.get_text())
    page = figure.bbox
    for text, box in found.items():
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= page.x1 + 1 and box.y1 <= page.y1 + 1, text.get_text()


def test_numbers_on_axes_follow_the_language(data):
    figure = report_figures.means(data, ("pr_auc",), Language("ru"))
    figure.draw_without_rendering()
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert all("," in label and "." not in label for label in labels)


def test_curves_leave_out_the_diverged_run_and_band_the_others(data):
    combination = Combination("focal", "rmsprop")
    curves = report_curves.curves_of(data, combination)
    assert [len(values) for values in curves] == [8, 8]
    assert len(report_curves.curves_of(data, Combination("bce", "adam"))) == 3
    axes = Figure().subplots()
    report_curves._draw_band(axes, [[5.0, 4.0, 3.0], [7.0, 6.0]], "label", report_figures.STYLES[0])
    mean, tail = axes.get_lines()
    np.testing.assert_array_equal(mean.get_xydata(), [[1, 6], [2, 5]])
    np.testing.assert_array_equal(tail.get_xydata(), [[2, 4], [3, 3]])  # the longer run alone
    [band] = axes.collections
    assert band.get_datalim(axes.transData).extents.tolist() == [1, 4, 2, 7]


def run_with(**tables):
    return Run("bce-adam", 0, {}, "finished", "", {}, tables)


def test_cells_of_several_runs_are_taken_together():
    """Bin 0: 10 cells at 0.1 and 30 at 0.2; bin 1: none in the first run."""
    first = run_with(reliability={"probability": [0.1, None], "frequency": [0.0, None], "cells": [10, 0]})
    second = run_with(reliability={"probability": [0.2, 0.9], "frequency": [0.4, 1.0], "cells": [30, 5]})
    probability, frequency = report_calibration.pooled_reliability([first, second], "reliability")
    np.testing.assert_allclose(probability, [0.175, 0.9])
    np.testing.assert_allclose(frequency, [0.3, 1.0])
    assert all(len(part) == 0 for part in report_calibration.pooled_reliability([first], "reliability_raw"))


def test_recall_and_polyphony_of_several_runs():
    """The second pitch sounds too rarely in the test split, the third not in training."""
    pitch = {"frequency": [0.1, 0.2, 0.0], "cells": [40, 10, 900], "recall": [0.5, 0.1, None]}
    more = {"frequency": [0.1, 0.2, 0.0], "cells": [60, 10, 900], "recall": [1.0, 0.1, None]}
    frequency, recall = report_calibration.pooled_recall([run_with(pitch=pitch), run_with(pitch=more)])
    np.testing.assert_allclose((frequency, recall), [[0.1], [0.8]])  # (20 + 60) / 100
    table = {"notes": [0, 1, 2], "steps": [30, 10, 0], "predicted": [0.5, 1.5, None]}
    other = {"notes": [0, 1, 2], "steps": [10, 10, 0], "predicted": [0.1, 0.5, None]}
    notes, expected = report_calibration.pooled_polyphony([run_with(polyphony=table), run_with(polyphony=other)])
    np.testing.assert_allclose((notes, expected), [[0, 1], [0.4, 1.0]])


def test_what_cannot_be_drawn_is_none(tmp_path):
    settings = tiny_settings(losses=("bce",), optimizers=("adam",), seeds=1)
    empty = report_data.read(write_study(tmp_path / "empty", settings, skipped=[("bce-adam", 0)]))
    one = report_data.read(write_study(tmp_path / "one", settings))
    language = Language("en")
    assert all(draw(empty, language) is None for draw in FIGURES.values())
    assert [name for name, draw in FIGURES.items() if draw(one, language) is None] == [
        *("curves by optimizer", "differences", "ranks")
    ]


def test_the_same_drawing_gives_the_same_bytes(data):
    language = Language("en")
    first, second = (
        report_figures.block("sparsity", report_calibration.sparsity(data, language), language).content
        for _ in range(2)
    )
    assert first == second
    assert ET.fromstring(first).tag.endswith("svg")


def test_real_pieces_are_of_median_and_upper_quartile_density(data, monkeypatch):
    """Parts of 16 steps with 1 to 5 sounding cells, and one that is too short."""
    pieces = []
    for cells, steps in ((4, 16), (2, 16), (5, 16), (1, 16), (3, 16), (8, 8)):
        roll = np.zeros((steps, 84), np.uint8)
        roll[0, :cells] = 1
        pieces.append(roll)
    monkeypatch.setattr(type(data), "real_pieces", lambda self: pieces)
    assert [int(roll.sum()) for roll in report_music.real_examples(data)] == [3, 4]
    monkeypatch.setattr(type(data), "real_pieces", lambda self: [])
    assert report_music.real_examples(data) == []


def test_sounds_are_made_once(data, tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(report_music, "wav_bytes", lambda music, seconds: (made.append(seconds), (b"RIFF", "bells"))[1])
    language = Language("en")
    names, files, maker = report_music.sounds(data, language, tmp_path, with_wav=True)
    assert names["focal\u00a0·\u00a0AdamW"] == ("audio/focal-adamw.mid", "audio/focal-adamw.wav")
    assert (made, maker) == ([8.0] * 8, "bells")  # 64 steps at 8 a second; two real pieces and six combinations
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    _, files, maker = report_music.sounds(data, language, tmp_path, with_wav=True)
    assert (len(made), maker) == (8, "")
    assert all(name.endswith(".mid") for name in files)
    (tmp_path / "audio" / "focal-adamw.mid").write_bytes(b"other music")
    report_music.sounds(data, language, tmp_path, with_wav=True)
    assert len(made) == 9
    names, _, _ = report_music.sounds(data, language, tmp_path, with_wav=False)
    assert names["real piece 1"] == ("audio/real-1.mid", None)
