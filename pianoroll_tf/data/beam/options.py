"""Options of Beam's pipelines, and the runner that they name."""

import contextlib
import importlib
import io
import logging
import shlex
from collections.abc import Iterator

from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions, StandardOptions
from apache_beam.runners.runner import PipelineRunner, create_runner

from pianoroll_tf.errors import UsageError

DASK_RUNNER = "apache_beam.runners.dask.dask_runner.DaskRunner"  # which Beam does not know by its short name


def pipeline_options(text: str, workers: int) -> PipelineOptions:
    """Parses the options of `--beam-options`.

    Args:
        text: As on a command line: "--runner=DataflowRunner --region=europe-west1".
        workers: Processes of the DirectRunner, which is the default.

    Raises:
        UsageError: An option is unknown or has a wrong value.
    """
    try:
        given = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"--beam-options must be options of Apache Beam. Received: {text} ({error})") from error
    mode = "multi_processing" if workers > 1 else "in_memory"
    log = "--default_sdk_harness_log_level=ERROR"
    flags = [f"--direct_num_workers={workers}", f"--direct_running_mode={mode}", log, *given]
    name = _runner_name(flags)
    if name == "DaskRunner":
        # A chunk of files or of records per task; Dask's default would give a single task to a single worker.
        flags = ["--dask_partition_size=1", *flags, f"--runner={DASK_RUNNER}"]
    try:
        create_runner(_runner_name(flags))  # imports the runner, with its own options
    except (ValueError, ImportError, AttributeError) as error:
        raise UsageError(
            f"--runner in --beam-options must be a runner of Apache Beam. Received: {name} ({error})"
        ) from error
    with _strict(text):
        options = PipelineOptions(flags)
        options.get_all_options()
    for plugin in options.view_as(SetupOptions).beam_plugins or ():  # as Beam's workers do
        importlib.import_module(plugin)
    return options


def make_runner(options: PipelineOptions) -> PipelineRunner:
    """The runner that the options name.

    Beam's DirectRunner first tries to download another one, Prism; here it is the one within Beam.
    """
    name = options.view_as(StandardOptions).runner
    if name not in (None, "DirectRunner"):
        return create_runner(name)
    from apache_beam.portability.api import beam_provision_api_pb2
    from apache_beam.runners.portability.fn_api_runner import fn_runner
    from apache_beam.runners.portability.portable_runner import JobServiceHandle

    encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options())
    info = beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded)
    return fn_runner.FnApiRunner(provision_info=fn_runner.ExtendedProvisionInfo(info))


def _runner_name(flags: list[str]) -> str:
    """The runner among flags, given as one word or two."""
    with contextlib.redirect_stderr(io.StringIO()):
        try:
            return PipelineOptions(flags).view_as(StandardOptions).runner or StandardOptions.DEFAULT_RUNNER
        except SystemExit:  # a flag without its value, about which `_strict` complains
            return StandardOptions.DEFAULT_RUNNER


@contextlib.contextmanager
def _strict(text: str) -> Iterator[None]:
    """Turns what Beam's parser of options warns about, or exits for, into a UsageError."""
    log, found = logging.getLogger("apache_beam.options.pipeline_options"), _Collected()
    level = log.level
    log.addFilter(found)
    log.setLevel(logging.WARNING)
    try:
        with contextlib.redirect_stderr(io.StringIO()) as printed:
            yield
    except SystemExit as error:
        found.messages.append(printed.getvalue().strip().rpartition("error: ")[2] or str(error))
    finally:
        log.removeFilter(found)
        log.setLevel(level)
    if found.messages:
        raise UsageError(f"--beam-options must be options of Apache Beam. Received: {text} ({found.messages[0]})")


class _Collected(logging.Filter):
    """Keeps warnings instead of letting them through."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        """Called by the logger."""
        if record.levelno >= logging.WARNING:
            self.messages.append(record.getMessage())
        return False
