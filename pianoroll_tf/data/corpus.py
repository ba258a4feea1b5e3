"""The demo's corpus: the works of Bach that come with music21, written as MIDI files."""

import concurrent.futures
import dataclasses
import multiprocessing
import os
import tempfile
from pathlib import Path

from pianoroll_tf.errors import UserError
from pianoroll_tf.messages import one_line
from pianoroll_tf.progress import NoProgress
from pianoroll_tf.storage.files import write_whole

TICKS_PER_QUARTER = 480  # music21's default of 10,080 is a division that few programs expect
ANALYSES = "choraleAnalyses"  # folder of the same chorales as Roman numerals, chords without rhythm


@dataclasses.dataclass(frozen=True)
class CorpusSummary:
    """The result of `write_corpus`.

    Attributes:
        written: Number of files that were written.
        existing: Number of files that existed already.
        failed: Name of a work that cannot be converted → reason.
    """

    written: int
    existing: int
    failed: dict[str, str]

    def __str__(self) -> str:
        """One line, and one more for each work that failed.

        >>> print(CorpusSummary(written=2, existing=1, failed={"bwv1.mxl": "no notes"}))
        3 works as MIDI files (2 written now); 1 cannot be converted:
          bwv1.mxl: no notes
        """
        line = f"{self.written + self.existing} works as MIDI files ({self.written} written now)"
        if not self.failed:
            return line
        return f"{line}; {len(self.failed)} cannot be converted:" + "".join(
            f"\n  {name}: {reason}" for name, reason in sorted(self.failed.items())
        )


def list_works() -> list[Path]:
    """The works' files inside the installed music21, by name.

    Of the three chorales that come in two encodings only one is used, so that no piece is in two splits.

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


def write_corpus(
    folder: Path,
    limit: int | None = None,
    workers: int | None = None,
    progress: type[NoProgress] = NoProgress,
) -> CorpusSummary:
    """Writes each work as FOLDER/NAME.mid, in worker processes.

    A file is written whole or not at all, and one that exists is not written again, so an interrupted call can be
    repeated.

    Args:
        folder: Where the files are written; created if needed.
        limit: Number of works to write, the first by name. Default: all.
        workers: Number of processes. Default: one per CPU.
        progress: `Progress` shows progress on stderr.

    Raises:
        UserError: music21 is not installed.
    """
    works = list_works()[:limit]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    missing = [work for work in works if not (folder / midi_name(work)).is_file()]
    failed = {}
    if missing:
        with tempfile.TemporaryDirectory(prefix="pianoroll_tf-") as scratch, progress(len(missing), "works") as bar:
            for work, reason in _convert(missing, folder, scratch, workers):
                if reason is not None:
                    failed[work.name] = reason
                bar.update(note=f"{len(failed)} cannot be converted" if failed else "")
    return CorpusSummary(len(missing) - len(failed), len(works) - len(missing), failed)


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
    except Exception as error:  # music21 raises its own exceptions and many of Python's; all are counted and shown
        return one_line(error) or type(error).__name__
    write_whole(target, content)
    return None
