"""Options of pipelines: what is refused, what is the default, which runner they name."""

import re

import pytest

pytest.importorskip("apache_beam")

from apache_beam.options.pipeline_options import DirectOptions, GoogleCloudOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.portability.portable_runner import PortableRunner
from repository import ROOT

from pianoroll_tf.data.beam.options import make_runner, pipeline_options
from pianoroll_tf.errors import UsageError


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--nonsense=3", "nonsense"),
        ("nonsense", "nonsense"),
        ("--direct_num_workers=many", "invalid int value: 'many'"),
        ("--runner", "expected one argument"),
        ("--job_name='a", "No closing quotation"),
    ],
)
def test_what_beam_would_ignore_or_exit_for_is_one_line(text: str, message: str, capfd) -> None:
    with pytest.raises(UsageError) as error:
        pipeline_options(text, 1)
    assert str(error.value).startswith(f"--beam-options must be options of Apache Beam. Received: {text} (")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert capfd.readouterr() == ("", "")


def test_an_unknown_runner_is_one_line() -> None:
    with pytest.raises(
        UsageError, match=r"^--runner in --beam-options must be a runner of Apache Beam\. Received: Fast"
    ):
        pipeline_options("--runner=Fast", 1)


@pytest.mark.parametrize(
    ("text", "workers", "expected"),
    [
        ("", 1, (1, "in_memory")),
        ("", 3, (3, "multi_processing")),
        ("--direct_num_workers=5 --direct_running_mode multi_threading", 3, (5, "multi_threading")),
    ],
)
def test_workers_are_processes_of_the_runner_within_beam(text: str, workers: int, expected: tuple[int, str]) -> None:
    options = pipeline_options(text, workers)
    direct = options.view_as(DirectOptions)
    assert (direct.direct_num_workers, direct.direct_running_mode) == expected
    assert isinstance(make_runner(options), FnApiRunner)


def test_a_service_gets_its_options() -> None:
    options = pipeline_options("--runner=DataflowRunner --region europe-west1 --project='a b'", 2)
    cloud = options.view_as(GoogleCloudOptions)
    assert (cloud.region, cloud.project) == ("europe-west1", "a b")
    assert isinstance(make_runner(pipeline_options("--runner=PortableRunner --job_endpoint=a:1", 2)), PortableRunner)


@pytest.mark.parametrize("given", ["--runner=DaskRunner", "--runner DaskRunner"])
def test_dasks_runner_has_a_task_for_each_chunk(given: str) -> None:
    dask = pytest.importorskip("apache_beam.runners.dask.dask_runner")
    options = pipeline_options(f"{given} --dask_client_address=tcp://10.0.0.1:8786", 2)
    assert isinstance(make_runner(options), dask.DaskRunner)
    assert options.view_as(dask.DaskOptions).partition_size == 1
    other = pipeline_options(f"{given} --dask_partition_size=8", 2)
    assert other.view_as(dask.DaskOptions).partition_size == 8


def test_the_options_of_the_documentation_are_beams() -> None:
    text = (ROOT / "docs" / "beam.md").read_text()
    rows = re.findall(r"\| `(--runner=[^`]*)` \|", text) + re.findall(r'--beam-options="(--runner=[^"]*)"', text)
    assert [row.split()[0].partition("=")[2] for row in rows] == [
        "DaskRunner", "PortableRunner", "FlinkRunner", "DaskRunner", "DataflowRunner",
    ]  # fmt: skip
    for row in rows:
        pipeline_options(row, 2)
