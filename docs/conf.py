"""Settings of Sphinx; `make docs` builds the site with warnings as errors."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pianoroll_tf

DOCS = Path(__file__).parent
ROOT = DOCS.parent
# Rewritten by each build: the API from the docstrings, the flags from --help, and these files of other folders
REFERENCE = DOCS / "reference"
ORIGINS = {
    "reference/readme": ROOT / "README.md",
    "reference/records": ROOT / "tfrecords" / "README.md",
    "reference/exports": ROOT / "saved_models" / "README.md",
    "reference/changelog": ROOT / "CHANGELOG.md",
}
# Pages that `make bench` and its like write, tables without a heading
TITLES = {
    "benchmarks/bench": "Every row of the benchmark",
    "benchmarks/profile": "Where the time of a training step goes",
    "benchmarks/growth": "How time and memory grow",
    "benchmarks/serving": "The server under load",
}
COMMANDS = [
    *(f"pianoroll_tf.{name}" for name in ("build_records", "train", "evaluate", "export", "generate", "demo", "serve")),
    *(f"tuner.{name}" for name in ("search", "study", "plan", "report")),
]

project = "pianoroll_tf"
version = release = pianoroll_tf.__version__
extensions = [
    "myst_nb",  # brings myst_parser
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
]
templates_path = ["_templates"]
exclude_patterns = ["_templates"]
html_theme = "furo"
html_title = "pianoroll_tf"
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False

myst_enable_extensions = ["html_image"]  # an <img> with a width is a picture of the site too
myst_heading_anchors = 3
nb_execution_mode = "off"  # the tests execute the notebooks

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # attributes are a list, as parameters are
napoleon_use_rtype = False  # "uint8 [batch, steps, 84]" is prose, not a type to link

nitpicky = True
# Other libraries are not linked, as a build needs no network; nor are type variables
nitpick_ignore_regex = [(r"py:.*", r"(?!(pianoroll_tf|tuner)\b).*"), (r"py:class", r".*\.[A-Z]")]


def write_pages() -> None:
    """Writes the pages of other folders, and one that holds what `--help` of every command prints."""
    shutil.rmtree(REFERENCE, ignore_errors=True)
    REFERENCE.mkdir()
    for page, origin in ORIGINS.items():
        shutil.copy(origin, DOCS / f"{page}.md")
    lines = ["# Commands and flags", "", "What `--help` of each command prints."]
    for module in COMMANDS:
        command = [sys.executable, "-m", module, "--help"]
        # with a fixed width, so that the page does not depend on the terminal of the build
        environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        lines += ["", f"## {module.split('.')[1]}", "", "```text", done.stdout.rstrip(), "```"]
    (REFERENCE / "commands.md").write_text("\n".join([*lines, ""]))


def prepare_page(app, docname: str, source: list[str]) -> None:
    """Gives a page its title where it has none; leads links to files of other folders to the site's copies of them."""
    path = DOCS / f"{docname}.md"
    if not path.is_file():
        return
    copies = {origin: DOCS / f"{page}.md" for page, origin in ORIGINS.items()}
    if docname in TITLES:
        source[0] = f"# {TITLES[docname]}\n\n{source[0]}"
    folder = ORIGINS.get(docname, path).parent

    def replace(link: re.Match) -> str:
        target = Path(os.path.normpath(folder / link[1]))
        return f"]({os.path.relpath(copies.get(target, target), path.parent)}{link[2]})"

    parts = re.split(r"(^```.*?^```)", source[0], flags=re.DOTALL | re.MULTILINE)  # every second part is a listing
    parts[::2] = [re.sub(r"\]\((?!\w+:|#)([^)#]+)(#[^)]*|)\)", replace, part) for part in parts[::2]]
    source[0] = "".join(parts)


def to_restructured_text(app, what: str, name: str, obj, options, lines: list[str]) -> None:
    """Turns a docstring, plain text with `code` in single backticks, into reStructuredText."""
    paragraphs = "\n".join(lines).split("\n\n")
    for number, paragraph in enumerate(paragraphs):
        if what == "module" and paragraph.startswith("    "):  # a listing; elsewhere Args, Returns and their like
            paragraphs[number] = "::\n\n" + paragraph
        elif not paragraph.lstrip().startswith(">>>"):
            parts = paragraph.split("`")  # every second part is code
            parts[::2] = [re.sub(r"[*|]|_(?!\w)", r"\\\g<0>", part) for part in parts[::2]]
            parts[1::2] = [f"``{part}``\\ " for part in parts[1::2]]
            paragraphs[number] = "".join(parts)
    lines[:] = "\n\n".join(paragraphs).split("\n")


def setup(app) -> None:
    """Called by Sphinx before it looks for pages."""
    write_pages()
    app.connect("source-read", prepare_page)
    app.connect("autodoc-process-docstring", to_restructured_text, priority=400)  # before napoleon
