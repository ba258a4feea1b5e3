"""The summary that a search or a study prints when it ends: the first paragraphs of its report. No framework."""

from pathlib import Path

from tuner.report import search_summary, tables
from tuner.report import summary as study_summary
from tuner.report.data import read
from tuner.report.language import Language
from tuner.report.page import cell
from tuner.terminal import format_table


def print_study(folder: Path) -> None:
    """Prints what a study shows: the means of its combinations, and the first paragraphs of its report."""
    language, data = Language("en"), read(folder)
    table = tables.quality(data, language)
    print(format_table([table.head, *([cell(found)[0] for found in row] for row in table.rows)]))
    print("\n".join(study_summary.paragraphs(data, language)))


def print_search(folder: Path) -> None:
    """Prints the first paragraph of the report of a search."""
    print(search_summary.paragraph(search_summary.read_results(folder), Language("en")))
