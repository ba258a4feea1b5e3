"""The notebooks of the documentation run from the first cell to the last, on a small corpus."""

from pathlib import Path
from typing import Any

import pytest
from midi_files import write_corpus
from repository import ROOT

NOTEBOOKS = ROOT / "docs" / "notebooks"
TINY = {"gru_units": 8, "conv_filters": 4, "window_steps": 32, "epochs": 1}
# What replaces the values of the cell with the tag "parameters"
PARAMETERS: dict[str, dict[str, Any]] = {
    "student": {"epochs": 1, "calibration": {"rows": 4, "window_steps": 16, "with_shaping": False}},
    "researcher": {
        "seeds": (0, 1),
        "conditions": {"bce": {"loss": "bce"}, "weighted": {"loss": "weighted", "note_weight": 3.0}},
        "training": TINY,
    },
}


def test_every_notebook_is_run():
    assert {path.stem for path in NOTEBOOKS.glob("*.ipynb")} == set(PARAMETERS)


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_large_outputs(path: Path):
    assert path.stat().st_size < 100_000


@pytest.mark.slow
@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Jupyter's own libraries
def test_a_notebook_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    write_corpus(tmp_path / "my_midi", 12)
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    (given,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ()))
    given.source += "".join(f"\n{setting} = {value!r}" for setting, value in PARAMETERS[name].items())
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output["text"] for output in outputs if output.get("name") == "stderr"]
    shown = [output["data"] for output in outputs if "data" in output]
    if name == "student":
        assert sum("audio/wav" in str(data.get("text/html")) for data in shown) == 3
        assert (tmp_path / "mine" / "continued.mid").read_bytes().startswith(b"MThd")
    else:
        tables = [str(data["text/html"]) for data in shown if "text/html" in data]
        assert "weighted" in tables[0]
        assert "NLL - bce" in tables[1]
    assert any("image/png" in data for data in shown)
