"""Progress where there is no terminal."""

from pianoroll_tf import progress
from pianoroll_tf.progress import NoProgress, Progress


def test_progress_prints_plain_lines_where_there_is_no_terminal(capsys, monkeypatch) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    with Progress(3, "files") as shown:
        shown.update(2, "1 skipped")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("2/3 files, 1 skipped")
    assert len(lines) == 2


def test_no_progress_prints_nothing(capsys) -> None:
    with NoProgress(3, "files") as shown:
        shown.update(2, "1 skipped")
    assert capsys.readouterr() == ("", "")
