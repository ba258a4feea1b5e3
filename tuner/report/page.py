"""A report as data (sections of text, tables and figures), rendered to one HTML file and one Markdown file."""

import base64
import dataclasses
import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pianoroll_tf.errors import UserError
from pianoroll_tf.storage.files import write_changed
from tuner.report.language import Language

FIGURES, AUDIO, LISTENING = "figures", "audio", "listening.html"
GENERATOR = '<meta name="generator" content="pianoroll_tf">'  # by which a report is recognized
_MIME = {"svg": "image/svg+xml", "png": "image/png"}

Cell = str | tuple[str, str]  # a text, or a text and another in small print below it


@dataclasses.dataclass(frozen=True)
class Text:
    """A paragraph, or with `items` a list below it."""

    text: str
    items: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Table:
    """A table; the first cell of a row is its head. Numbers are aligned to the right, unless `left`."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    left: bool = False


@dataclasses.dataclass(frozen=True)
class Figure:
    """A picture: the name, content and suffix ("svg" or "png") of its file, a description, and a caption below it."""

    name: str
    alt: str
    caption: str
    content: bytes
    suffix: str = "svg"

    @property
    def path(self) -> str:
        """Its file, within the folder of the report."""
        return f"{FIGURES}/{self.name}.{self.suffix}"

    @property
    def uri(self) -> str:
        """The picture itself as an address."""
        return f"data:{_MIME[self.suffix]};base64,{base64.b64encode(self.content).decode()}"


@dataclasses.dataclass(frozen=True)
class Sounds:
    """Music to listen to: label → (file name of the MIDI file, of the WAV file or None), within the report's folder."""

    files: dict[str, tuple[str, str | None]]


@dataclasses.dataclass(frozen=True)
class Link:
    """A link to another file of the report."""

    text: str
    path: str


@dataclasses.dataclass(frozen=True)
class Code:
    """Commands."""

    lines: Sequence[str]


Block = Text | Table | Figure | Sounds | Link | Code


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of a report, with an anchor to link to."""

    anchor: str
    title: str
    blocks: Sequence[Block]


@dataclasses.dataclass(frozen=True)
class Report:
    """All of a report.

    Attributes:
        summary: Paragraphs; the first answers the question.
        notes: Paragraphs below the summary, such as limits of the results.
        sections: In order; empty ones are left out.
        results: The content of results.csv.
        files: Other files of the report, name within its folder → content.
        question: What the report answers; empty: the title says it.
    """

    title: str
    summary: Sequence[str]
    notes: Sequence[Text]
    sections: Sequence[Section]
    results: bytes
    files: dict[str, bytes]
    question: str = ""


def render(report: Report, language: Language, suffix: str) -> bytes:
    """The report as a file with the suffix "html" or "md"."""
    templates = environment(autoescape=suffix == "html")
    shown = dataclasses.replace(report, sections=[section for section in report.sections if section.blocks])
    text = templates.get_template(f"report.{suffix}.jinja").render(
        report=shown, language=language.code, gettext=language.gettext
    )
    return re.sub(r"\n{3,}", "\n\n", text).encode()


def environment(autoescape: bool) -> Any:
    """The Jinja2 environment of the templates; raises UserError if Jinja2 is missing."""
    try:
        import jinja2
    except ModuleNotFoundError as error:
        raise UserError("Jinja2 must be installed for a report: pip install 'pianoroll_tf[tuner]'") from error
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("tuner.report"),
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters |= {"markdown": markdown, "cell": cell, "is_number": is_number}
    return found


def markdown(text: str) -> str:
    r"""A text in which no character is Markdown or HTML; lines are broken as in HTML.

    >>> markdown("focal_raw | *p* < 0.05")
    'focal\\_raw \\| \\*p\\* &lt; 0.05'
    """
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", html.escape(text, quote=False)).replace("\n", "<br>")


def cell(found: Cell) -> tuple[str, str]:
    """A cell as text and small print."""
    return (found, "") if isinstance(found, str) else found


def is_number(text: str) -> bool:
    """Whether a cell is formatted as a number.

    >>> is_number("−1,5 %"), is_number("–"), is_number("5 of 5"), is_number("Adam")
    (True, True, True, False)
    """
    return text[:1].isdigit() or text[:1] in ("−", "–", "<")


def check_folder(folder: Path) -> None:
    """Raises UserError if files that a report would replace were not written by `write`."""
    page = folder / "report.html"
    if page.is_file() and GENERATOR in page.read_text(encoding="utf-8", errors="replace"):
        return
    for name in ("report.html", "report.md", "results.csv", LISTENING, FIGURES, AUDIO):
        if (folder / name).exists():
            received = f"{folder}, which holds another {name}"
            raise UserError(f"out must be a new folder, or be given with --overwrite. Received: {received}")


def write(report: Report, language: Language, folder: Path) -> None:
    """Writes the files of a report into a folder, unless they are up to date.

    Raises:
        UserError: Jinja2 is missing.
    """
    blocks = [block for section in report.sections for block in section.blocks]
    # the page first: by it a later call knows the folder, also if this one is interrupted
    files = {f"report.{suffix}": render(report, language, suffix) for suffix in ("html", "md")}
    files |= {block.path: block.content for block in blocks if isinstance(block, Figure)} | report.files
    files["results.csv"] = report.results
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_changed(folder / name, content)
