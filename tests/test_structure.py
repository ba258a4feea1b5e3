"""The layout: rooms import only from rooms above them, every module has its test, commands start fast."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pianoroll_tf"
ROOMS = ["config", "cli", "files", "data", "modeling", "generation", "serving"]
COMMANDS = ["build_records", "train", "evaluate", "export", "generate", "demo", "serve"]
TUNER = {"search": {"search"}, "study": {"study"}, "report": {"report", "search", "study"}}  # who may import whom
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


def imported(path: Path) -> set[str]:
    """Dotted names of this package that a file imports, at any depth of its code."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    return {name for name in names if name.split(".")[0] in ("pianoroll_tf", "tuner")}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_from_rooms_above(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    rooms = {name.split(".")[1] for name in imported(path) if name.count(".")}
    rooms.discard("__version__")
    if room in COMMANDS:
        assert rooms <= {*ROOMS, *COMMANDS}
    else:
        assert rooms <= set(ROOMS[: ROOMS.index(room) + 1])
    assert not any(name.startswith("tuner") for name in imported(path))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_has_its_test_and_its_sentence(path: Path) -> None:
    assert (ROOT / "tests" / f"test_{path.stem}.py").is_file()
    purpose = ast.get_docstring(ast.parse(path.read_text()))
    assert purpose is not None
    assert purpose.splitlines()[0].endswith(".")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_answers_without_a_framework(command: str) -> None:
    code = (
        "import runpy, sys\n"
        f"sys.argv = ['{command}', '--help']\n"
        "try:\n"
        f"    runpy.run_module('pianoroll_tf.{command}', run_name='__main__', alter_sys=True)\n"
        "except SystemExit as leave:\n"
        "    assert leave.code == 0, leave.code\n"
        "heavy = {'tensorflow', 'keras', 'numpy', 'matplotlib', 'symusic', 'pretty_midi'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert f"python -m pianoroll_tf.{command}" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_usage_is_exit_code_2_and_one_line(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"pianoroll_tf.{command}", "--no-such-flag"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize("room", TUNER)
def test_search_and_study_know_nothing_of_each_other(room: str) -> None:
    files = sorted((ROOT / "tuner" / room).glob("*.py"))
    assert ROOT / "tuner" / room / "__main__.py" in files
    for path in files:
        rooms = {name.split(".")[1] for name in imported(path) if name.startswith("tuner.")}
        assert rooms <= TUNER[room], path
        assert ast.get_docstring(ast.parse(path.read_text())), path
