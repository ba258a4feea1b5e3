"""A report on a study: its sections and their contents."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

from tuner.report import calibration as report_calibration
from tuner.report import curves as report_curves
from tuner.report import differences as report_differences
from tuner.report import figures as report_figures
from tuner.report import listening as report_listening
from tuner.report import music as report_music
from tuner.report import summary as report_summary
from tuner.report import tables
from tuner.report.captions import SECTIONS
from tuner.report.data import StudyData, read, results_csv
from tuner.report.figures import block
from tuner.report.language import Language
from tuner.report.page import Block, Report, Section, Sounds, Table, Text
from tuner.report.reproduce import study_settings, tuning_table

RANKED_FIGURE = ("nll", "pr_auc", "onset_f1", "music_overlap", "music_auc")
QUALITY_FIGURE = ("nll", "pr_auc", "onset_f1", "ece")
CONVERGENCE_FIGURE = ("steps_to_copy", "operations_to_copy", "steps_to_settled", "operations_to_settled")
STABILITY_FIGURE = ("last_val_nll", "gradient_ratio", "roughness")
ABLATIONS_FIGURE = ("nll", "ece", "density_ratio", "music_overlap")
ABLATED = ("nll", "pr_auc", "ece", "density_ratio", "steps_to_copy", "music_overlap", "music_auc")

Blocks = list[Block | None]


@matplotlib.rc_context(report_figures.STYLE)
def make(
    folder: Path,
    language: Language,
    out: Path,
    with_wav: bool,
    listening_pairs: int | None = None,
    votes: Sequence[Path] = (),
) -> Report:
    """Reads a study and makes its report for the folder `out`, of which sounds that are up to date are kept.

    `listening_pairs` and `votes` are those of `listening.make`.

    Raises:
        UserError: The folder is no study, or a file is damaged.
    """
    data = read(folder)
    listening, heard, listening_files = report_listening.make(data, language, listening_pairs, votes)
    sounds, files, synthesizer = report_music.sounds(data, language, out, with_wav)
    if synthesizer:
        print(f"sound: {synthesizer}")
    notes = [Text(language.gettext("Limits of these results:"), report_summary.limits(data, language))]
    if missing := report_summary.missing(data, language):
        unfinished = language.gettext(
            "The study is not finished. Run the same tuner.study command to resume it. There are no results yet for:"
        )
        notes.insert(0, Text(unfinished, missing))
    improper = any(run.tables.get("reliability_raw") for run in data.runs)
    reliability = block("reliability", report_calibration.reliability(data, language), language)
    contents: dict[str, Sequence[Block | None]] = {
        "quality": _quality(data, language),
        "differences": _differences(data, language),
        "convergence": _convergence(data, language),
        "stability": _stability(data, language),
        "calibration" if improper else "calibration_proper": [reliability],
        "sparsity": _sparsity(data, language),
        "music": _music(data, language, sounds),
        listening: heard,
        "ablations": _ablations(data, language),
        "tuning": [tuning_table(data, language)],
        "repeat": study_settings(data, language),
    }
    pieces = language.ngettext("{n} piece", "{n} pieces", data.study.settings.study.pieces)
    sections = [_section(name, blocks, language, pieces) for name, blocks in contents.items()]
    title = language.gettext("Study {name}: which loss, which optimizer", name=folder.resolve().name)
    return Report(
        title, report_summary.paragraphs(data, language), notes, sections, results_csv(data), files | listening_files
    )


def _section(name: str, blocks: Sequence[Block | None], language: Language, pieces: str) -> Section:
    """A section with its title and first paragraph; empty if no block has something to show."""
    title, lead = (language.gettext(message, pieces=pieces) for message in SECTIONS[name])
    shown = [block for block in blocks if block is not None and not (isinstance(block, Table) and not block.rows)]
    return Section(name.partition("_")[0], title, [Text(lead), *shown] if lead and shown else shown)


def _quality(data: StudyData, language: Language) -> Blocks:
    means = report_figures.means(data, QUALITY_FIGURE, language)
    return [tables.quality(data, language), block("means", means, language)]


def _differences(data: StudyData, language: Language) -> Blocks:
    if len(data.main) < 2:
        return []
    caption = language.gettext("Paired differences of the test NLL, nats per step; below 0, the first is better")
    return [
        block("nll_differences", report_differences.differences(data, "nll", language), language),
        tables.pairs(data, "nll", language, ("losses", "optimizers", "combinations"), caption),
        block("ranks", report_differences.ranks(data, RANKED_FIGURE, language), language),
        tables.ranks(data, language),
    ]


def _convergence(data: StudyData, language: Language) -> Blocks:
    return [
        block("curves_by_optimizer", report_curves.curves(data, language, by="optimizer"), language),
        block("curves_by_loss", report_curves.curves(data, language, by="loss"), language),
        block("cost", report_figures.means(data, CONVERGENCE_FIGURE, language), language),
        *(tables.means(data, name, language) for name in ("convergence", "convergence_own", "convergence_curve")),
    ]


def _stability(data: StudyData, language: Language) -> Blocks:
    means = report_figures.means(data, STABILITY_FIGURE, language, columns=3)
    causes = tables.causes(data, language)
    return [
        tables.stability(data, language),
        Text(language.gettext("Runs that did not end well:"), causes) if causes else None,
        block("stability_means", means, language),
    ]


def _sparsity(data: StudyData, language: Language) -> Blocks:
    return [
        block("sparsity", report_calibration.sparsity(data, language), language),
        tables.means(data, "sparsity", language),
        tables.means(data, "recall", language),
        block("recall", report_figures.means(data, tables.RECALL, language), language),
    ]


def _music(data: StudyData, language: Language, sounds: dict[str, tuple[str, str | None]]) -> Blocks:
    names = ", ".join(language.combination(each) for each in data.measured())
    return [
        block("rolls", report_music.rolls(data, language), language, suffix="png", names=names),
        Sounds(sounds) if sounds else None,
        tables.music(data, "overlap", language),
        tables.music(data, "distance", language),
        tables.facts(data, False, language),
        tables.facts(data, True, language),
        tables.means(data, "music", language),
    ]


def _ablations(data: StudyData, language: Language) -> Blocks:
    if not any(each.ablation for each in data.measured()):
        return []
    parents = {each.parent for each in data.measured() if each.ablation}
    shown = [each for each in data.measured() if each.ablation or each.name in parents]
    blocks: Blocks = [
        block("ablations_means", report_figures.means(data, ABLATIONS_FIGURE, language, combinations=shown), language)
    ]
    for name in ABLATED:
        measure = language.measure(name, with_unit=True)
        caption = language.gettext("Paired differences of an ablation and its parent: {measure}", measure=measure)
        blocks.append(tables.pairs(data, name, language, ["ablations"], caption))
    return blocks
