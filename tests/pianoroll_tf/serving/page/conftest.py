"""A server with the built page, and a browser, for all tests of the page."""

from pathlib import Path

import pytest
from page_browser import build, open_page, start_server


@pytest.fixture(scope="module")
def address(exported: Path):
    build()
    with start_server(exported) as address:
        yield address


@pytest.fixture
def context(chromium):
    context = chromium.new_context(
        viewport={"width": 1280, "height": 800}, permissions=["clipboard-read", "clipboard-write"]
    )
    yield context
    context.close()


@pytest.fixture
def page(context, address: str):
    page = open_page(context, address)
    yield page
    assert page.errors == []
    assert page.evaluate("observed.violations") == []
