"""The layout: packages import only from those before them, tests mirror the modules, commands start fast."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest
from command_help import help_text
from repository import ROOT

# A module or package imports only from those before it in the list of its parent, and from itself
ORDER = {
    "pianoroll_tf": [
        *("errors", "extras", "messages", "system", "progress", "settings", "choices", "config", "flags"),
        *("tensorflow_startup", "plugins", "cli"),
        *("storage", "data", "modeling", "generation", "library", "serving"),
    ],
    "pianoroll_tf.serving": [
        *(
            "refusals",
            "settings",
            "strict_json",
            "roll_json",
            "drawing",
            "state",
            "http",
            "tf_serving",
            "app",
            "server",
        ),
    ],
}
COMMANDS = ["build_records", "train", "evaluate", "export", "generate", "demo", "serve"]
SHARED = {"terminal", "training", "summary"}  # of tuner; by summary a search and a study print what their report says
TUNER = {
    "search": {"search", *SHARED},
    "study": {"study", *SHARED},
    "plan": {"plan", "study", *SHARED},
    "report": {"report", "search", "study", "plan"},
}
PACKAGES = ("pianoroll_tf", "tuner", "benchmarks")
MODULES = sorted(
    path
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if path.name != "__init__.py" and "node_modules" not in path.parts
)
# Tests of the repository as a whole, and of what is not Python
WITHOUT_MODULE = {
    "tuner/search/test_hosts.py",
    "test_gpu_kernels.py",
    "test_structure.py",
    "test_readme.py",
    "test_deploy.py",
    "test_docs.py",
    "test_portability.py",
    "test_paths.py",
    "test_library.py",
    "test_many_clients.py",
    "test_notebooks.py",
    "pianoroll_tf/test_package.py",
    "pianoroll_tf/serving/page/test_page.py",
    "pianoroll_tf/serving/page/test_page_input.py",
    "pianoroll_tf/serving/page/test_page_playing.py",
    "pianoroll_tf/serving/page/test_page_takes.py",
    "pianoroll_tf/serving/page/test_page_together.py",
}


def dotted(path: Path) -> str:
    """Name of a module."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


NAMES = {dotted(path) for path in MODULES}


def imported(path: Path) -> set[str]:
    """Modules of this repository that a file imports, at any depth of its code."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
            names.add(node.module)
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    return names & NAMES


def by_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=by_name)
def test_a_module_imports_only_from_those_before_it(path: Path) -> None:
    name, found = dotted(path), imported(path)
    for parent, order in ORDER.items():
        if not name.startswith(f"{parent}."):
            continue
        here = name.removeprefix(f"{parent}.").partition(".")[0]
        children = {other.removeprefix(f"{parent}.").partition(".")[0] for other in found if other.startswith(parent)}
        if here in (*COMMANDS, "__main__"):
            assert children <= {*order, *COMMANDS}
        else:
            assert children <= set(order[: order.index(here) + 1])
    tops = {other.partition(".")[0] for other in found}
    assert tops <= set(PACKAGES[: PACKAGES.index(name.partition(".")[0]) + 1])


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {dotted(path): imported(path) - {dotted(path)} for path in MODULES}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError


@pytest.mark.parametrize("path", MODULES, ids=by_name)
def test_a_module_uses_no_private_name_of_another(path: Path) -> None:
    used = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in PACKAGES
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.startswith("__")
    }
    assert not used


@pytest.mark.parametrize("path", MODULES, ids=by_name)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    purpose = ast.get_docstring(ast.parse(path.read_text()))
    assert purpose is not None
    assert purpose.splitlines()[0].endswith((".", ":")) or path.parts[-2] == "benchmarks"


@pytest.mark.parametrize("path", [path for path in MODULES if by_name(path).startswith("pianoroll_tf")], ids=by_name)
def test_every_module_has_its_test(path: Path) -> None:
    assert (ROOT / "tests" / path.relative_to(ROOT).with_name(f"test_{path.stem.strip('_')}.py")).is_file()


def test_every_test_has_its_module() -> None:
    tests = {path.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")}
    modules = {path.relative_to(ROOT).with_name(f"test_{path.stem.strip('_')}.py") for path in MODULES}
    assert {str(path) for path in tests - modules} == WITHOUT_MODULE


def test_the_design_names_every_module() -> None:
    text = (ROOT / "docs" / "DESIGN.md").read_text()
    words = set(text.replace("`", " ").replace(",", " ").split())
    missing = [dotted(path) for path in MODULES if path.stem != "__main__" and path.stem not in words]
    assert not [name for name in missing if not name.startswith("benchmarks")]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_answers_without_a_framework(command: str) -> None:
    forbidden = {"tensorflow", "keras", "numpy", "matplotlib", "symusic", "pretty_midi"}
    module = f"pianoroll_tf.{command}"
    assert f"python -m {module}" in help_text(module, forbidden)


@pytest.mark.parametrize("command", COMMANDS)
def test_wrong_usage_is_exit_code_2_and_one_line(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"pianoroll_tf.{command}", "--no-such-flag"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize("command", TUNER)
def test_search_and_study_are_independent(command: str) -> None:
    files = sorted((ROOT / "tuner" / command).glob("*.py"))
    assert ROOT / "tuner" / command / "__main__.py" in files
    for path in files:
        packages = {name.split(".")[1] for name in imported(path) if name.startswith("tuner.")}
        assert packages <= TUNER[command], path
