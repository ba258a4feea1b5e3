"""The documentation's own commands and examples, run word for word; flags of those that need a corpus are checked."""

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


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language: "sh" for what is run here, "bash" for what needs a corpus, "python"."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def commands(language: str) -> list[list[str]]:
    """The `python -m` command lines of the README's blocks, split into words."""
    lines = [line for block in blocks(README, language) for line in block.splitlines()]
    return [shlex.split(line) for line in lines if line.startswith("python -m")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the README's commands for one's own files have been run."""
    folder = tmp_path_factory.mktemp("readme")
    write_corpus(folder / "my_midi", 12)
    for _, *words in commands("sh"):
        done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, f"{words}: {done.stderr}"
    return folder


@pytest.mark.slow
def test_the_commands_for_ones_own_files_run(home: Path) -> None:
    assert len(commands("sh")) == 5
    made = ["music.mid", "music.png", "music.wav", "take-1.mid", "take-2.mid", "saved_models/mine/1"]
    assert all((home / name).exists() for name in made)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["tfrecords/README.md", "saved_models/README.md"])
def test_the_examples_run_with_tensorflow_alone(home: Path, page: str) -> None:
    examples = blocks((ROOT / page).read_text(), "python")
    assert examples
    for example in examples:
        done = subprocess.run([sys.executable, "-c", example], cwd=home, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "84" in done.stdout


@pytest.mark.parametrize("words", commands("bash"), ids=" ".join)
def test_the_flags_of_the_other_commands_exist(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    package = (ROOT / words[2].replace(".", "/")).is_dir()
    module = importlib.import_module(words[2] + ".__main__" * package)
    parsed = []
    monkeypatch.setattr(module.cli, "run", lambda body, parser, argv: parsed.append(parser.parse_args(argv)) or 0)
    assert module.main(words[3:]) == 0
    assert len(parsed) == 1


def test_the_make_targets_and_pages_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`?make (\w+)", README):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    for page in re.findall(r"\]\(([^):]+)\)", README):
        assert (ROOT / page).is_file(), page


def test_the_lines_of_curl_are_answered(server, tmp_path: Path) -> None:
    lines = re.sub(r"\\\n *", " ", "".join(blocks(README, "shell")))
    lines = lines.replace("localhost:8501", f"localhost:{server.port}")
    lines = lines.replace("models/demo", f"models/{server.state.registry.name}")
    lines = lines.replace("curl ", "curl --fail-with-body ")
    done = subprocess.run(["bash", "-e", "-c", lines], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert lines.count("curl") == 10
    assert all((tmp_path / name).read_bytes().startswith(b"MThd") for name in ("music.mid", "longer.mid"))
    assert "event: end" in done.stdout
    assert '"predictions"' in done.stdout


def test_the_table_of_speed_is_the_one_that_was_measured() -> None:
    table, *_ = (ROOT / "docs" / "benchmarks" / "bench.md").read_text().split("\n\n")
    assert len(table.splitlines()) > 40
    assert table in README
