"""What the demo prints at its end: its files, the scores of its model, and commands for the user's own files."""

import json
from pathlib import Path

from pianoroll_tf.generation.music.comparison import sentences
from pianoroll_tf.modeling.evaluation_folder import LABELS
from pianoroll_tf.modeling.run_folder import EVALUATION


def demo_summary(folder: Path, primer: str, run: Path, model: Path) -> str:
    """The text, with results that the run's folder has from its test split, with and without `--music`.

    `folder` is that of the music, and `primer` says which part of a piece was continued.
    """
    scores = json.loads((run / EVALUATION / "test.json").read_text(encoding="utf-8"))
    rows = [(label, scores[key]) for key, label in LABELS.items()]
    table = "\n".join(f"  {name:<20}{row['nll']:>14.3f}{row['pr_auc']:>10.3f}{row['f1']:>8.3f}" for name, row in rows)
    music = sentences(json.loads((run / EVALUATION / "test-music.json").read_text(encoding="utf-8")), "Bach")
    return f"""
Made:
  {folder}/continuation.mid .png .wav   {primer}, continued
  {folder}/from_scratch.mid .png .wav   a piece from scratch; {run}/evaluation/music: 24 more
  {model}                    the model; {run}: its training (tensorboard --logdir {run})

How good it is, on {scores["pieces"]} pieces it has not seen:
  {"":<20}{"NLL per step":>14}{"PR-AUC":>10}{"F1":>8}
{table}

How its music compares with Bach's (24 pieces from scratch, the whole table is above):
{music}

The same with your own folder of MIDI files (after: source .venv/bin/activate):
  python -m pianoroll_tf.build_records MY_MIDI_FOLDER tfrecords/mine
  python -m pianoroll_tf.train tfrecords/mine runs/mine --export saved_models/mine
  python -m pianoroll_tf.generate saved_models/mine music.mid --png --wav
"""
