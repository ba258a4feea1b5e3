"""Runs `--help` of a command in a process of its own and checks which modules it imports."""

import subprocess
import sys
from collections.abc import Iterable

from repository import ROOT


def help_text(module: str, forbidden: Iterable[str]) -> str:
    """What `python -m MODULE --help` prints; fails if the exit code is not 0 or a forbidden module is imported."""
    code = (
        "import runpy, sys\n"
        f"sys.argv = [{module!r}, '--help']\n"
        "try:\n"
        f"    runpy.run_module({module!r}, run_name='__main__', alter_sys=True)\n"
        "except SystemExit as leave:\n"
        "    assert leave.code == 0, leave.code\n"
        f"heavy = {set(forbidden)!r} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout
