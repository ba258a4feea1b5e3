"""The documentation as a whole: its links lead somewhere, and the site can be built of it without a warning."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from repository import ROOT

DOCS = ROOT / "docs"
PAGES = [
    page
    for pattern in ("*.md", "docs/**/*.md", "tfrecords/*.md", "saved_models/*.md")
    for page in sorted(ROOT.glob(pattern))
    if "reference" not in page.parts  # what `make docs` writes
]


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub and MyST name them.

    >>> anchors("# How good is it?")
    {'how-good-is-it'}
    """
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(text: str) -> list[str]:
    """The targets of the links and pictures of a page, without those in listings and those of the web."""
    text = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    found = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"<img src=\"([^\"]+)\"", text)
    return [target for target in found if not re.match(r"\w+:", target)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in links(page.read_text()):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if "reference" in Path(path).parts:  # written when the site is built, which checks it
            continue
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target.read_text()), link


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    """All pages are read and all references resolved; only the HTML is not written, which takes longest."""
    pytest.importorskip("sphinx", reason="the extra docs is not installed")
    options = ["--fail-on-warning", "--keep-going", "--quiet", "--builder", "dummy", "--doctree-dir", str(tmp_path)]
    command = [sys.executable, "-m", "sphinx", *options, str(DOCS), str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
