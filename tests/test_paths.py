"""Every command works in a folder whose name is a pattern, needs quotes, or is not UTF-8."""

import concurrent.futures
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from midi_files import write_corpus
from repository import ROOT

from pianoroll_tf import build_records, generate, train
from pianoroll_tf.modeling.run_folder import TENSORBOARD
from pianoroll_tf.serving.drawing.registry import Registry

NAMES = ["a [b] *c", os.fsdecode(b"d \xff 'e'")]
SMALL = ["--epochs", "1", "--conv-filters", "4", "--gru-units", "4", "--head-units", "4", "--batch-size", "4"]


@pytest.mark.parametrize("name", NAMES, ids=["pattern", "not UTF-8"])
def test_records_and_a_training_with_its_log(tmp_path: Path, name: str, capsys: pytest.CaptureFixture):
    folder = tmp_path / name
    write_corpus(folder / "midi", 6, quarters=8)
    records = ["--grid", "seconds", "--val", "0.3", "--test", "0.2", "--workers", "1"]
    assert build_records.main([str(folder / "midi"), str(folder / "records"), *records]) == 0
    assert train.main([str(folder / "records"), str(folder / "run"), *SMALL]) == 0
    assert any(path.name.startswith("events.") for path in (folder / "run" / TENSORBOARD).iterdir())
    [advice] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("next: ")]
    if name.isprintable():
        assert shlex.split(advice)[1:] == ["python", "-m", "pianoroll_tf.evaluate", str(folder / "run")]


@pytest.mark.parametrize("name", NAMES, ids=["pattern", "not UTF-8"])
def test_an_export_is_loaded_and_served(exported: Path, tmp_path: Path, name: str):
    model = tmp_path / name
    shutil.copytree(exported, model)
    assert generate.main([str(model), str(model / "music.mid"), "--steps", "8"]) == 0
    assert generate.main([str(model / "1"), str(model / "more.mid"), "--primer", str(model / "music.mid")]) == 0
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        registry = Registry(model, newest=1, pool=pool, active_rows=4, sizes=(2,))
        registry.refresh()
        assert list(registry.served) == [1], registry.statuses
        registry.close()


def test_names_that_are_not_utf8_are_printed():
    command = [sys.executable, "-m", "pianoroll_tf.generate", b"none\xff", b"a\xff.mid"]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, env=os.environ | {"LC_ALL": "C.UTF-8"})
    assert done.returncode == 1
    assert "none\ufffd" in done.stderr.decode()
    code = (
        "import sys\n"
        "from pianoroll_tf import cli\n"
        "parser = cli.make_parser('x', '')\n"
        "parser.add_argument('name')\n"
        "sys.exit(cli.run(lambda args: print('next:', args.name, '→'), parser, None))\n"
    )
    for encoding, printed in (("utf-8", "next: a\\udcff →"), ("ascii", "next: a\\udcff \\u2192")):
        environment = os.environ | {"PYTHONIOENCODING": encoding}
        done = subprocess.run([sys.executable, "-c", code, b"a\xff"], capture_output=True, cwd=ROOT, env=environment)
        assert done.stdout.decode() == f"{printed}\n", done.stderr
