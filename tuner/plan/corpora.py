"""The corpora of a plan: prepares their MIDI files, and builds their records."""

import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from pianoroll_tf.errors import UserError
from pianoroll_tf.flags import to_flags
from tuner.plan import folder as plan_folder
from tuner.plan.plan import Plan, PlannedCorpus, fill


def build_records(plan: Plan, folder: Path, data: Path) -> None:
    """Builds the records of every corpus that is used, unless they are there and up to date.

    Raises:
        UserError: A folder of MIDI files is missing, or no records can be made of it.
    """
    from pianoroll_tf import build_records as command

    for name in dict.fromkeys(study.corpus for study in plan.studies.values()):
        corpus = plan.corpora[name]
        midi = Path(fill(corpus.midi, data, folder))
        if corpus.prepare and not midi.is_dir():
            _prepare(corpus, folder, data)
        if not midi.is_dir():
            raise UserError(f"corpora.{name}.midi must be a folder. Received: midi={midi}")
        print(f"corpus {name}", flush=True)
        if command.main([str(midi), str(records_folder(folder, name)), *to_flags(corpus.records)]):
            raise UserError(f"the records of corpus {name} could not be built: see the line above")


def _prepare(corpus: PlannedCorpus, folder: Path, data: Path) -> None:
    """Makes a folder of MIDI files, which appears whole; raises UserError if its program fails."""
    target = Path(fill(corpus.midi, data, folder))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".prepare-") as scratch:
        words = [fill(word, data, Path(scratch)) for word in corpus.prepare]
        if code := subprocess.run([sys.executable, "-m", *words], check=False).returncode:
            raise UserError(f"prepare of a corpus ended with exit code {code}: python -m {shlex.join(words)}")
        made = Path(fill(corpus.midi, data, Path(scratch)))
        if made.is_dir() and made != target:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.rename(target)


def records_folder(folder: Path, corpus: str) -> Path:
    """The records of a corpus."""
    return folder / plan_folder.RECORDS / corpus
