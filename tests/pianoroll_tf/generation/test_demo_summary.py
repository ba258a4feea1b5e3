"""What the demo prints at its end, from results by hand."""

import json
from pathlib import Path

from pianoroll_tf.generation.demo_summary import demo_summary
from pianoroll_tf.modeling.evaluation_folder import LABELS


def test_the_summary_names_files_scores_and_commands(tmp_path: Path) -> None:
    (tmp_path / "evaluation").mkdir()
    scores = {key: {"nll": 1.0 + i, "pr_auc": 0.5, "f1": 0.25} for i, key in enumerate(LABELS)} | {"pieces": 40}
    (tmp_path / "evaluation" / "test.json").write_text(json.dumps(scores))
    music = {"generated": {"clash": 0.1}, "real": {"clash": 0.2}, "test": None}
    (tmp_path / "evaluation" / "test-music.json").write_text(json.dumps(music))
    text = demo_summary(Path("demo"), "the first 64 steps of a.mid", tmp_path, Path("saved_models/demo"))
    assert "  demo/continuation.mid .png .wav   the first 64 steps of a.mid, continued" in text
    assert f"{tmp_path}: its training (tensorboard --logdir {tmp_path})" in text
    assert "How good it is, on 40 pieces it has not seen:" in text
    for i, label in enumerate(LABELS.values()):
        assert f"  {label:<20}{1.0 + i:>14.3f}     0.500   0.250" in text
    assert "; in Bach 20%" in text
    assert "python -m pianoroll_tf.build_records MY_MIDI_FOLDER tfrecords/mine" in text
