"""Packages of the extras: each is declared in setup.cfg, and serving and generation need none of training's."""

import configparser
import re
import subprocess
import sys

import pytest
from repository import ROOT

from pianoroll_tf.errors import UserError
from pianoroll_tf.extras import EXTRAS, require
from pianoroll_tf.messages import describe

DISTRIBUTIONS = {"sklearn": "scikit-learn", "scipy": "scikit-learn"}  # the second is a dependency of the first
PACKAGES = configparser.ConfigParser()
PACKAGES.read(ROOT / "setup.cfg")


def named(requirements: str) -> set[str]:
    return {re.split(r"[ \[;<>=]", line)[0] for line in requirements.strip().splitlines()}


@pytest.mark.parametrize("package", EXTRAS)
def test_the_extra_brings_the_package(package):
    found = named(PACKAGES["options.extras_require"][EXTRAS[package]])
    assert {DISTRIBUTIONS.get(package, package), package.replace("_", "-"), f"{package.replace('_', '-')}-api"} & found
    assert DISTRIBUTIONS.get(package, package) not in named(PACKAGES["options"]["install_requires"])


def test_a_missing_package_is_one_line_that_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(UserError, match=r"^this needs the package tensorboard: pip install 'pianoroll_tf\[train\]'$"):
        require("json", "tensorboard")
    with pytest.raises(ModuleNotFoundError) as error:
        import tensorboard.plugins  # noqa: F401
    error.value.name = "tensorboard.plugins"
    assert describe(error.value) == "this needs the package tensorboard: pip install 'pianoroll_tf[train]'"


def test_generation_and_serving_need_no_package_of_training(exported, tmp_path):
    blocked = [name for name, extra in EXTRAS.items() if extra not in ("serve", "grpc")]
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        f"for name in {blocked}:\n"
        "    sys.modules[name] = None\n"
        "from pianoroll_tf import generate, serve\n"
        "import pianoroll_tf.serving.server, pianoroll_tf.serving.tf_serving.grpc_service\n"
        "sys.exit(generate.main([sys.argv[1], sys.argv[2], '--steps', '32', '--wav'])\n"
        "         or generate.main([sys.argv[1], 'other.mid', '--png']) - 1)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, exported, tmp_path / "a.mid"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.mid").read_bytes().startswith(b"MThd")
    assert (tmp_path / "a.wav").exists()
    assert done.stderr.endswith("this needs the package matplotlib: pip install 'pianoroll_tf[train]'\n")
