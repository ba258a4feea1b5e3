"""The demo's corpus: the works of Bach that come with music21, written as MIDI files."""

import concurrent.futures
import multiprocessing
import tempfile
from pathlib import Path

from pianoroll_tf.data.records import read_manifest
from pianoroll_tf.errors import UserError
from pianoroll_tf.messages import one_line
from pianoroll_tf.progress import NoProgress
from pianoroll_tf.storage.files import write_whole
from pianoroll_tf.system import usable_cpus

TICKS_PER_QUARTER = 480  # music21's default of 10,080 is a division that few programs expect
ANALYSES = "choraleAnalyses"  # folder of the same chorales as Roman numerals, chords without rhythm


def list_works() -> list[Path]:
    """The works' files inside the installed music21, by name.

    Of the three chorales that come in two encodings only one is used, so that no piece is in two splits.

    Raises:
        UserError: music21 is not installed.
    """
    try:
        from music21 import corpus
    except ModuleNotFoundError as error:
        needs = "the demo corpus needs music21: pip install 'pianoroll_tf[demo]'"
        raise UserError(f"{needs}. Received: {error}") from error
    paths = [path for path in map(Path, corpus.getComposer("bach")) if ANALYSES not in path.parts]
    by_name = {path.stem: path for path in sorted(paths, key=lambda path: (path.suffix == ".mxl", path.name))}
    return [by_name[name] for name in sorted(by_name)]


def write_corpus(
    folder: Path, limit: int | None = None, workers: int | None = None, progress: type[NoProgress] = NoProgress
) -> str:
    """Writes the works, all or the first `limit` by name, as FOLDER/NAME.mid, in worker processes, one per CPU.

    A file is written whole or not at all, and one that exists is not written again, so an interrupted call can be
    repeated.

    Returns:
        Numbers of works and of files that were written, and a line for each work that cannot be converted.

    Raises:
        UserError: music21 is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    targets = {work: folder / f"{work.stem}.mid" for work in list_works()[:limit]}
    missing = {work: target for work, target in targets.items() if not target.is_file()}
    failed = {}
    if missing:
        with tempfile.TemporaryDirectory(prefix="pianoroll_tf-") as scratch, progress(len(missing), "works") as bar:
            for work, reason in _write_works(missing, scratch, workers or usable_cpus()):
                if reason is not None:
                    failed[work.name] = reason
                bar.update(note=f"{len(failed)} cannot be converted" if failed else "")
    line = f"{len(targets) - len(failed)} works as MIDI files ({len(missing) - len(failed)} written now)"
    if not failed:
        return line
    reasons = "".join(f"\n  {name}: {reason}" for name, reason in sorted(failed.items()))
    return f"{line}; {len(failed)} cannot be converted:{reasons}"


def _write_works(targets: dict[Path, Path], scratch: str, workers: int):
    """Yields (work, None or the reason why it failed) as the works are done."""
    pool = concurrent.futures.ProcessPoolExecutor(
        max_workers=min(workers, len(targets)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin_worker,
        initargs=(scratch,),
    )
    try:
        futures = {pool.submit(_write_work, work, target): work for work, target in targets.items()}
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


def midi_bytes(work: Path) -> bytes:
    """A work as a MIDI file, the same bytes each time; raises whatever music21 raises for one it cannot read."""
    import music21
    from music21.midi import translate

    music21.defaults.ticksPerQuarter = TICKS_PER_QUARTER
    score = music21.converter.parse(work, forceSource=True, storePickle=False)
    return translate.streamToMidiFile(score).writestr()


def pick_primer(records_dir: Path) -> str:
    """Path of the piece with the median number of notes of the test split, which the model has never seen.

    Raises:
        UserError: The corpus is too small to have a test split.
    """
    files = [entry for entry in read_manifest(records_dir, with_files=True)["files"] if entry["split"] == "test"]
    if not files:
        raise UserError("the test split must hold at least one piece. Received: 0 (use more --works)")
    files.sort(key=lambda entry: (entry["notes"], entry["path"]))
    return files[len(files) // 2]["path"]
