"""The table of GPUs, on the CPU in their place."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.gpu import Case, cases, main

ROOT = Path(__file__).parents[2]


def test_more_devices_have_more_windows_each_as_many():
    several = [case for case in cases(4, (64, 128), bfloat16=False) if case.devices > 1]
    assert {(case.devices, case.batch) for case in several} == {(2, 256), (4, 512)}
    assert Case(head="nade") in cases(1, (64,), bfloat16=True)


def test_without_a_gpu_one_line_says_so(capsys):
    assert main([]) == 2
    assert "TensorFlow must find a GPU (--cpu measures the CPU in its place). Received: none" in capsys.readouterr().err


def test_the_table_has_a_row_for_every_case():
    """In a process of its own, as the deterministic mode is for a whole process."""
    command = [sys.executable, "-m", "benchmarks.gpu", "--cpu", "--repeats", "1", "--steps", "1", "--batch", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert "| nade head, gathered rows, float32, batch 2 |" in done.stdout
    assert lines[-1].startswith("| stock Keras, float32, batch 2 | ")
    assert lines[-1].endswith(" | 1.00 |")
