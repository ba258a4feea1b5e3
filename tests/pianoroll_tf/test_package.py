"""What `import pianoroll_tf` offers, and that it costs nothing until it is used."""

import ast
import subprocess
import sys

import pytest
from repository import ROOT

import pianoroll_tf


def test_the_import_loads_no_framework_and_a_use_prints_nothing() -> None:
    code = (
        "import sys, pianoroll_tf as pr\n"
        "heavy = {'numpy', 'tensorflow', 'keras', 'matplotlib', 'symusic'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "assert 'Records' in dir(pr) and 'train' not in dir(pr)\n"
        "pr.Records, pr.Piece, pr.Run, pr.load, pr.RunConfig\n"
        "assert 'tensorflow' not in sys.modules\n"
        "print(pr.build_model(pr.ModelConfig(conv_filters=4, gru_units=8)).output_shape)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "(None, None, 169)\n", "")


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Recordings'"):
        _ = pianoroll_tf.Recordings


@pytest.mark.parametrize("name", sorted(pianoroll_tf._PUBLIC))
def test_every_public_name_is_documented(name: str) -> None:
    assert getattr(pianoroll_tf, name).__doc__


def test_type_checkers_see_the_same_names_in_the_same_modules() -> None:
    tree = ast.parse((ROOT / "pianoroll_tf" / "__init__.py").read_text())
    seen = {
        alias.name: node.module.removeprefix("pianoroll_tf.")
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        for alias in node.names
    }
    assert seen == pianoroll_tf._PUBLIC
