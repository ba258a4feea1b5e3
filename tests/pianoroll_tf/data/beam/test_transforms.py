"""The graphs of the two pipelines, as a service like Dataflow gets them, and what a shard refuses."""

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("apache_beam")

import apache_beam as beam

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.beam.transforms import WriteShards, WriteSkipped, convert_pipeline, shard_pipeline

CONFIG = RecordsConfig(grid="seconds")


def graph(build: Callable[[beam.Pipeline], None]):
    """The pipeline as it is sent to a runner, and its transforms at the top in their order."""
    pipeline = beam.Pipeline(options=beam.options.pipeline_options.PipelineOptions([]))
    build(pipeline)
    proto = pipeline.to_runner_api()
    [root] = proto.root_transform_ids
    transforms = proto.components.transforms
    return proto.components, [transforms[name] for name in transforms[root].subtransforms]


def inputs_and_outputs(transforms) -> list[tuple[list[str], list[str]]]:
    return [(list(each.inputs.values()), list(each.outputs.values())) for each in transforms]


def test_the_graph_that_converts() -> None:
    _, transforms = graph(lambda pipeline: convert_pipeline(pipeline, "gs://bucket/work", ["a", "b"], CONFIG))
    assert [each.unique_name for each in transforms] == [
        "Chunks", "Spread chunks", "Convert files", "One list", "Group skipped", "Write list of skipped",
    ]  # fmt: skip
    converts, one_list = transforms[2], transforms[3]
    assert list(one_list.inputs.values()) == [converts.outputs["skipped"]]


def test_the_graph_that_writes_shards() -> None:
    components, transforms = graph(
        lambda pipeline: shard_pipeline(pipeline, "gs://bucket/work", ["a.records"], [("train", 1)], None)
    )
    assert [each.unique_name for each in transforms] == [
        "Parts", "Spread parts", "Read records", "Group by shard", "Write shards",
    ]  # fmt: skip
    for (_, outputs), (inputs, _) in zip(
        inputs_and_outputs(transforms)[:-1], inputs_and_outputs(transforms)[1:], strict=True
    ):
        assert outputs == inputs  # one line, without side inputs, as Dask's runner needs it
    keyed = components.pcollections[next(iter(transforms[2].outputs.values()))]
    kind = components.coders[keyed.coder_id]
    assert kind.spec.urn == "beam:coder:kv:v1"
    assert components.coders[kind.component_coder_ids[0]].spec.urn == "beam:coder:varint:v1"


@pytest.mark.parametrize("positions", [[0], [0, 0], [0, 2], [0, 1, 2]])
def test_a_shard_with_a_record_too_few_or_too_many_is_refused(tmp_path: Path, positions: list[int]) -> None:
    writer = WriteShards(str(tmp_path), [("other", 9), ("train", 2)], None)
    with pytest.raises(RuntimeError, match=r"^train must have 2 records, each once\. Received: "):
        writer.process((1, [(position, b"") for position in positions]))
    assert not list(tmp_path.iterdir())


def test_the_list_of_skipped_files_is_sorted(tmp_path: Path) -> None:
    WriteSkipped(str(tmp_path)).process((0, iter(["b: no notes", "a: damaged"])))
    assert (tmp_path / "skipped.txt").read_text() == "a: damaged\nb: no notes\n"
