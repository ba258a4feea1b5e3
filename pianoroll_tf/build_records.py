"""Converts MIDI files to a folder of TFRecords with a manifest, or checks such a folder."""

import argparse
import signal
import sys
from pathlib import Path

from pianoroll_tf import cli
from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.errors import DamagedError, UsageError, usage_errors
from pianoroll_tf.flags import add_flags, from_args
from pianoroll_tf.messages import one_line
from pianoroll_tf.progress import Progress
from pianoroll_tf.system import usable_cpus


def main(argv: list[str] | None = None) -> int:
    """Runs `python -m pianoroll_tf.build_records INPUT RECORDS_DIR`; returns its exit code."""
    parser = cli.make_parser("pianoroll_tf.build_records", __doc__)
    parser.usage = "%(prog)s INPUT RECORDS_DIR [options]\n       %(prog)s --verify RECORDS_DIR"
    what = "folder of MIDI files at any depth, archive (.zip, .tar, .tar.gz, .tgz), or text file of paths (.txt)"
    parser.add_argument("input", type=cli.path_or_url, nargs="?", metavar="INPUT", help=what)
    parser.add_argument(
        "records_dir", type=cli.path_or_url, nargs="?", metavar="RECORDS_DIR", help="to create: tfrecords/NAME"
    )
    parser.add_argument("--verify", type=Path, metavar="RECORDS_DIR", help="check every byte of a folder of records")
    parser.add_argument("--workers", type=int, help="processes that read files (default: one per CPU)", metavar="INT")
    parser.add_argument(
        "--runner",
        choices=("direct", "beam"),
        default="direct",
        help="what does the work: processes of this machine, or Apache Beam (default: direct)",
    )
    parser.add_argument(
        "--beam-options",
        default="",
        metavar='="--NAME=VALUE …"',
        help="options of Beam's pipeline, such as --runner=DataflowRunner",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace records of other files or settings")
    parser.add_argument("--list-skipped", action="store_true", help="list every skipped file with its reason")
    parser.add_argument("--follow-links", action="store_true", help="follow symbolic links in a folder or a list")
    add_flags(parser, RecordsConfig)
    parser.set_defaults(given=sys.argv[1:] if argv is None else argv)
    return cli.run(_command, parser, argv)


def _command(args: argparse.Namespace) -> None:
    if args.verify is not None:
        if args.input is not None:
            raise UsageError("--verify must be used alone with its folder. Received: other folders too")
        return _verify(args.verify)
    if args.records_dir is None:
        raise UsageError("INPUT and RECORDS_DIR must be given (see --help)")
    if args.workers is not None and args.workers < 1:
        raise UsageError(f"workers must be a whole number >= 1. Received: workers={args.workers}")
    if args.beam_options and args.runner != "beam":
        raise UsageError(f"--beam-options must be given with --runner beam. Received: runner={args.runner}")
    with usage_errors():
        config = from_args(RecordsConfig, args)
    return _build(args, config)


def _build(args: argparse.Namespace, config: RecordsConfig) -> None:
    from pianoroll_tf.data.advice import advice
    from pianoroll_tf.data.records import read_manifest
    from pianoroll_tf.data.runners import build_by
    from pianoroll_tf.data.summary import skipped_lines, summary

    with cli.exit_on_sigterm(128 + signal.SIGTERM):  # so that reader processes are ended
        manifest, is_new = build_by(
            args.runner,
            args.beam_options,
            args.input,
            args.records_dir,
            config,
            args.workers or usable_cpus(),
            args.overwrite,
            Progress,
            args.follow_links,
        )
    if args.list_skipped:
        files = manifest["files"] if "files" in manifest else read_manifest(args.records_dir, with_files=True)["files"]
        print("\n".join(skipped_lines(files)))
    print(*summary(manifest, args.records_dir, is_new), sep="\n")
    if isinstance(args.records_dir, Path):  # a training reads local records
        print(*advice(manifest, args.records_dir, args.given), sep="\n")


def _verify(records_dir: Path) -> None:
    from pianoroll_tf.data.records import read_manifest
    from pianoroll_tf.data.verify import verify

    read_manifest(records_dir)  # raises for a folder without records, where nothing is damaged
    damages = list(verify(records_dir, Progress))  # printed below the progress bar
    for line in damages:
        print(one_line(line), file=sys.stderr)
    if damages:
        found = f"{len(damages)} found"
        raise DamagedError(f"{records_dir} is damaged ({found}); build the records again with --overwrite")
    print(f"{one_line(records_dir)}: every shard matches the manifest")


if __name__ == "__main__":
    sys.exit(main())
