"""Music from an exported model: the continuation of a MIDI file, or a piece from scratch.

Usage: python -m pianoroll_tf.generate saved_models/NAME OUT.mid [--primer FILE] [--seconds 60] [--png] [--wav]

Without --steps or --seconds a piece ends where the model ends it. Needs the exported model only. The same seed gives
the same music; with --count, piece i is that of seed + i.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, NamedTuple

from pianoroll_tf import cli
from pianoroll_tf.config import MAX_STEPS, SamplingConfig
from pianoroll_tf.errors import UsageError, usage_errors
from pianoroll_tf.flags import add_flags, from_args
from pianoroll_tf.tensorflow_startup import load_tensorflow

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
    length.add_argument("--steps", type=int, metavar="INT", help="steps to generate (default: until the piece ends)")
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
        "--tempo", type=float, metavar="FLOAT", help="quarters per minute (default: of the primer, or of the data)"
    )
    output.add_argument("--meter", metavar="N/D", help="time signature (default: of the primer, or of the data)")
    output.add_argument("--png", action="store_true", help="write a picture beside each piece")
    output.add_argument("--wav", action="store_true", help="write the sound beside each piece")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    return cli.run(body, build_parser(), argv)


def body(args: argparse.Namespace) -> None:
    """Checks, generates, writes."""
    with usage_errors():
        sampling = from_args(SamplingConfig, args)
        check(args)
    from pianoroll_tf.generation.versions import find_version

    version = find_version(args.model)  # before the seconds that TensorFlow takes
    load_tensorflow(args)
    from pianoroll_tf.data.clock import parse_meter
    from pianoroll_tf.generation import continuation, saved_model

    model = saved_model.load(version)
    whole = continuation.read_primer(args.primer, model.grid) if args.primer else continuation.NO_PRIMER
    tempo = args.tempo or whole.tempo or model.tempo
    rate = model.grid.rate(tempo)
    primer, steps = lengths(args, whole, rate)
    meter, place = primer.clock(model.steps_per_beat)
    asked = parse_meter(args.meter) if args.meter else None
    if asked and asked != meter and model.steps_per_beat is not None:
        place = -len(primer.roll) % asked.bar_steps(model.steps_per_beat)  # a bar begins with the new music
    meter = asked or meter or model.meter
    shown = continuation.NO_PRIMER if args.without_primer else primer
    seconds = (len(shown.roll) + (steps or model.longest_piece)) / rate
    if args.wav and seconds > MOST_WAV_SECONDS:
        raise UsageError(f"wav must be of at most {MOST_WAV_SECONDS} s. Received: {seconds:g} s")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    pieces = continuation.continue_music(model, primer.roll, steps, sampling, args.count, meter, place)
    densities = []
    if model.config.get("worse_than_copying"):
        print(f"warning: {args.model} predicts worse than copying the last step: train longer", file=sys.stderr)
    for path, (music, ended) in zip(names(args.out, args.count), pieces, strict=True):
        write_piece(path, shown, music, Time(model, rate, tempo, meter, place + len(primer.roll)), args)
        if steps is None and not ended:
            print(f"note: {path} ends at {len(music)} steps, the longest training piece: the model had not ended it")
        densities.append(float((music != 0).mean()))
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
    to_steps(args.steps, None, 1.0, 1, MAX_STEPS, "steps")
    to_steps(args.primer_steps, None, 1.0, PRIMER_STEPS, MOST_PRIMER_STEPS, "primer_steps")
    if args.tempo is not None and not 10 <= args.tempo <= 1000:
        raise ValueError(f"tempo must be >= 10 and <= 1000. Received: tempo={args.tempo}")
    if args.meter is not None:
        from pianoroll_tf.data.clock import parse_meter

        parse_meter(args.meter)
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


def lengths(args: argparse.Namespace, whole, rate: float) -> tuple[Any, int | None]:
    """The part of the primer to continue, said on a line, and the steps to generate; None: until the piece ends."""
    with usage_errors():
        asked = args.steps is not None or args.seconds is not None
        steps = to_steps(args.steps, args.seconds, rate, 1, MAX_STEPS, "steps") if asked else None
        wanted = to_steps(args.primer_steps, args.primer_seconds, rate, PRIMER_STEPS, MOST_PRIMER_STEPS, "primer_steps")
    if args.primer:
        there = len(whole.roll)
        part = f"the first {wanted} of the {there} steps" if wanted < there else f"all {there} steps"
        print(f"primer: {part} of {args.primer}")
    return whole.first(wanted), steps


class Time(NamedTuple):
    """How the steps of a piece lie in time.

    Attributes:
        model: The model that made them.
        rate: Steps per second.
        tempo: Quarters per minute.
        meter: Time signature of the new music.
        place: Place in its bar of the first step of the new music.
    """

    model: Any
    rate: float
    tempo: float
    meter: Any
    place: int

    def meters(self, primer) -> list:
        """(step, time signature) of a piece that begins with a primer: the first bar may be cut short."""
        begin = len(primer.roll)
        if self.model.steps_per_beat is None:
            return [(0, self.meter)]
        changes = [change for change in primer.meters if change[0] < begin]
        if changes and changes[-1][1] == self.meter:
            return changes
        return [*changes, (begin, self.meter)]

    def bars(self, primer, steps: int) -> list[int]:
        """Steps at which bars begin, for a picture; none on the grid of seconds."""
        beats = self.model.steps_per_beat
        if beats is None:
            return []
        changes = self.meters(primer)
        ends = [*(step for step, _ in changes[1:]), steps]
        return [
            bar
            for (begin, meter), end in zip(changes, ends, strict=True)
            for bar in range(begin, end, meter.bar_steps(beats))
        ]


def names(out: Path, count: int) -> list[Path]:
    """The MIDI files to write.

    >>> [str(path) for path in names(Path("a/b.mid"), 2)]
    ['a/b-1.mid', 'a/b-2.mid']
    """
    return [out] if count == 1 else [out.with_stem(f"{out.stem}-{number}") for number in range(1, count + 1)]


def write_piece(path: Path, primer, music, time: Time, args: argparse.Namespace) -> None:
    """Writes a piece as MIDI and, where asked for, as picture and sound, and says so."""
    import numpy as np

    from pianoroll_tf.generation import audio, render
    from pianoroll_tf.generation.music import roll_statistics
    from pianoroll_tf.storage.files import write_whole

    roll = np.concatenate([primer.roll, music])
    midi = render.midi_bytes(roll, time.rate, time.tempo, time.meters(primer))
    write_whole(path, midi)
    made = [str(path)]
    if args.png:
        write_whole(path.with_suffix(".png"), draw(roll, primer, time))
        made.append(".png")
    if args.wav:
        sound, maker = audio.wav_bytes(midi, len(roll) / time.rate)
        write_whole(path.with_suffix(".wav"), sound)
        made.append(f".wav (by {maker})")
    print(
        f"{', '.join(made)}: {len(music) / time.rate:.0f} s of new music, {roll_statistics.in_words(music, time.rate)}"
    )


def draw(roll, primer, time: Time) -> bytes:
    """The picture of a piece; of one that is too long, where the new music begins."""
    from pianoroll_tf.generation import render

    grid, primer_steps = time.model.grid, len(primer.roll)
    first = max(0, min(primer_steps - PRIMER_STEPS, len(roll) - PICTURE_STEPS))
    last = min(first + PICTURE_STEPS, len(roll))
    title = ""
    if last - first < len(roll):
        begin, end, whole = (step / grid.steps_per_unit for step in (first, last, len(roll)))
        title = f"{grid.grid} {begin:g} to {end:g} of {whole:g}"
    shown = min(last, primer_steps) - first
    bars = [bar - first for bar in time.bars(primer, len(roll)) if first <= bar < last]
    return render.png_bytes(roll[first:last], shown, grid.steps_per_unit, grid.grid, title, first, bars)


if __name__ == "__main__":
    sys.exit(main())
