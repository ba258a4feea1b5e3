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
from tuner.report.captions import CAPTIONS
from tuner.report.data import StudyData, read, results_csv
from tuner.report.language import Language
from tuner.report.page import Figure, Report, Section, Sounds, Table, Text
from tuner.report.reproduce import study_settings, tuning_table

RANKED_FIGURE = ("nll", "pr_auc", "onset_f1", "music_overlap")
QUALITY_FIGURE = ("nll", "pr_auc", "onset_f1", "ece")
CONVERGENCE_FIGURE = ("steps_to_copy", "seconds_to_copy", "steps_to_best", "seconds_to_best")
STABILITY_FIGURE = ("last_val_nll", "gradient_ratio", "roughness")
ABLATIONS_FIGURE = ("nll", "ece", "density_ratio", "music_overlap")
ABLATED = ("nll", "pr_auc", "ece", "density_ratio", "steps_to_copy", "music_overlap")

Block = Text | Table | Figure | Sounds


def make(folder: Path, language: Language, out: Path, with_wav: bool) -> Report:
    """Reads a study and makes its report.

    Args:
        folder: Of the study.
        language: The language.
        out: Folder of the report; sounds that stand there are not made again.
        with_wav: Make WAV files.

    Raises:
        UserError: The folder is no study, or a file is damaged.
    """
    data = read(folder)
    heard, files, maker = report_music.sounds(data, language, out, with_wav)
    if maker:
        print(f"sound: {maker}")
    notes = (
        [
            Text(
                language.gettext(
                    "The study is not finished. Run the same tuner.study command to resume it. There are no "
                    "results yet for:"
                ),
                missing,
            )
        ]
        if (missing := report_summary.missing(data, language))
        else []
    )
    notes.append(Text(language.gettext("Limits of these results:"), report_summary.limits(data, language)))
    sections = [
        Section("quality", language.gettext("Quality on the test split"), _quality(data, language)),
        Section("differences", language.gettext("What differs, and with what certainty"), _differences(data, language)),
        Section("convergence", language.gettext("Speed of convergence"), _convergence(data, language)),
        Section("stability", language.gettext("Stability of training"), _stability(data, language)),
        Section(
            "calibration", language.gettext("Calibration, before and after correction"), _calibration(data, language)
        ),
        Section(
            "sparsity", language.gettext("How each loss and optimizer copes with sparsity"), _sparsity(data, language)
        ),
        Section("music", language.gettext("Generated music"), _music(data, language, heard)),
        Section("ablations", language.gettext("Ablations"), _ablations(data, language)),
        Section(
            "tuning",
            language.gettext("Tuning"),
            _there(
                [tuning_table(data, language)],
                language.gettext(
                    "Every combination had the same number of tuning runs of the same length, at the same "
                    "learning rates; settings that only it has had to be tuned within them. The run with the "
                    "lowest validation NLL was chosen."
                ),
            ),
        ),
        Section("repeat", language.gettext("Settings, data, versions, commands"), study_settings(data, language)),
    ]
    title = language.gettext("Study {name}: which loss, which optimizer", name=folder.resolve().name)
    return Report(title, report_summary.paragraphs(data, language), notes, sections, results_csv(data), files)


def _there(blocks: Sequence[Block | None], lead: str = "") -> list[Block]:
    """The blocks that have something to show, after a paragraph; nothing where none has."""
    found = [block for block in blocks if block is not None and not (isinstance(block, Table) and not block.rows)]
    return [Text(lead), *found] if lead and found else found


def figure(
    name: str, content: bytes | None, language: Language, suffix: str = "svg", **values: object
) -> Figure | None:
    """A figure with its texts, `NAME_alt` and `NAME_caption`; None without content."""
    if content is None:
        return None
    alt, caption = (language.gettext(message, **values) for message in CAPTIONS[name])
    return Figure(name.replace("_", "-"), alt, caption, content, suffix)


def _quality(data: StudyData, language: Language) -> list[Block]:
    means = report_figures.means(data, QUALITY_FIGURE, language)
    return _there(
        [tables.quality(data, language), figure("means", means, language)],
        language.gettext(
            "All numbers are taken from posterior probabilities, in the same way for every loss. NLL is "
            "the negative log-likelihood of a step, in nats; PR-AUC is the average precision over all "
            "cells; onset F1 counts only cells that were silent in the step before; ECE is the expected "
            "calibration error. Thresholds of F1 are chosen on validation. In small print: the 95 % "
            "interval of the mean over the seeds."
        ),
    )


def _differences(data: StudyData, language: Language) -> list[Block]:
    keys = ("losses", "optimizers", "combinations")
    found = [
        figure("nll_differences", report_differences.differences(data, "nll", language), language),
        tables.pairs(
            data,
            "nll",
            language,
            keys,
            language.gettext("Paired differences of the test NLL, nats per step; below 0, the first is better"),
        ),
        figure("ranks", report_differences.ranks(data, RANKED_FIGURE, language), language),
        tables.ranks(data, language),
    ]
    return _there(
        found if len(data.main) > 1 else [],
        language.gettext(
            "For each seed, all combinations share initial weights and the order of batches, so "
            "differences are taken within a seed. The effect size is the mean difference over the "
            "standard deviation of the differences (Cohen’s d_z)."
        ),
    )


