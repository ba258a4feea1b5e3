"""Music from an exported model: the continuation of a MIDI file, or a piece from nothing.

Usage: python -m pianoroll_tf.generate saved_models/NAME OUT.mid [--primer FILE] [--seconds 60] [--png] [--wav]

Needs the exported model only. The same seed gives the same music; with --count, piece i is that of
seed + i.
"""

import argparse
import sys
from pathlib import Path

from pianoroll_tf import cli
from pianoroll_tf.config import MAX_STEPS, SamplingConfig, add_flags, from_args

STEPS = 512  # 64 s at 8 steps a second
PRIMER_STEPS = 128  # 16 s at 8 steps a second
MOST_PRIMER_STEPS = 100_000
MOST_PIECES = 10_000
PICTURE_STEPS = 4096  # a picture shows no more
MOST_WAV_SECONDS = 3600


def build_parser() -> argparse.ArgumentParser:
    """The command's flags."""
    parser = cli.make_parser("pianoroll_tf.generate", "Generate music with an exported model.")
    parser.add_argument("model", type=Path, help="saved_models/NAME, or one of its versions: saved_models/NAME/1")
    parser.add_argument("out", type=Path, help="MIDI file to write: OUT.mid; with --count OUT-1.mid, OUT-2.mid ...")
    length = parser.add_argument_group("Length").add_mutually_exclusive_group()
    length.add_argument("--steps", type=int, metavar="INT", help=f"steps to generate (default: {STEPS})")
    length.add_argument("--seconds", type=float, metavar="FLOAT", help="the same in seconds")
    primer = parser.add_argument_group("Primer")
    primer.add_argument("--primer", type=Path, metavar="FILE", help="MIDI file to continue (default: none)")
    part = primer.add_mutually_exclusive_group()
    part.add_argument(
        "--primer-steps", type=int, metavar="INT", help=f"continue after its first so many steps ({PRIMER_STEPS})"
    )
    part.add_argument("--primer-seconds", type=float, metavar="FLOAT", help="the same in seconds")
    primer.add_argument("--without-primer", action="store_true", help="write the new music alone")
    add_flags(parser, SamplingConfig)
    output = parser.add_argument_group("Output")
    output.add_argument("--count", type=int, default=1, metavar="INT", help="pieces to generate (default: 1)")
    output.add_argument(
        "--tempo", type=float, default=120.0, metavar="FLOAT", help="quarters a minute, for models on beats (120)"
    )
    output.add_argument("--png", action="store_true", help="write a picture beside each piece")
    output.add_argument("--wav", action="store_true", help="write the sound beside each piece")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return cli.run(body, build_parser(), argv)


def body(args: argparse.Namespace) -> None:
    """Checks, generates, writes."""
    with cli.usage_errors():
        sampling = from_args(SamplingConfig, args)
        check(args)
    from pianoroll_tf.generation.versions import find_version

    version = find_version(args.model)  # before the seconds that TensorFlow takes
    cli.load_tensorflow(args)
    from pianoroll_tf.config import RecordsConfig, from_dict
    from pianoroll_tf.generation import continuation, saved_model

    model = saved_model.load(version)
    grid = from_dict(RecordsConfig, model.config["run"]["records"])
    rate = grid.steps_per_second if grid.grid == "seconds" else grid.steps_per_beat * args.tempo / 60
    with cli.usage_errors():
        steps = to_steps(args.steps, args.seconds, rate, STEPS, MAX_STEPS, "steps")
        wanted = to_steps(args.primer_steps, args.primer_seconds, rate, PRIMER_STEPS, MOST_PRIMER_STEPS, "primer_steps")
    primer = read_primer(args.primer, grid, wanted)
    shown = primer[: 0 if args.without_primer else None]
    seconds = (len(shown) + steps) / rate
    if args.wav and seconds > MOST_WAV_SECONDS:
        raise cli.UsageError(f"wav must be of at most {MOST_WAV_SECONDS} s. Received: {seconds:g} s")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    pieces = continuation.continue_music(model, primer, steps, sampling, args.count)
    densities = []
    for path, music in zip(names(args.out, args.count), pieces, strict=True):
        write_piece(path, shown, music, rate, grid, args)
        densities.append(float(music.mean()))
        warning = continuation.density_warning(densities[-1], model.density * sampling.density)
        if warning:
            print(f"warning: {path}: {warning}", file=sys.stderr)
    if args.count > 1:
        mean = sum(densities) / args.count
        print(f"{args.count} pieces: {mean:.2%} of the cells active on average; the training data {model.density:.2%}")


