"""Which runner does a build, and what a runner cannot do."""

import sys
from pathlib import Path

import pytest
from midi_files import write_corpus

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.runners import build_by
from pianoroll_tf.errors import UserError
from pianoroll_tf.progress import NoProgress

REST = (RecordsConfig(grid="seconds"), 1, False, NoProgress, False)


@pytest.mark.parametrize(("midi", "records"), [("gs://bucket/midi", Path("out")), (Path("midi"), "gs://bucket/out")])
def test_a_url_needs_beam(midi: Path | str, records: Path | str) -> None:
    with pytest.raises(UserError, match=r"must be local without --runner beam\. Received: gs://bucket/"):
        build_by("direct", "", midi, records, *REST)


def test_a_missing_package_is_named_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    with pytest.raises(UserError, match=r"^this needs the package apache_beam: pip install 'pianoroll_tf\[beam\]'$"):
        build_by("beam", "", tmp_path, tmp_path / "out", *REST)


@pytest.mark.parametrize("runner", ["direct", "beam"])
def test_both_runners_build_and_leave_what_is_up_to_date(tmp_path: Path, runner: str) -> None:
    if runner == "beam":
        pytest.importorskip("apache_beam")
    midi = write_corpus(tmp_path / "midi", pieces=3, quarters=4)
    made = [build_by(runner, "", midi, tmp_path / "out", *REST)[1] for _ in range(2)]
    assert made == [True, False]
