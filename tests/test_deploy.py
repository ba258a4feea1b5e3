"""The files in deploy/ have the flags, paths and metrics of the programs that they configure."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from google.protobuf import text_format
from repository import ROOT
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

import pianoroll_tf
from pianoroll_tf.flags import from_args
from pianoroll_tf.modeling.cluster import read_cluster
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


def server_container() -> dict:
    deployment = next(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return container


def image_entry_point() -> list[str]:
    """The words that the serving image puts before the arguments of its command, without the command itself."""
    found = re.findall(r"^ENTRYPOINT (.*pianoroll_tf\.serve.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    python, m, module, *words = json.loads(found[0])
    assert (python, m, module) == ("python", "-m", "pianoroll_tf.serve")
    return words


def test_compose_and_cluster_give_flags_that_the_serving_image_understands():
    page = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["page"]
    assert page["build"]["target"] == "serve"
    container = server_container()
    values = {"$(CPU_REQUEST)": "2", "$(NAMESPACE)": "music"}
    words = [re.sub(r"\$\(\w+\)", lambda found: values[found[0]], word) for word in container["args"]]
    for given, port in ((page["command"], 8080), (words, 8501)):
        args = build_parser().parse_args([*image_entry_point(), *given])
        address, versions, _ = (from_args(kind, args) for kind in (Address, Versions, Limits))
        assert str(args.model) == "/models/demo"
        assert (address.host, address.port) == ("0.0.0.0", port)
    assert versions.threads == 2
    assert address.allow_host == ("pianoroll", "pianoroll.music", "pianoroll.music.svc.cluster.local")


def test_the_cluster_gives_the_threads_and_the_host_from_what_it_knows():
    container = server_container()
    sources = {one["name"]: one["valueFrom"] for one in container["env"]}
    assert sources["CPU_REQUEST"]["resourceFieldRef"] == {"containerName": "server", "resource": "requests.cpu"}
    assert sources["NAMESPACE"]["fieldRef"] == {"fieldPath": "metadata.namespace"}
    assert set(re.findall(r"\$\((\w+)\)", " ".join(container["args"]))) == set(sources)
    assert "default" not in " ".join(container["args"])
    assert container["resources"]["requests"]["cpu"] == "2"


def test_the_cluster_waits_longer_than_the_server_and_scales_by_a_metric_that_there_is():
    text = (DEPLOY / "kubernetes.yaml").read_text()
    grace = int(re.search(r"terminationGracePeriodSeconds: (\d+)", text)[1])
    drain, pause = (int(re.search(f'"{word}", "(\\d+)"', text)[1]) for word in ("--drain-seconds", "sleep"))
    assert grace > drain + pause
    metric = re.search(r"metric: {name: (\w+)}", text)[1]
    assert f'"{metric}"' in Path(EngineCollector.__init__.__code__.co_filename).read_text()


def test_the_images_are_pinned_and_install_dependencies_before_the_sources():
    text = (ROOT / "Dockerfile").read_text()
    images = [image for image in re.findall(r"^FROM (\S+)", text, re.MULTILINE) if ":" in image]
    assert all(re.fullmatch(r"[a-z]+:\d+\.\d+\.\d+-[a-z-]+", image) for image in images)
    assert len(images) == 2
    assert text.index("pip install") < text.index("COPY pianoroll_tf pianoroll_tf")
    serve = re.search(r"^FROM base AS serve$(.*?)^FROM ", text, re.DOTALL | re.MULTILINE)[1]
    assert "EXPOSE 8501" in serve
    assert "HEALTHCHECK" in serve
    assert "tuner" not in serve
    tag = re.search(r"^ARG TAG=(\S+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)[1]
    assert f"tensorflow=={tag}\n" in (ROOT / "constraints.txt").read_text()
    ignored = (ROOT / ".dockerignore").read_text().split()
    copied = {
        Path(name).parts[0]
        for names in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
        for name in names.split()
    }
    assert copied <= {line.removeprefix("!") for line in ignored if line.startswith("!")}


def test_the_objects_of_the_cluster_name_each_other():
    objects = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
    by_kind = {one["kind"]: one for one in objects}
    pod = by_kind["Deployment"]["spec"]["template"]
    [claim] = [v["persistentVolumeClaim"]["claimName"] for v in pod["spec"]["volumes"] if "persistentVolumeClaim" in v]
    assert claim == by_kind["PersistentVolumeClaim"]["metadata"]["name"]
    labels = pod["metadata"]["labels"]
    assert by_kind["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    assert pod["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"] == labels
    assert by_kind["Service"]["spec"]["selector"] == labels


def test_the_citation_has_the_version_and_the_licence_of_the_package():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["version"] == pianoroll_tf.__version__
    assert f"license_expression = {cited['license']}" in (ROOT / "setup.cfg").read_text()
    assert "Apache License" in (ROOT / "LICENSE").read_text()


def training_job() -> dict[str, dict]:
    """The objects of the training on several machines, by kind."""
    return {one["kind"]: one for one in yaml.safe_load_all((DEPLOY / "train-job.yaml").read_text())}


@pytest.mark.parametrize("index", [0, 1])
def test_each_pod_of_the_training_job_knows_its_place(index):
    job = training_job()["Job"]["spec"]
    assert (job["completionMode"], job["completions"], job["parallelism"]) == ("Indexed", 2, 2)
    [worker] = job["template"]["spec"]["containers"]
    place, config = worker["env"]  # a variable can only refer to those before it
    assert place["name"] == "JOB_COMPLETION_INDEX"
    assert config["name"] == "TF_CONFIG"
    cluster = read_cluster({"TF_CONFIG": config["value"].replace("$(JOB_COMPLETION_INDEX)", str(index))})
    assert (cluster.rank, len(cluster.tasks)) == (index, job["completions"])
    assert cluster.tasks[index][2] == f"train-{index}.train:2222"


def test_the_objects_of_the_training_job_name_each_other():
    objects = training_job()
    service, job, pod = objects["Service"], objects["Job"], objects["Job"]["spec"]["template"]
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"]
    assert (service["metadata"]["name"], job["metadata"]["name"]) == (pod["spec"]["subdomain"], "train")
    labels = pod["metadata"]["labels"]
    assert service["spec"]["selector"] == labels
    policy = objects["NetworkPolicy"]["spec"]
    assert policy["podSelector"]["matchLabels"] == labels
    assert policy["ingress"][0]["from"][0]["podSelector"]["matchLabels"] == labels
    [worker] = pod["spec"]["containers"]
    assert [service["spec"]["ports"][0]["port"], worker["ports"][0]["containerPort"]] == [2222, 2222]
    assert policy["ingress"][0]["ports"] == [{"port": 2222}]
    [volume] = pod["spec"]["volumes"]
    assert volume["persistentVolumeClaim"]["claimName"] == objects["PersistentVolumeClaim"]["metadata"]["name"]
    assert worker["args"][0] == "pianoroll_tf.train"
    assert worker["args"][-2:] == ["--strategy", "multi_worker"]


def test_the_script_for_slurm_is_one_and_starts_the_command(tmp_path):
    """With an `srun` that says what it was given, and its environment."""
    script = DEPLOY / "train.sbatch"
    assert subprocess.run(["bash", "-n", script]).returncode == 0
    (tmp_path / "srun").write_text('#!/bin/bash\nprintf "%s\\n" "${TF_CONFIG-none}" "$@"\n')
    (tmp_path / "srun").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "TF_CONFIG": "{}", "SLURM_CPUS_PER_TASK": "3"}
    words = ["bash", script, "tfrecords/my records", "runs/A", "--epochs", "2"]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=True)
    tf_config, *srun = done.stdout.splitlines()
    command = ["python", "-m", "pianoroll_tf.train", *words[2:], "--strategy", "multi_worker"]
    assert (tf_config, srun) == ("none", ["--wait=120", "--cpus-per-task=3", *command])
    options = re.findall(r"^#SBATCH --([\w-]+)", script.read_text(), re.MULTILINE)
    assert {"nodes", "ntasks-per-node", "signal", "requeue"} <= set(options)
