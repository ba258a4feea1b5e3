"""The documentation's commands and examples, run word for word; flags of commands that need a corpus are checked."""

import argparse
import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from midi_files import write_corpus
from repository import ROOT

README = (ROOT / "README.md").read_text()
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("**/*.md")),
    ROOT / "tfrecords" / "README.md",
    ROOT / "saved_models" / "README.md",
]
PAGES = [page for page in PAGES if "reference" not in page.parts]  # written by `make docs`
DOCUMENTATION = "\n".join(page.read_text() for page in PAGES)


class ParsedError(BaseException):
    """Raised in place of what a command does once its arguments are parsed."""


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language: "sh" for what is run here, "bash" for what needs a corpus, "python"."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def commands(text: str, language: str) -> list[list[str]]:
    """The `python -m` command lines of the blocks of a language, split into words."""
    code = re.sub(r"\\\n *", "", "".join(blocks(text, language)))
    return [shlex.split(line, comments=True) for line in code.splitlines() if line.startswith("python -m")]


def inline_commands(text: str) -> list[list[str]]:
    """The command lines within sentences."""
    return [shlex.split(line) for line in re.findall(r"`(python -m \w+\.\w+ [^`]*)`", text)]


OTHERS = sorted(set(map(tuple, commands(DOCUMENTATION, "bash") + inline_commands(DOCUMENTATION))))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the README's commands for the reader's own files have been run."""
    folder = tmp_path_factory.mktemp("readme")
    write_corpus(folder / "my_midi", 12)
    for _, *words in commands(README, "sh"):
        done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, f"{words}: {done.stderr}"
    return folder


def run_example(example: str, home: Path) -> str:
    """Runs an example of Python there; returns what it prints."""
    done = subprocess.run([sys.executable, "-c", example], cwd=home, capture_output=True, text=True)
    assert done.returncode == 0, f"{example}\n{done.stderr}"
    return done.stdout


@pytest.mark.slow
def test_the_commands_for_ones_own_files_run(home: Path) -> None:
    assert len(commands(README, "sh")) == 5
    made = ["music.mid", "music.png", "music.wav", "take-1.mid", "take-2.mid", "saved_models/mine/1"]
    assert all((home / name).exists() for name in made)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["tfrecords/README.md", "saved_models/README.md"])
def test_the_examples_run_with_tensorflow_alone(home: Path, page: str) -> None:
    examples = blocks((ROOT / page).read_text(), "python")
    assert examples
    for example in examples:
        assert "pianoroll_tf" not in example
        assert "84" in run_example(example, home)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "docs/api.md"])
def test_the_examples_of_the_library_run(home: Path, page: str) -> None:
    examples = blocks((ROOT / page).read_text(), "python")
    assert examples
    printed = run_example("\n".join(examples), home)
    assert "84" in printed
    assert page != "README.md" or (home / "piece.mid").read_bytes().startswith(b"MThd")


@pytest.mark.parametrize("words", OTHERS, ids=" ".join)
def test_the_flags_of_the_other_commands_exist(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    package = (ROOT / words[2].replace(".", "/")).is_dir()
    module = importlib.import_module(words[2] + ".__main__" * package)
    parse_args = argparse.ArgumentParser.parse_args

    def parse(parser: argparse.ArgumentParser, argv: list[str]) -> None:
        parse_args(parser, argv)
        raise ParsedError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse)
    if words[2] == "benchmarks.temperatures":  # it has no flags
        return
    with pytest.raises(ParsedError):
        module.main(list(words[3:]))


def test_commands_of_every_kind_are_found() -> None:
    found = {words[2] for words in OTHERS}
    assert {"pianoroll_tf.serve", "tuner.search", "tuner.study", "tuner.report", "benchmarks.polyphonic"} <= found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_make_targets_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    text = page.read_text()
    code = "".join(blocks(text, "sh") + blocks(text, "bash"))
    for target in re.findall(r"`make ([\w-]+)", text) + re.findall(r"^make ([\w-]+)", code, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_the_lines_of_curl_are_answered(server, tmp_path: Path) -> None:
    lines = re.sub(r"\\\n *", " ", "".join(blocks((ROOT / "docs" / "serving.md").read_text(), "shell")))
    lines = lines.replace("localhost:8501", f"localhost:{server.port}")
    lines = lines.replace("models/demo", f"models/{server.state.registry.name}")
    lines = lines.replace("curl ", "curl --fail-with-body ")
    done = subprocess.run(["bash", "-e", "-c", lines], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert lines.count("curl") == 13
    assert all((tmp_path / name).read_bytes().startswith(b"MThd") for name in ("music.mid", "longer.mid", "two.mid"))
    assert "event: end" in done.stdout
    assert '"predictions"' in done.stdout


def test_the_readme_is_short() -> None:
    assert len(README.split()) <= 1500


@pytest.mark.parametrize(("page", "rows"), [("bench", 6), ("polyphonic", 6)])
def test_the_numbers_of_the_readme_are_those_of_the_benchmarks(page: str, rows: int) -> None:
    measured = (ROOT / "docs" / "benchmarks" / f"{page}.md").read_text().splitlines()
    lines = [line for line in README.splitlines() if re.match(r"\|.*\d", line)]
    assert sum(any(row.startswith(line) for row in measured) for line in lines) == rows


def test_the_table_of_speed_has_all_rows() -> None:
    table, *_ = (ROOT / "docs" / "benchmarks" / "bench.md").read_text().split("\n\n")
    assert len(table.splitlines()) > 40
