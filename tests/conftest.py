"""Fixtures that several test files share."""

import concurrent.futures
import shutil
from pathlib import Path

import pytest

import pianoroll_tf  # noqa: F401 - before any test imports TensorFlow, so that it rounds as in the commands that tests start

# Beam finds its filesystems among all classes; a module that pytest imports for doctests, by another name, adds one.
collect_ignore = ["support/shelf_filesystem.py"]


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`saved_models/tiny` with one version of a tiny model; not to be changed."""
    from tiny_export import export_tiny

    folder = tmp_path_factory.mktemp("saved_models") / "tiny"
    export_tiny(folder)
    return folder


@pytest.fixture
def version(exported: Path, tmp_path: Path) -> Path:
    """A copy of that version, free to be changed."""
    return Path(shutil.copytree(exported / "1", tmp_path / "1"))


@pytest.fixture(scope="session")
def registry(exported: Path):
    """The tiny model, loaded to be served in batches of two sizes."""
    from pianoroll_tf.serving.drawing.registry import Registry

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        registry = Registry(exported, newest=2, pool=pool, active_rows=64, sizes=(2, 8))
        registry.refresh()
        yield registry
        registry.close()


@pytest.fixture(scope="session")
def server(registry):
    """A running server of it, with the default limits."""
    from serving_client import running

    with running(registry) as made:
        yield made


@pytest.fixture(scope="module")
def chromium():
    """A browser, for the tests of pages."""
    from page_browser import browser

    with browser() as started:
        yield started
