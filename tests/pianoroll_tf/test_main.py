"""The list of commands, and a command by its short name."""

import importlib
import subprocess
import sys

import pytest
from repository import ROOT

from pianoroll_tf.__main__ import COMMANDS, main, usage


def test_every_command_is_listed():
    modules = {module for module, _ in COMMANDS.values()}
    parsers = [path for path in (ROOT / "pianoroll_tf").glob("*.py") if "make_parser(" in path.read_text()]
    assert modules == {f"pianoroll_tf.{path.stem}" for path in parsers if path.stem != "cli"} | {
        f"tuner.{name}" for name in ("search", "study", "plan", "report")
    }


def test_no_arguments_list_the_commands(capsys):
    assert main([]) == 0
    listed = capsys.readouterr().out
    assert listed == usage() + "\n"
    assert all(f"python -m {module}" in listed for module, _ in COMMANDS.values())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_short_name_runs_the_command(name, capsys):
    importlib.import_module("pianoroll_tf")
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"python -m {COMMANDS[name][0]} " in capsys.readouterr().out


def test_an_unknown_command_is_refused_in_one_line(capsys):
    assert main(["trian"]) == 2
    line = capsys.readouterr().err
    assert line.startswith("pianoroll-tf: the command must be one of: build, train, ")
    assert line.endswith("Received: trian\n")


def test_the_package_runs_as_a_module():
    ran = subprocess.run([sys.executable, "-m", "pianoroll_tf"], capture_output=True, text=True, cwd=ROOT, check=True)
    assert ran.stdout == usage() + "\n"