def check(args: argparse.Namespace) -> None:
    """Raises ValueError for a value of this command's own flags that is not allowed."""
    if args.out.suffix.lower() not in (".mid", ".midi"):
        raise ValueError(f"out must end in .mid. Received: out={args.out}")
    if not 1 <= args.count <= MOST_PIECES:
        raise ValueError(f"count must be >= 1 and <= {MOST_PIECES}. Received: count={args.count}")
    to_steps(args.steps, None, 1.0, STEPS, MAX_STEPS, "steps")
    to_steps(args.primer_steps, None, 1.0, PRIMER_STEPS, MOST_PRIMER_STEPS, "primer_steps")
    if not 10 <= args.tempo <= 1000:
        raise ValueError(f"tempo must be >= 10 and <= 1000. Received: tempo={args.tempo}")
    if args.primer is None and (args.primer_steps or args.primer_seconds or args.without_primer):
        raise ValueError("primer must be given with --primer-steps, --primer-seconds and --without-primer")


def to_steps(steps: int | None, seconds: float | None, rate: float, default: int, most: int, name: str) -> int:
    """A length in steps from either flag.

    Raises:
        ValueError: It is not within 1..`most` steps.

    >>> to_steps(None, 2.5, rate=8, default=512, most=1000, name="steps")
    20
    """
    if seconds is not None:
        if not 1 <= seconds * rate < most + 0.5:  # false for NaN
            allowed = f">= {1 / rate:g} and <= {most / rate:g}"
            raise ValueError(f"{name.replace('steps', 'seconds')} must be {allowed}. Received: {seconds}")
        return round(seconds * rate)
    steps = default if steps is None else steps
    if not 1 <= steps <= most:
        raise ValueError(f"{name} must be >= 1 and <= {most}. Received: {name}={steps}")
    return steps


def read_primer(path: Path | None, grid, steps: int):
    """The first `steps` steps of the primer, uint8 [primer_steps, 84], and says what it is; none: no steps."""
    import numpy as np

    from pianoroll_tf.config import NUM_PITCHES
    from pianoroll_tf.generation import continuation

    if path is None:
        return np.zeros((0, NUM_PITCHES), np.uint8)
    whole = continuation.read_primer(path, grid)
    part = f"the first {steps} of the {len(whole)} steps" if steps < len(whole) else f"all {len(whole)} steps"
    print(f"primer: {part} of {path}")
    return whole[:steps]


def names(out: Path, count: int) -> list[Path]:
    """The MIDI files to write.

    >>> [str(path) for path in names(Path("a/b.mid"), 2)]
    ['a/b-1.mid', 'a/b-2.mid']
    """
    return [out] if count == 1 else [out.with_stem(f"{out.stem}-{number}") for number in range(1, count + 1)]


def write_piece(path: Path, primer, music, rate: float, grid, args: argparse.Namespace) -> None:
    """Writes a piece as MIDI and, where asked for, as picture and sound, and says so."""
    import numpy as np

    from pianoroll_tf.files import write_whole
    from pianoroll_tf.generation import music_metrics, render

    roll = np.concatenate([primer, music])
    write_whole(path, render.midi_bytes(roll, rate, args.tempo))
    made = [str(path)]
    if args.png:
        picture = draw(roll, len(primer), grid)
        write_whole(path.with_suffix(".png"), picture)
        made.append(".png")
    if args.wav:
        sound, maker = render.wav_bytes(render.playable(roll, rate), len(roll) / rate)
        write_whole(path.with_suffix(".wav"), sound)
        made.append(f".wav (by {maker})")
    print(f"{', '.join(made)}: {len(music) / rate:.0f} s of new music, {music_metrics.in_words(music, rate)}")


def draw(roll, primer_steps: int, grid) -> bytes:
    """The picture of a piece; of one that is too long, where the new music begins."""
    from pianoroll_tf.generation import render

    first = max(0, min(primer_steps - PRIMER_STEPS, len(roll) - PICTURE_STEPS))
    last = min(first + PICTURE_STEPS, len(roll))
    title = ""
    if last - first < len(roll):
        begin, end, whole = (step / grid.steps_per_unit for step in (first, last, len(roll)))
        title = f"{grid.grid} {begin:g} to {end:g} of {whole:g}"
    shown = min(last, primer_steps) - first
    return render.png_bytes(roll[first:last], shown, grid.steps_per_unit, grid.grid, title, first)


if __name__ == "__main__":
    sys.exit(main())
