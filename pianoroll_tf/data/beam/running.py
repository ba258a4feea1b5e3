"""Runs a pipeline to its end, on the runner that its options name."""

import contextlib
from collections.abc import Callable

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineState

from pianoroll_tf.data.beam.options import make_runner
from pianoroll_tf.data.beam.readers import close_idle_readers
from pianoroll_tf.data.beam.transforms import NAMESPACE
from pianoroll_tf.errors import UserError
from pianoroll_tf.messages import one_line

RESUMES = "the same command resumes"


def run_pipeline(options: PipelineOptions, build: Callable[[beam.Pipeline], None]) -> dict[str, int]:
    """Runs the pipeline that `build` makes.

    Returns:
        Its counters by their names; none from a runner that has none, as Dask's.

    Raises:
        UserError: It failed, after the runner has tried it as often as it does.
    """
    pipeline = beam.Pipeline(runner=make_runner(options), options=options)
    build(pipeline)
    with contextlib.ExitStack() as stack:
        stack.callback(close_idle_readers)
        try:
            result = pipeline.run()
            if client := getattr(result, "client", None):  # of Dask's runner, which leaves it open
                stack.callback(client.close)
            state = result.wait_until_finish()
        except Exception as error:
            raise UserError(f"the Beam pipeline failed; {RESUMES}: {one_line(error)}") from error
        if state not in (PipelineState.DONE, None):
            raise UserError(f"the Beam pipeline must end as DONE; {RESUMES}. Received: {state}")
        try:
            found = result.metrics().query(beam.metrics.MetricsFilter().with_namespace(NAMESPACE))["counters"]
        except NotImplementedError:
            return {}
    return {counter.key.metric.name: counter.result for counter in found}
