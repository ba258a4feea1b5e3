"""The embedded corpus of the demo: music21's works of Bach, written out as MIDI files."""

import concurrent.futures
import dataclasses
import multiprocessing
import os
import tempfile
from pathlib import Path

from pianoroll_tf.errors import UserError
from pianoroll_tf.messages import one_line
from pianoroll_tf.progress import Progress

TICKS_PER_QUARTER = 480  # music21's own default, 10,080, is a division that few programs expect
ANALYSES = "choraleAnalyses"  # folder of Roman numerals: the same chorales again, as chords without rhythm


@dataclasses.dataclass(frozen=True)
class CorpusSummary:
    """What `write_corpus` did.

    Attributes:
        written: Files made by this call.
        stood: Files that were there before.
        failed: Name of a work that cannot be converted → reason.
    """

    written: int
    stood: int
    failed: dict[str, str]

    def __str__(self) -> str:
        """One line, and one for each work that failed.

        >>> print(CorpusSummary(written=2, stood=1, failed={"bwv1.mxl": "no notes"}))
        3 works as MIDI files (2 written now); 1 cannot be converted:
          bwv1.mxl: no notes
        """
        line = f"{self.written + self.stood} works as MIDI files ({self.written} written now)"
        if not self.failed:
            return line
        return f"{line}; {len(self.failed)} cannot be converted:" + "".join(
            f"\n  {name}: {reason}" for name, reason in sorted(self.failed.items())
        )


def list_works() -> list[Path]:
    """The works' files inside the installed music21, by name.

    Three chorales are there in two encodings; one of them counts, lest a piece stand in two splits.

    Raises:
        UserError: music21 is not installed.
    """
    try:
        from music21 import corpus
    except ModuleNotFoundError as error:
        raise UserError(
            f"the demo corpus needs music21: pip install 'pianoroll_tf[demo]'. Received: {error}"
        ) from error
    paths = [path for path in map(Path, corpus.getComposer("bach")) if ANALYSES not in path.parts]
    by_name = {path.stem: path for path in sorted(paths, key=lambda path: (path.suffix == ".mxl", path.name))}
    return [by_name[name] for name in sorted(by_name)]


def midi_name(work: Path) -> str:
    """File name of a work's MIDI file.

    >>> midi_name(Path("bach/bwv10.7.mxl"))
    'bwv10.7.mid'
    """
    return f"{work.stem}.mid"


def midi_bytes(work: Path) -> bytes:
    """A work as a MIDI file; the same bytes each time.

    Raises:
        Exception: Whatever music21 raises for a work it cannot read.
    """
    import music21
    from music21.midi import translate

    music21.defaults.ticksPerQuarter = TICKS_PER_QUARTER
    score = music21.converter.parse(work, forceSource=True, storePickle=False)
    return translate.streamToMidiFile(score).writestr()


def write_corpus(folder: Path, limit: int | None = None, workers: int | None = None) -> CorpusSummary:
    """Writes each work as FOLDER/NAME.mid, in worker processes, and says what it did.

    A file is written whole or not at all, and one that stands is not made again; so the call can be
    repeated after an interruption.

    Args:
        folder: Where the files go; made if needed.
        limit: Only the first so many works, by name. Default: all.
        workers: Processes. Default: one a processor.

    Raises:
        UserError: music21 is not installed.
    """
    works = list_works()[:limit]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    missing = [work for work in works if not (folder / midi_name(work)).is_file()]
    failed = {}
    if missing:
        with tempfile.TemporaryDirectory(prefix="pianoroll_tf-") as scratch, Progress(len(missing), "works") as bar:
            for work, reason in _convert(missing, folder, scratch, workers):
                if reason is not None:
                    failed[work.name] = reason
                bar.update(note=f"{len(failed)} cannot be converted" if failed else "")
    summary = CorpusSummary(len(missing) - len(failed), len(works) - len(missing), failed)
    print(summary, flush=True)
    return summary


def _convert(works: list[Path], folder: Path, scratch: str, workers: int | None):
    """Yields (work, None or the reason why it failed) as the works are done."""
    pool = concurrent.futures.ProcessPoolExecutor(
        max_workers=min(workers or os.cpu_count() or 1, len(works)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin_worker,
        initargs=(scratch,),
    )
    try:
        futures = {pool.submit(_write_work, work, folder / midi_name(work)): work for work in works}
        for future in concurrent.futures.as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _begin_worker(scratch: str) -> None:
    """Sends music21's temporary files to a folder that is removed at the end."""
    from music21 import environment

    environment.Environment()["directoryScratch"] = scratch


def _write_work(work: Path, target: Path) -> str | None:
    """Writes one work; returns None, or why music21 cannot convert it."""
    try:
        content = midi_bytes(work)
    except Exception as error:  # music21 raises its own and many of Python's exceptions; all are counted and shown
        return one_line(error) or type(error).__name__
    part = target.with_name(f".{target.name}.part")
    part.write_bytes(content)
    part.replace(target)
    return None
