"""Records that are up to date are kept, and never mixed with others."""

from pathlib import Path

import pytest
from midi_files import random_song, shards_of, write_corpus

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data.build import build
from pianoroll_tf.data.existing_records import existing_manifest
from pianoroll_tf.data.inputs import open_input
from pianoroll_tf.errors import UserError
from pianoroll_tf.progress import Progress


@pytest.fixture
def built(tmp_path: Path) -> tuple[Path, Path]:
    midi = write_corpus(tmp_path / "midi", pieces=4, quarters=4)
    (midi / "bad.mid").write_bytes(b"bad")
    (midi / "link.mid").symlink_to("00.mid")
    build(midi, tmp_path / "out", RecordsConfig())
    return midi, tmp_path / "out"


def existing(midi: Path, out: Path, **settings: object) -> dict:
    config = RecordsConfig(**settings)
    return existing_manifest(out, open_input(midi, config.include), config, Progress)


def test_records_of_the_same_files_and_settings_are_up_to_date(
    built: tuple[Path, Path], capsys: pytest.CaptureFixture
) -> None:
    capsys.readouterr()
    assert existing(*built)["totals"]["pieces"] == 4
    assert capsys.readouterr().err.startswith("6/6 files compared, ")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"steps_per_second": 10}, "steps_per_second was 8 and is 10"),
        ({"grid": "beats", "val": 0.2}, "grid was auto and is beats, val was 0.1 and is 0.2"),
    ],
)
def test_other_settings_are_named(built: tuple[Path, Path], settings: dict, words: str) -> None:
    with pytest.raises(UserError, match=rf"was made differently \({words}\); replace it with --overwrite"):
        existing(*built, **settings)


def test_other_files_are_counted_and_one_is_named(built: tuple[Path, Path]) -> None:
    midi, _ = built
    (midi / "new.mid").write_bytes(random_song(99))
    with pytest.raises(UserError, match=r"\(files: 1 new, among them new\.mid\)"):
        existing(*built)
    (midi / "00.mid").unlink()
    (midi / "01.mid").write_bytes(random_song(98))
    with pytest.raises(UserError, match=r"\(files: 1 new, 1 removed, 1 changed, among them 00\.mid\)"):
        existing(*built)


def test_damaged_records_are_not_up_to_date(built: tuple[Path, Path]) -> None:
    shards_of(built[1], "train")[0].unlink()
    with pytest.raises(UserError, match="is missing; build the records again with --overwrite"):
        existing(*built)
