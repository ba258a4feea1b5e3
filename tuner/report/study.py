"""A report on a study: which sections it has, and what stands in each."""

from collections.abc import Sequence
from pathlib import Path

from tuner.report import calibration as report_calibration
from tuner.report import curves as report_curves
from tuner.report import differences as report_differences
from tuner.report import figures as report_figures
from tuner.report import music as report_music
from tuner.report import summary as report_summary
from tuner.report import tables
from tuner.report.data import StudyData, read, results_csv
from tuner.report.language import Words
from tuner.report.page import Figure, Report, Section, Sounds, Table, Text
from tuner.report.reproduce import study_settings, tuning_table

RANKED_FIGURE = ("nll", "pr_auc", "onset_f1", "music_overlap")
QUALITY_FIGURE = ("nll", "pr_auc", "onset_f1", "ece")
CONVERGENCE_FIGURE = ("steps_to_copy", "seconds_to_copy", "steps_to_best", "seconds_to_best")
STABILITY_FIGURE = ("last_val_nll", "gradient_ratio", "roughness")
ABLATIONS_FIGURE = ("nll", "ece", "density_ratio", "music_overlap")
ABLATED = ("nll", "pr_auc", "ece", "density_ratio", "steps_to_copy", "music_overlap")

Block = Text | Table | Figure | Sounds


def make(folder: Path, words: Words, out: Path, with_wav: bool) -> Report:
    """Reads a study and makes its report.

    Args:
        folder: Of the study.
        words: The language.
        out: Folder of the report; sounds that stand there are not made again.
        with_wav: Make WAV files.

    Raises:
        UserError: The folder is no study, or a file is damaged.
    """
    data = read(folder)
    heard, files, maker = report_music.sounds(data, words, out, with_wav)
    if maker:
        print(f"sound: {maker}")
    notes = [Text(words("missing_lead"), missing)] if (missing := report_summary.missing(data, words)) else []
    notes.append(Text(words("limits_lead"), report_summary.limits(data, words)))
    sections = [
        Section("quality", words("quality"), _quality(data, words)),
        Section("differences", words("differences"), _differences(data, words)),
        Section("convergence", words("convergence"), _convergence(data, words)),
        Section("stability", words("stability"), _stability(data, words)),
        Section("calibration", words("calibration"), _calibration(data, words)),
        Section("sparsity", words("sparsity"), _sparsity(data, words)),
        Section("music", words("music"), _music(data, words, heard)),
        Section("ablations", words("ablations"), _ablations(data, words)),
        Section("tuning", words("tuning"), _there([tuning_table(data, words)], words("tuning_lead"))),
        Section("repeat", words("settings"), study_settings(data, words)),
    ]
    title = words("study_title", name=folder.resolve().name)
    return Report(title, report_summary.paragraphs(data, words), notes, sections, results_csv(data), files)


def _there(blocks: Sequence[Block | None], lead: str = "") -> list[Block]:
    """The blocks that have something to show, after a paragraph; nothing where none has."""
    found = [block for block in blocks if block is not None and not (isinstance(block, Table) and not block.rows)]
    return [Text(lead), *found] if lead and found else found


def figure(name: str, content: bytes | None, words: Words, suffix: str = "svg", **values: object) -> Figure | None:
    """A figure with its texts, `NAME_alt` and `NAME_caption`; None without content."""
    if content is None:
        return None
    alt, caption = words(f"{name}_alt", **values), words(f"{name}_caption", **values)
    return Figure(name.replace("_", "-"), alt, caption, content, suffix)


def _quality(data: StudyData, words: Words) -> list[Block]:
    means = report_figures.means(data, QUALITY_FIGURE, words)
    return _there([tables.quality(data, words), figure("means", means, words)], words("quality_lead"))


def _differences(data: StudyData, words: Words) -> list[Block]:
    keys = ("losses", "optimizers", "combinations")
    found = [
        figure("nll_differences", report_differences.differences(data, "nll", words), words),
        tables.pairs(data, "nll", words, keys, words("pairs_table")),
        figure("ranks", report_differences.ranks(data, RANKED_FIGURE, words), words),
        tables.ranks(data, words),
    ]
    return _there(found if len(data.main) > 1 else [], words("differences_lead"))


def _convergence(data: StudyData, words: Words) -> list[Block]:
    means = report_figures.means(data, CONVERGENCE_FIGURE, words)
    return _there(
        [
            figure("curves_by_optimizer", report_curves.by_optimizer(data, words), words),
            figure("curves_by_loss", report_curves.by_loss(data, words), words),
            figure("time_to_baseline", means, words),
            tables.measures(data, tables.CONVERGENCE, words("convergence_table"), words),
            tables.measures(data, tables.CONVERGENCE_MORE, words("convergence_more_table"), words),
        ],
        words("convergence_lead"),
    )


def _stability(data: StudyData, words: Words) -> list[Block]:
    means = report_figures.means(data, STABILITY_FIGURE, words, columns=3)
    causes = tables.causes(data, words)
    return _there(
        [
            tables.stability(data, words),
            Text(words("causes_lead"), causes) if causes else None,
            figure("stability_means", means, words),
        ],
        words("stability_lead"),
    )


def _calibration(data: StudyData, words: Words) -> list[Block]:
    improper = any(run.tables.get("reliability_raw") for run in data.runs)
    lead = words("calibration_lead" if improper else "calibration_lead_proper")
    return _there([figure("reliability", report_calibration.reliability(data, words), words)], lead)


def _sparsity(data: StudyData, words: Words) -> list[Block]:
    return _there(
        [
            figure("sparsity", report_calibration.sparsity(data, words), words),
            tables.measures(data, tables.SPARSITY, words("sparsity_table"), words),
            tables.measures(data, tables.RECALL, words("recall_table"), words),
            figure("recall", report_figures.means(data, tables.RECALL, words), words),
        ],
        words("sparsity_lead"),
    )


def _music(data: StudyData, words: Words, heard: dict[str, tuple[str, str | None]]) -> list[Block]:
    names = ", ".join(words.combination(each) for each in data.measured())
    return _there(
        [
            figure("rolls", report_music.rolls(data, words), words, suffix="png", names=names),
            Sounds(heard) if heard else None,
            tables.music(data, "overlap", words),
            tables.music(data, "distance", words),
            tables.measures(data, ("music_overlap", "free_density_ratio"), words("music_table"), words),
        ],
        words("music_lead", pieces=words.count(data.study.settings.study.pieces, "pieces")),
    )


def _ablations(data: StudyData, words: Words) -> list[Block]:
    if not any(each.ablation for each in data.measured()):
        return []
    parents = {each.parent for each in data.measured() if each.ablation}
    shown = [each for each in data.measured() if each.ablation or each.name in parents]
    found = [
        tables.pairs(data, name, words, ["ablations"], words("ablations_table", measure=words.measure(name, True)))
        for name in ABLATED
    ]
    means = report_figures.means(data, ABLATIONS_FIGURE, words, combinations=shown)
    return _there([figure("ablations_means", means, words), *found], words("ablations_lead"))
