"""Reads a folder of MIDI files into a folder of TFRecords with a manifest; checks such a folder."""

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import Any

from pianoroll_tf import cli
from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.errors import UsageError, UserError, usage_errors
from pianoroll_tf.flags import add_flags, from_args
from pianoroll_tf.messages import one_line


def main(argv: list[str] | None = None) -> int:
    """The command `python -m pianoroll_tf.build_records MIDI_DIR RECORDS_DIR`."""
    parser = cli.make_parser("pianoroll_tf.build_records", __doc__)
    parser.usage = "%(prog)s MIDI_DIR RECORDS_DIR [options]\n       %(prog)s --verify RECORDS_DIR"
    parser.add_argument("midi_dir", type=Path, nargs="?", metavar="MIDI_DIR", help="folder of MIDI files, at any depth")
    parser.add_argument("records_dir", type=Path, nargs="?", metavar="RECORDS_DIR", help="to be made: tfrecords/NAME")
    parser.add_argument("--verify", type=Path, metavar="RECORDS_DIR", help="check every byte of a folder of records")
    parser.add_argument("--workers", type=int, help="processes that read (default: one a CPU)", metavar="INT")
    parser.add_argument("--overwrite", action="store_true", help="replace records of other files or settings")
    parser.add_argument("--list-skipped", action="store_true", help="name every skipped file with its reason")
    add_flags(parser, RecordsConfig)
    return cli.run(_command, parser, argv)


def _command(args: argparse.Namespace) -> int:
    if args.verify is not None:
        if args.midi_dir is not None:
            raise UsageError("--verify must stand alone with its folder. Received: other folders too")
        return _verify(args.verify)
    if args.records_dir is None:
        raise UsageError("MIDI_DIR and RECORDS_DIR must be given (see --help)")
    if args.workers is not None and args.workers < 1:
        raise UsageError(f"workers must be a whole number >= 1. Received: workers={args.workers}")
    with usage_errors():
        config = from_args(RecordsConfig, args)
    return _build(args, config)


def _build(args: argparse.Namespace, config: RecordsConfig) -> int:
    from pianoroll_tf.data.build import build
    from pianoroll_tf.data.records import read_manifest
    from pianoroll_tf.data.summary import skipped_lines, summary

    before = signal.signal(signal.SIGTERM, _leave)  # as an exception, so that reader processes are ended
    try:
        manifest, made = build(args.midi_dir, args.records_dir, config, args.workers or _cpus(), args.overwrite)
    finally:
        signal.signal(signal.SIGTERM, before)
    if args.list_skipped:
        print("\n".join(skipped_lines(read_manifest(args.records_dir, with_files=True)["files"])))
    print(summary(manifest, args.records_dir, made))
    return 0


def _verify(records_dir: Path) -> int:
    from pianoroll_tf.data.records import read_manifest
    from pianoroll_tf.data.verify import verify

    read_manifest(records_dir)  # where there is none, nothing is damaged: its own line says what is wrong
    damages = list(verify(records_dir))  # printed when the progress bar is gone
    for line in damages:
        print(one_line(ValueError(line)), file=sys.stderr)
    if damages:
        found = f"{len(damages)} found"
        raise UserError(f"{records_dir} is damaged ({found}); build the records again with --overwrite")
    print(f"{records_dir}: every shard is what the manifest says")
    return 0


def _leave(number: int, frame: Any) -> None:
    raise SystemExit(128 + number)


def _cpus() -> int:
    """The CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    sys.exit(main())
