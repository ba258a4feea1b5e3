"""Reads a folder of MIDI files into a folder of TFRecords with a manifest."""

import argparse
import os
import sys
from pathlib import Path

from pianoroll_tf import cli
from pianoroll_tf.config import RecordsConfig, add_flags, from_args


def main(argv: list[str] | None = None) -> int:
    """The command `python -m pianoroll_tf.build_records MIDI_DIR RECORDS_DIR`."""
    parser = cli.make_parser("pianoroll_tf.build_records", __doc__)
    parser.add_argument("midi_dir", type=Path, metavar="MIDI_DIR", help="folder of MIDI files, at any depth")
    parser.add_argument("records_dir", type=Path, metavar="RECORDS_DIR", help="folder to make: tfrecords/NAME")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes that read (default: %(default)s)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace records of other files or settings")
    parser.add_argument("--list-skipped", action="store_true", help="name every skipped file with its reason")
    add_flags(parser, RecordsConfig)
    return cli.run(_build, parser, argv)


def _build(args: argparse.Namespace) -> int:
    with cli.usage_errors():
        config = from_args(RecordsConfig, args)
    from pianoroll_tf.data.build import build

    manifest = build(args.midi_dir, args.records_dir, config, args.workers)
    print(manifest["totals"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