def _convergence(data: StudyData, language: Language) -> list[Block]:
    means = report_figures.means(data, CONVERGENCE_FIGURE, language)
    return _there(
        [
            figure("curves_by_optimizer", report_curves.by_optimizer(data, language), language),
            figure("curves_by_loss", report_curves.by_loss(data, language), language),
            figure("time_to_baseline", means, language),
            tables.measures(
                data,
                tables.CONVERGENCE,
                language.gettext(
                    "What it takes to reach the baseline “copy the last step”, and to get within 2 % of the best "
                    "validation NLL of all runs"
                ),
                language,
            ),
            tables.measures(
                data,
                tables.CONVERGENCE_MORE,
                language.gettext(
                    "Time to within 2 % of the best, and the mean over the run of the best validation NLL so far"
                ),
                language,
            ),
        ],
        language.gettext(
            "Every point of a curve is the NLL of the validation split after an epoch. Seconds are "
            "wall-clock time on the machine of the study, including validation."
        ),
    )


def _stability(data: StudyData, language: Language) -> list[Block]:
    means = report_figures.means(data, STABILITY_FIGURE, language, columns=3)
    causes = tables.causes(data, language)
    return _there(
        [
            tables.stability(data, language),
            Text(language.gettext("Runs that did not end well:"), causes) if causes else None,
            figure("stability_means", means, language),
        ],
        language.gettext(
            "A run has collapsed if after its last epoch it is worse than “note frequency”, or if the "
            "density that it predicts is off by more than a factor of 10; it has diverged if a number "
            "became NaN or infinite. Roughness is the median distance of a point of the validation curve "
            "from the middle of its neighbours."
        ),
    )


def _calibration(data: StudyData, language: Language) -> list[Block]:
    improper = any(run.tables.get("reliability_raw") for run in data.runs)
    lead = (
        language.gettext(
            "The focal loss is not proper: the network’s own sigmoid is not the probability of a note. "
            "Everything else in this report is taken from the posterior, recovered in closed form; here "
            "the raw output is shown beside it."
        )
        if improper
        else language.gettext("The points of a calibrated model lie on the diagonal.")
    )
    return _there([figure("reliability", report_calibration.reliability(data, language), language)], lead)


def _sparsity(data: StudyData, language: Language) -> list[Block]:
    return _there(
        [
            figure("sparsity", report_calibration.sparsity(data, language), language),
            tables.measures(
                data, tables.SPARSITY, language.gettext("Density and silence, predicted and true"), language
            ),
            tables.measures(
                data,
                tables.RECALL,
                language.gettext("Recall of cells, by the share of training steps in which their pitch sounds"),
                language,
            ),
            figure("recall", report_figures.means(data, tables.RECALL, language), language),
        ],
        language.gettext(
            "Few cells of a piano-roll are active, and some pitches hardly ever are. Recall is measured "
            "at the threshold that is best for F1 on validation."
        ),
    )


def _music(data: StudyData, language: Language, heard: dict[str, tuple[str, str | None]]) -> list[Block]:
    names = ", ".join(language.combination(each) for each in data.measured())
    return _there(
        [
            figure("rolls", report_music.rolls(data, language), language, suffix="png", names=names),
            Sounds(heard) if heard else None,
            tables.music(data, "overlap", language),
            tables.music(data, "distance", language),
            tables.measures(
                data,
                ("music_overlap", "free_density_ratio"),
                language.gettext(
                    "Overlap of single runs, which have fewer pieces, and the density of their music without the "
                    "governor"
                ),
                language,
            ),
        ],
        language.gettext(
            "Each combination generated {pieces} from scratch, with the same seeds for all, under the "
            "governor that an export of the model would have. The distribution of each feature over the "
            "pieces is compared with that of the test split, cut to the same length; two random halves "
            "of the test split are the ceiling of such a comparison.",
            pieces=language.ngettext("{n} piece", "{n} pieces", data.study.settings.study.pieces),
        ),
    )


def _ablations(data: StudyData, language: Language) -> list[Block]:
    if not any(each.ablation for each in data.measured()):
        return []
    parents = {each.parent for each in data.measured() if each.ablation}
    shown = [each for each in data.measured() if each.ablation or each.name in parents]
    found = [
        tables.pairs(
            data,
            name,
            language,
            ["ablations"],
            language.gettext(
                "Paired differences of an ablation and its parent: {measure}", measure=language.measure(name, True)
            ),
        )
        for name in ABLATED
    ]
    means = report_figures.means(data, ABLATIONS_FIGURE, language, combinations=shown)
    return _there(
        [figure("ablations_means", means, language), *found],
        language.gettext(
            "Each ablation changes one thing in its parent and keeps the parent’s settings: "
            "“uncorrected” are the very models of the parent, judged and sampled as if their output were "
            "the posterior; “bias from 0” is trained again with an output bias that starts at 0 and not "
            "at the log-odds of each pitch."
        ),
    )
