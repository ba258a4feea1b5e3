"""The whole workflow through the library, as a short script."""

import subprocess
import sys
from pathlib import Path

import pytest
from midi_files import write_corpus

SCRIPT = """
import pianoroll_tf as pr

records = pr.Records.build("midi", "records")
assert [records.count(split) for split in ("train", "val", "test")] == [4, 2, 2]
assert records.piece("test", 0).name.startswith("test/")
run = pr.Run.train(records, "run", epochs=2, gru_units=8, conv_filters=4, window_steps=32)
assert [row["epoch"] for row in run.history] == [1, 2]
numbers = run.evaluate("test")
print(f"{numbers['nll']:.2f} nats per step")
model = run.export("model", rows=4, window_steps=16, with_shaping=False)
piece = model.generate(records.piece("test", 0), primer_steps=32, steps=64, meter="3/4", tempo=90, seed=1)
assert (len(piece), piece.primer_steps, piece.tempo) == (96, 32, 90)
piece.save("piece.musicxml")
piece.save("piece.mid")
again = pr.load("model").generate(pr.Piece.from_midi("midi/test/00.mid", "beats"), steps=16, seed=1)
print(again)
"""


@pytest.mark.slow
def test_from_given_splits_to_a_score(tmp_path: Path) -> None:
    music21 = pytest.importorskip("music21", reason="the extra demo is not installed")
    for seed, (split, pieces) in enumerate({"train": 4, "val": 2, "test": 2}.items()):
        write_corpus(tmp_path / "midi" / split, pieces, seed, quarters=16)
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "nats per step\nPiece(" in done.stdout
    score = music21.converter.parse(tmp_path / "piece.musicxml")
    for part in score.parts:
        bars = part.getElementsByClass("Measure")
        assert [bar.duration.quarterLength for bar in bars] == [bar.barDuration.quarterLength for bar in bars]
        assert len(bars) >= 8
    assert (tmp_path / "piece.mid").read_bytes().startswith(b"MThd")
