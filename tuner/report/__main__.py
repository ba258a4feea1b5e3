"""Makes a report of a study, a search or a plan: HTML in one file, Markdown, figures and a table of results.

Usage: python -m tuner.report DIR [--lang ru] [--votes FILE ...]

Writes DIR/report/report.html, report.md, figures/, audio/ (a MIDI and a WAV file of each combination) and results.csv.
For a study it also writes listening.html, a blind listening test whose votes `--votes` evaluates. For a plan of several
studies the report reads like a paper; tuning.csv has all tuning runs, and there is no sound.
An unfinished study or plan is reported as far as it is done. The same command brings the report up to date.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pianoroll_tf import cli
from pianoroll_tf.errors import UsageError, UserError

LANGUAGES = ("en", "ru")
STUDY, SEARCH, PLAN = "study.json", "search.json", "plan.json"  # by which the kind of a folder is recognized


def build_parser(argv: Sequence[str] | None = ()) -> argparse.ArgumentParser:
    """The command's flags."""
    parser = cli.make_parser("tuner.report", "Make a report of a study, a search or a plan, finished or not.")
    cli.add_plugins(parser, argv)
    parser.add_argument("folder", type=Path, metavar="dir", help="folder of a study, a search or a plan")
    parser.add_argument("--lang", choices=LANGUAGES, default="en", help="language of the report (default: en)")
    parser.add_argument("--out", type=Path, help="folder of the report (default: DIR/report)")
    parser.add_argument(
        "--wav", action=argparse.BooleanOptionalAction, default=True, help="make WAV files of the music of a study"
    )
    pairs = "pairs per comparison on the listening page of a study (default: 12, or as drawn before; 0: no page)"
    parser.add_argument("--listening-pairs", type=int, metavar="N", help=pairs)
    votes = "files that listeners downloaded from the listening page, or folders of them, besides those in DIR/votes"
    parser.add_argument("--votes", type=Path, nargs="+", default=[], metavar="FILE", help=votes)
    parser.add_argument("--overwrite", action="store_true", help="replace files in --out that are not a report's")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return cli.run(body, build_parser(argv), argv)


def body(args: argparse.Namespace) -> None:
    """Reads the folder, writes the report and prints its summary."""
    kind = next((name for name in (STUDY, SEARCH, PLAN) if (args.folder / name).is_file()), None)
    if kind is None:
        allowed = f"a study, a search or a plan: it has no {STUDY}, {SEARCH} or {PLAN}"
        raise UserError(f"{args.folder} must be the folder of {allowed}")
    if args.votes and kind != STUDY:
        other = "a search" if kind == SEARCH else "a plan"
        raise UsageError(f"votes must be for a study, and {args.folder} holds {other}. Received: {args.votes[0]}")
    from tuner.report import page as report_page
    from tuner.report import search as report_search
    from tuner.report import study as report_study
    from tuner.report.language import Language
    from tuner.report.paper import sections as report_paper

    if args.out and not args.overwrite:
        report_page.check_folder(args.out)
    language, out = Language(args.lang), args.out or args.folder / "report"
    if kind == STUDY:
        report = report_study.make(args.folder, language, out, args.wav, args.listening_pairs, args.votes)
    elif kind == PLAN:
        report = report_paper.make(args.folder, language, out)
    else:
        report = report_search.make(args.folder, language)
    report_page.write(report, language, out)
    print("\n".join(report.summary))
    others = ["report.md", *(name for name in report.files if name.endswith(".html")), "figures"]
    print(f"written: {out / 'report.html'}, {', '.join(others)} and results.csv beside it")


if __name__ == "__main__":
    sys.exit(main())
