"""Fixtures that several test files share."""

import shutil
from pathlib import Path

import pytest

import pianoroll_tf  # noqa: F401 - before any test imports TensorFlow, so that it rounds as in the commands that tests start


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
