"""The report of a plan: its sections and their contents."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

from tuner.plan import folder as plan_folder
from tuner.plan.run import study_folder_of
from tuner.report import summary as report_summary
from tuner.report.figures import STYLE
from tuner.report.language import DASH, N_, Language
from tuner.report.page import Block, Code, Link, Report, Section, Table, Text
from tuner.report.paper import controls, grids, limits, pictures
from tuner.report.paper.answer import Findings, sentences
from tuner.report.paper.claims import claims
from tuner.report.paper.data import PaperData, read
from tuner.report.paper.findings import find
from tuner.report.paper.results import results_csv, tuning_csv
from tuner.report.reproduce import commands, plain, settings_table

LISTENING = Path("report", "listening.html")  # within the folder of a study
CONVERGENCE = ("steps_to_settled", "examples_to_settled", "operations_to_settled", "last_gain")
SPLITS = ("train", "val", "test")
STABILITY = ("roughness", "gradient_ratio")

# Section → its title, its first paragraph
SECTIONS = {
    "plan": (N_("The plan"), ""),
    "data": (N_("Data"), ""),
    "nll": (
        N_("Results: test NLL"),
        N_(
            "The main measure: the negative log-likelihood of a step of the test split in nats, taken from posterior "
            "probabilities. In small print the 95 % interval of the mean over the seeds (Student’s t)."
        ),
    ),
    "pairs": (
        N_("Results: losses and optimizers, over the corpora"),
        N_(
            "All differences are taken within a seed. A finding holds everywhere if its interval excludes 0 on the same"
            " side in every corpus. Wilcoxon’s test takes corpus and seed as blocks, corrected by Holm for all pairs of"
            " combinations: it is of these corpora. The mean over all corpora has an interval with n = corpora, and the"
            " mixed model takes corpora as random: they are of music in general."
        ),
    ),
    "density": (
        N_("Results: does rarity favour the focal loss?"),
        N_(
            "The advantage of a loss is how much lower its test NLL is than that of BCE within a seed, in per cent of "
            "the NLL of copying the last step. The permutation test permutes the conditions within the seeds."
        ),
    ),
    "robustness": (
        N_("Results: other heads, sizes and schedules"),
        N_(
            "Kendall’s rank correlation of the mean test NLL with that of the main study: 1 is the same order, −1 the "
            "reverse. With three combinations its p cannot fall below 0.33, with four below 0.083: it describes, and "
            "shows nothing."
        ),
    ),
    "convergence": (
        N_("Results: speed of convergence"),
        N_(
            "Exploratory, without tests. What a run took to get within 1 % of its own best validation NLL, in steps, "
            "windows and floating-point operations, and the share of its gain that the last tenth of its epochs "
            "brought: near 0 the curve had flattened. The tables are followed by the curves."
        ),
    ),
    "stability": (
        N_("Results: stability of training"),
        N_(
            "Exploratory, without tests. A run has collapsed if after its last epoch it is worse than “note frequency”,"
            " or if the density that it predicts is off by more than a factor of 10; it has diverged if a number became"
            " NaN or infinite. Roughness is that of the validation curve; the gradient’s ratio is the 99th percentile "
            "of its norm over the median."
        ),
    ),
    "music": (
        N_("Results: generated music"),
        N_("Secondary. Facts of the music that each run generated from scratch, beside those of the test split."),
    ),
    "tuning": (
        N_("Tuning"),
        N_(
            "Every combination of a study could use the same number of runs. A value at an edge of what was tried is "
            "named so, and no value there is called the best."
        ),
    ),
    "claims": (
        N_("What others claim"),
        N_("Each of these is about another setting than this one, so that nothing here refutes or confirms it there."),
    ),
    "change": (N_("What would change the answer, and limits"), ""),
    "repeat": (N_("How to repeat it"), ""),
}


@matplotlib.rc_context(STYLE)
def make(folder: Path, language: Language, out: Path) -> Report:
    """Reads the folder of a plan and makes its report for the folder `out`.

    Raises:
        UserError: The folder is no plan's, or a file is damaged.
    """
    paper = read(folder)
    findings = find(paper.main)
    figures = pictures.figures(paper, findings, language)
    contents: dict[str, Sequence[Block | None]] = {
        "plan": _plan(paper, language),
        "data": [_data(paper, language)],
        "nll": [grids.grid(paper, paper.main, "nll", language, marked=True), figures.get("nll")] if paper.main else [],
        "pairs": _pairs(paper, findings, figures, language),
        "density": [
            controls.density(paper, language),
            figures.get("density"),
            controls.trends(paper, language),
            controls.alternatives(paper, language),
        ],
        "robustness": [controls.robustness(paper, language)],
        "convergence": _convergence(paper, figures, language),
        "stability": _stability(paper, language),
        "music": _music(paper, out, language),
        "tuning": [controls.tuning(paper, language)],
        "claims": claims(paper, findings, language),
        "change": _limits(paper, language),
        "repeat": _repeat(paper, language),
    }
    return Report(
        title=paper.plan.title,
        question=" ".join(paper.plan.values["question"].split()),
        summary=[*_interim(paper, language), *sentences(paper, findings, language)],
        notes=_unfinished(paper, language),
        sections=[_section(name, blocks, language) for name, blocks in contents.items()],
        results=results_csv(paper),
        files={"tuning.csv": tuning_csv(paper)},
    )


def _section(name: str, blocks: Sequence[Block | None], language: Language) -> Section:
    """A section with its title and first paragraph; empty if no block has something to show."""
    title, lead = (language.gettext(message) for message in SECTIONS[name])
    shown = [block for block in blocks if block is not None and not (isinstance(block, Table) and not block.rows)]
    return Section(name, title, [Text(lead), *shown] if lead and shown else shown)


def _interim(paper: PaperData, language: Language) -> list[str]:
    """The first paragraph of a report on a plan that is not finished."""
    if not paper.is_interim:
        return []
    count = language.ngettext(
        "{done} of {n} study is finished",
        "{done} of {n} studies are finished",
        len(paper.plan.studies),
        done=len(paper.finished),
    )
    return [language.gettext("Interim, of {date}: {count}. All that follows may change.", date=paper.date, count=count)]


def _unfinished(paper: PaperData, language: Language) -> list[Text]:
    """What is not finished, study by study."""
    items = []
    for name in paper.plan.studies:
        if name in paper.finished:
            continue
        left = language.gettext("not begun")
        if name in paper.studies:
            left = "; ".join(report_summary.missing(paper.studies[name], language)) or language.gettext(
                "not compared yet"
            )
        items.append(f"{name}: {left}")
    return [Text(language.gettext("Not finished by {date}:", date=paper.date), items)] if items else []


def _plan(paper: PaperData, language: Language) -> list[Block]:
    """When the plan was fixed, its hypotheses and analysis word for word, and its amendments."""
    _, fixed = language.gettext, paper.fixed
    when = fixed["fixed"].replace("T", " ").replace("+00:00", " UTC")
    text = _(
        "The plan was fixed on {when}, before the first run; its sha256 is {sha256}.", when=when, sha256=fixed["sha256"]
    )
    blocks: list[Block] = [Text(text), *_wording(fixed["values"], language)]
    if not fixed["amendments"]:
        return [*blocks, Text(_("It has not been amended."))]
    rows = [[each["changed"], each["why"], each["sha256"]] for each in fixed["amendments"]]
    blocks.append(Table(_("Amendments"), [_("date"), _("reason"), "sha256"], rows, left=True))
    for each in fixed["amendments"][-1:]:
        if any(each["values"].get(key) != fixed["values"].get(key) for key in ("hypotheses", "analysis")):
            blocks += [
                Text(_("Hypotheses and analysis after the last amendment:")),
                *_wording(each["values"], language),
            ]
    return blocks


def _wording(values: dict, language: Language) -> list[Block]:
    texts = {"hypotheses": N_("Hypotheses, as the plan has them:"), "analysis": N_("Analysis, as the plan has it:")}
    return [Text(language.gettext(text), values[key]) for key, text in texts.items() if values.get(key)]


def _data(paper: PaperData, language: Language) -> Table:
    """The corpora: pieces and steps of each split, the grid, the share of sounding cells."""
    _, rows = language.gettext, []
    by_corpus = {paper.planned(name).corpus: data.study.records for name, data in paper.studies.items()}
    for corpus in dict.fromkeys(study.corpus for study in paper.plan.studies.values()):
        records = by_corpus.get(corpus)
        if records is None:
            rows.append([corpus, *[DASH] * 5, _("not begun")])
            continue
        made, splits = records["settings"], [records["splits"][name] for name in SPLITS if name in records["splits"]]
        unit, key = (_("{n} per beat"), "steps_per_beat")
        if made["grid"] == "seconds":
            unit, key = (_("{n} per second"), "steps_per_second")
        counts = [" / ".join(language.number(split[name]) for split in splits) for name in ("pieces", "steps")]
        steps = unit.format(n=plain(made[key]))
        sha256 = records["manifest_sha256"][:12]
        rows.append([corpus, *counts, made["grid"], steps, language.percent(records["density"], 2), sha256])
    heads = [
        _("corpus"),
        _("pieces"),
        _("steps"),
        _("grid"),
        _("steps of the grid"),
        _("sounding cells"),
        _("sha256 of the records"),
    ]
    return Table(_("The corpora; pieces and steps in training / validation / test"), heads, rows)


def _pairs(paper: PaperData, findings: Findings, figures, language: Language) -> list[Block | None]:
    everywhere = grids.holds_everywhere(paper, findings, language)
    table = grids.pairs(paper, findings, language)
    if table is None:
        return []
    return [Text(everywhere) if everywhere else None, table, figures.get("differences"), *grids.models(paper, language)]


def _convergence(paper: PaperData, figures, language: Language) -> list[Block]:
    curves = [figure for name, figure in figures.items() if name.startswith("curves-")]
    return [*_grids(paper, CONVERGENCE, language), *curves]


def _grids(paper: PaperData, measures: Sequence[str], language: Language) -> list[Block]:
    """A table for each measure of which some run has a value."""
    found = [
        name for name in measures if any(data.values(name, each) for data in paper.main.values() for each in data.main)
    ]
    return [grids.grid(paper, paper.main, name, language) for name in found]


def _stability(paper: PaperData, language: Language) -> list[Block]:
    if not any(data.runs for data in paper.main.values()):
        return []
    return [grids.outcomes(paper, paper.main, language), *_grids(paper, STABILITY, language)]


def _music(paper: PaperData, out: Path, language: Language) -> list[Block | None]:
    """The facts of the music, and links to the listening pages of the studies that have one."""
    links = []
    for name in paper.studies:
        path = Path(plan_folder.STUDIES, name) / LISTENING
        if (out / path).is_file():
            links.append(Link(language.gettext("Blind listening: {name}", name=name), path.as_posix()))
        elif (
            study_folder_of(paper.folder, name) / LISTENING
        ).is_file() and out.resolve().parent == paper.folder.resolve():
            links.append(Link(language.gettext("Blind listening: {name}", name=name), f"../{path.as_posix()}"))
    return [*(grids.music(paper, name, language) for name in paper.main), *links]


def _limits(paper: PaperData, language: Language) -> list[Block]:
    found = limits.changes(paper, language)
    blocks: list[Block] = [Text(language.gettext("The answer could change with:"), found)] if found else []
    return [*blocks, Text(language.gettext("Limits:"), [language.gettext(text) for text in limits.GENERAL])]


def _repeat(paper: PaperData, language: Language) -> list[Block]:
    """The commands, the settings of the plan, the versions."""
    _ = language.gettext
    flag = [] if language.code == "en" else ["--lang", language.code]
    lines = commands(["tuner.plan", "PLAN.toml", "DIR", "--data", "DATA"], ["tuner.report", "DIR", *flag])
    values = paper.fixed["amendments"][-1]["values"] if paper.fixed["amendments"] else paper.fixed["values"]
    own = {
        name: "; ".join(f"{key}: {plain(value)}" for key, value in entry.items())
        for name, entry in values["studies"].items()
    }
    versions = {package: _unique(paper, package) for package in _packages(paper)}
    return [
        Text(_("In the repository one command does all of it, and resumes what was interrupted:")),
        Code(["make study"]),
        Text(_("Any plan is executed and reported by two (DATA is the folder that “data” in braces stands for):")),
        lines,
        settings_table(
            values.get("defaults", {}),
            _("Settings that all studies share, where they differ from the defaults"),
            language,
        ),
        Table(_("Settings of each study"), [_("study"), _("settings")], [list(row) for row in own.items()], left=True),
        Table(_("Versions"), [_("package"), _("version")], [list(row) for row in versions.items()], left=True),
    ]


def _packages(paper: PaperData) -> list[str]:
    return list(dict.fromkeys(name for data in paper.studies.values() for name in data.study.versions))


def _unique(paper: PaperData, package: str) -> str:
    """The version of a package, or all that the studies were started with."""
    found = (data.study.versions.get(package) for data in paper.studies.values())
    return ", ".join(dict.fromkeys(version for version in found if version))
