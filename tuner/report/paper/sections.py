"""The report of a plan: its sections and their contents."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

from tuner.plan import folder as plan_folder
from tuner.plan.run import study_folder_of
from tuner.report.figures import STYLE
from tuner.report.language import Language
from tuner.report.page import Block, Link, Report, Section, Table, Text
from tuner.report.paper import controls, described, grids, limits, pictures
from tuner.report.paper.answer import Findings, sentences
from tuner.report.paper.claims import claims
from tuner.report.paper.data import PaperData, read
from tuner.report.paper.findings import find
from tuner.report.paper.results import results_csv, tuning_csv
from tuner.report.paper.texts import SECTIONS

LISTENING = Path("report", "listening.html")  # within the folder of a study
CONVERGENCE = ("steps_to_settled", "examples_to_settled", "operations_to_settled", "last_gain")
STABILITY = ("roughness", "gradient_ratio")


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
        "plan": described.plan(paper, language),
        "data": [described.data(paper, language)],
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
        "repeat": described.repeat(paper, language),
    }
    return Report(
        title=paper.plan.title,
        question=" ".join(paper.plan.values["question"].split()),
        summary=[*described.interim(paper, language), *sentences(paper, findings, language)],
        notes=described.unfinished(paper, language),
        sections=[_section(name, blocks, language) for name, blocks in contents.items()],
        results=results_csv(paper),
        files={"tuning.csv": tuning_csv(paper)},
    )


def _section(name: str, blocks: Sequence[Block | None], language: Language) -> Section:
    """A section with its title and first paragraph; empty if no block has something to show."""
    title, lead = (language.gettext(message) for message in SECTIONS[name])
    shown = [block for block in blocks if block is not None and not (isinstance(block, Table) and not block.rows)]
    return Section(name, title, [Text(lead), *shown] if lead and shown else shown)


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
