"""The files in deploy/ have the flags, paths and metrics of the programs that they configure."""

import json
import re
from pathlib import Path

import pytest
from google.protobuf import text_format
from repository import ROOT
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from pianoroll_tf.flags import from_args
from pianoroll_tf.serve import build_parser
from pianoroll_tf.serving.http.monitoring import EngineCollector
from pianoroll_tf.serving.settings import Address, Limits, Versions

DEPLOY = ROOT / "deploy"


def test_the_list_of_models_is_one_of_tensorflow_serving():
    made = text_format.Parse((DEPLOY / "models.config").read_text(), ModelServerConfig())
    [config] = made.model_config_list.config
    assert (config.name, config.base_path, config.model_platform) == ("demo", "/models/demo", "tensorflow")
    assert config.model_version_policy.latest.num_versions == 2


def test_the_image_holds_the_files_that_it_names():
    text = (DEPLOY / "Dockerfile").read_text()
    copied = re.search(r"^COPY (.*) (\S+)$", text, re.MULTILINE)
    names = copied[1].split()
    assert all((DEPLOY.parent / name).is_file() for name in names)
    named = set(re.findall(r"=(/etc/serving/[\w.]+)", text))
    assert named == {copied[2] + Path(name).name for name in names}
    ignored = (DEPLOY.parent / ".dockerignore").read_text().split()
    assert "!deploy" in ignored


@pytest.mark.parametrize("name", ["compose.yaml", "kubernetes.yaml"])
def test_the_server_understands_its_flags(name):
    [found] = re.findall(r'\["pianoroll_tf\.serve".*?\]', (DEPLOY / name).read_text(), re.DOTALL)
    _, *words = json.loads(found)
    args = build_parser().parse_args(words)
    for kind in (Address, Versions, Limits):
        from_args(kind, args)
    assert str(args.model) == "/models/demo"


def test_the_cluster_waits_longer_than_the_server_and_scales_by_a_metric_that_there_is():
    text = (DEPLOY / "kubernetes.yaml").read_text()
    grace = int(re.search(r"terminationGracePeriodSeconds: (\d+)", text)[1])
    drain, pause = (int(re.search(f'"{word}", "(\\d+)"', text)[1]) for word in ("--drain-seconds", "sleep"))
    assert grace > drain + pause
    metric = re.search(r"metric: {name: (\w+)}", text)[1]
    assert f'"{metric}"' in Path(EngineCollector.__init__.__code__.co_filename).read_text()
