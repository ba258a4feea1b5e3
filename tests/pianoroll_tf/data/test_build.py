"""The whole build in one process: same bytes whatever happens, and nothing half-made under the final name."""

import errno
import os
import random
import shutil
from pathlib import Path

import pytest
from midi_files import header, note, random_song, shards_of, song, track, write_corpus

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data import build as build_module
from pianoroll_tf.data import engine as engine_module
from pianoroll_tf.data.build import build
from pianoroll_tf.data.records import SPLITS, read_manifest
from pianoroll_tf.data.summary import summary
from pianoroll_tf.data.tfrecord import read_records
from pianoroll_tf.data.verify import verify
from pianoroll_tf.errors import UserError
from pianoroll_tf.progress import Progress
from pianoroll_tf.storage import folders

CONFIG = RecordsConfig(shards=2)


@pytest.fixture
def midi(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "midi", pieces=8, quarters=4)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def shards(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in contents(folder).items() if name != "manifest.json"}


def records(folder: Path) -> set[bytes]:
    found = set()
    for path in (path for split in SPLITS for path in shards_of(folder, split)):
        with path.open("rb") as file:
            found.update(read_records(file))
    return found


def write_bad_files(folder: Path) -> int:
    """Files that cannot be used, under names before, between and after those of usable files; returns how many."""
    rng = random.Random(5)
    whole = random_song(77, quarters=4)
    big = 2**28 - 1
    bad = [
        b"", b"\xff" * 5000, b"MThd", b"MThd\xff\xff\xff\xff" + bytes(100), b"<html>", whole[:13],
        song([(0, 480, 60)], division=0), song([(0, 480, 60)], division=0xE728), song([(0, 480, 60)], [(0, 0)]),
        header(1, kind=2) + track(note(0, 480, 60)), header(1, kind=9) + track(note(0, 480, 60)), song([]),
        song([(0, 480, 3)]),
        header(1) + track([(n * big, b"\xff\x01\x00") for n in range(20)] + note(20 * big, 20 * big, 60)),
        *(whole[: rng.randrange(14, len(whole) - 8)] for _ in range(20)),
    ]  # fmt: skip
    for index, data in enumerate(bad):
        (folder / f"{rng.randrange(100):02d}bad{index}.mid").write_bytes(data)
    (folder / "link.mid").symlink_to("00.mid")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "00fifo.mid")
    return len(bad) + 3


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_bad_files_names_folders_and_workers_do_not_change_a_byte(midi: Path, tmp_path: Path, workers: int) -> None:
    build(midi, tmp_path / "plain", CONFIG)
    other = tmp_path / "other" / "place"
    for index, path in enumerate(sorted(midi.iterdir(), reverse=True)):
        target = other / "abc"[index % 3] / os.fsdecode(b"x\xff%d.MIDI" % index)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    bad = write_bad_files(other)
    manifest, made = build(other, tmp_path / "out", CONFIG, workers=workers)
    assert made
    assert shards(tmp_path / "out") == shards(tmp_path / "plain")
    assert (manifest["totals"]["pieces"], sum(manifest["totals"]["skipped"].values())) == (8, bad)
    assert all(
        file["reason"]
        for file in read_manifest(tmp_path / "out", with_files=True)["files"]
        if file["status"] == "skipped"
    )
    assert list(verify(tmp_path / "out")) == []


def test_files_with_flipped_bits_leave_the_sound_records_alone(midi: Path, tmp_path: Path) -> None:
    build(midi, tmp_path / "plain", CONFIG)
    rng = random.Random(6)
    for index in range(60):
        data = bytearray(random_song(500 + index, quarters=4))
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        (midi / f"flipped{index}.mid").write_bytes(data)
    manifest, _ = build(midi, tmp_path / "out", CONFIG, workers=2)
    assert records(tmp_path / "plain") <= records(tmp_path / "out")
    assert manifest["totals"]["files"] == 68
    assert manifest["totals"]["skipped"]
    assert manifest["totals"]["pieces"] > 8


def test_duplicates_are_kept_once_and_said(midi: Path, tmp_path: Path) -> None:
    build(midi, tmp_path / "plain", CONFIG)
    shutil.copy(midi / "03.mid", midi / "copy.mid")
    manifest, _ = build(midi, tmp_path / "out", CONFIG)
    assert manifest["totals"]["skipped"] == {"duplicate": 1}
    assert shards(tmp_path / "out") == shards(tmp_path / "plain")


def test_limit_takes_the_first_by_name(midi: Path, tmp_path: Path) -> None:
    build(midi, tmp_path / "out", RecordsConfig(limit=3))
    assert [file["path"] for file in read_manifest(tmp_path / "out", with_files=True)["files"]] == [
        "00.mid",
        "01.mid",
        "02.mid",
    ]


def test_what_stands_is_left_alone_and_overwrite_replaces_it(midi: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    build(midi, out, CONFIG)
    before = {path: path.stat().st_ino for path in out.iterdir()}
    manifest, made = build(midi, out, CONFIG)
    assert not made
    assert manifest["totals"]["pieces"] == 8
    assert {path: path.stat().st_ino for path in out.iterdir()} == before
    with pytest.raises(UserError, match="steps_per_second was 8 and is 4"):
        build(midi, out, RecordsConfig(steps_per_second=4))
    _, made = build(midi, out, RecordsConfig(steps_per_second=4, shards=1), overwrite=True)
    assert made
    build(midi, tmp_path / "fresh", RecordsConfig(steps_per_second=4, shards=1))
    assert contents(out) == contents(tmp_path / "fresh")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh", "midi", "out"]


def test_overwrite_does_not_touch_other_peoples_folders(midi: Path, tmp_path: Path) -> None:
    before = contents(midi)
    with pytest.raises(UserError, match="must be a folder of records or an empty folder"):
        build(midi, midi, CONFIG, overwrite=True)
    assert contents(midi) == before


def test_an_empty_result_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "midi"
    folder.mkdir()
    for index, data in enumerate([b"x", b"y", b"", song([])]):
        (folder / f"{index}.mid").write_bytes(data)
    message = r"none of the 4 files of .* can be used: 2 not a MIDI file, 1 empty file, 1 no notes"
    with pytest.raises(UserError, match=message):
        build(folder, tmp_path / "out", CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == ["midi"]


@pytest.mark.parametrize(
    ("module", "step"),
    [(build_module, "choose"), (build_module, "write_records"), (folders, "replace_folder")],
)
def test_after_a_failure_at_any_step_the_same_command_gives_the_same_bytes(
    midi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module, step: str
) -> None:
    build(midi, tmp_path / "plain", CONFIG)
    with monkeypatch.context() as patch:
        patch.setattr(module, step, lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            build(midi, tmp_path / "out", CONFIG)
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(
        engine_module, "convert_all", lambda paths, *_: iter([]) if not list(paths) else pytest.fail("read again")
    )
    build(midi, tmp_path / "out", CONFIG)
    assert contents(tmp_path / "out") == contents(tmp_path / "plain")


def test_a_file_that_changed_since_an_interrupted_build_is_read_again(
    midi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(folders, "replace_folder", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            build(midi, tmp_path / "out", CONFIG)
    (midi / "00.mid").write_bytes(random_song(321, quarters=4))
    (midi / "01.mid").unlink()
    build(midi, tmp_path / "out", CONFIG)
    build(midi, tmp_path / "plain", CONFIG)
    assert contents(tmp_path / "out") == contents(tmp_path / "plain")


def test_a_bit_that_flips_in_a_record_between_a_kill_and_the_next_build_is_noticed(
    midi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(midi, tmp_path / "plain", CONFIG)
    with monkeypatch.context() as patch:
        patch.setattr(folders, "replace_folder", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            build(midi, tmp_path / "out", CONFIG)
    journal = tmp_path / ".out.partial" / "journal-beats.sqlite"
    data = bytearray(journal.read_bytes())
    data[data.index(b"\n\x06counts") + 20] ^= 1
    journal.write_bytes(data)
    build(midi, tmp_path / "out", CONFIG)
    assert contents(tmp_path / "out") == contents(tmp_path / "plain")


def test_what_a_kill_after_the_last_rename_leaves_is_removed(
    midi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_folder = folders.replace_folder

    def replace_and_die(*args: Path) -> None:
        replace_folder(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(folders, "replace_folder", replace_and_die)
        with pytest.raises(KeyboardInterrupt):
            build(midi, tmp_path / "out", CONFIG)
    assert (tmp_path / ".out.partial").exists()
    _, made = build(midi, tmp_path / "out", CONFIG)
    assert not made
    assert sorted(path.name for path in tmp_path.iterdir()) == ["midi", "out"]


def test_a_disk_that_is_full_while_the_shards_are_written_is_one_line(
    midi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(UserError, match=r"cannot write beside .*/out: No space left on device"):
            build(midi, tmp_path / "out", CONFIG)
    assert not (tmp_path / "out").exists()
    build(midi, tmp_path / "out", CONFIG)
    build(midi, tmp_path / "plain", CONFIG)
    assert contents(tmp_path / "out") == contents(tmp_path / "plain")


def test_failures_that_are_no_writes_keep_their_own_words(
    midi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("pianoroll_tf.data.workers.Reader", refuse)
    with pytest.raises(OSError, match="Too many open files"):
        build(midi, tmp_path / "out", CONFIG)


def test_another_build_that_finished_first_is_respected(
    midi: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work_folder = build_module.work_folder

    def too_late(target: Path) -> object:
        monkeypatch.setattr(build_module, "work_folder", work_folder)
        build(midi, target, CONFIG)
        return work_folder(target)

    monkeypatch.setattr(build_module, "work_folder", too_late)
    _, made = build(midi, tmp_path / "out", CONFIG)
    assert not made
    assert sorted(path.name for path in tmp_path.iterdir()) == ["midi", "out"]


def free_song(seed: int) -> bytes:
    """Notes at any time within 100 quarters, whatever the beat."""
    rng = random.Random(seed)
    starts = [rng.randrange(48_000) for _ in range(400)]
    return song([(start, start + rng.randrange(60, 480), 40 + i % 40) for i, start in enumerate(starts)])


def metric_song(seed: int) -> bytes:
    """Quarters and now and then an eighth, the same in each of 25 bars of four quarters."""
    rng = random.Random(seed)
    bar = [0, 480, 960, 1440, *rng.sample([240, 720, 1200, 1680], 2)]
    return song([(1920 * n + start, 1920 * n + start + 200, 60 + (n + start) % 12) for n in range(25) for start in bar])


@pytest.mark.parametrize(("make", "grid"), [(metric_song, "beats"), (free_song, "seconds")])
def test_the_grid_is_chosen_from_the_files_whatever_the_workers_and_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make, grid: str
) -> None:
    folder = tmp_path / "midi"
    folder.mkdir()
    for seed in range(4):
        (folder / f"{seed}.mid").write_bytes(make(seed))
    manifest, _ = build(folder, tmp_path / "one", CONFIG)
    assert (manifest["settings"]["grid"], manifest["grid"]) == ("auto", grid)
    assert manifest["grid_decision"].startswith("the files' beats carry " + ("a" if grid == "beats" else "no"))
    build(folder, tmp_path / "two", CONFIG, workers=2)
    with monkeypatch.context() as patch:  # ends after the grid was chosen
        patch.setattr(build_module, "choose", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            build(folder, tmp_path / "three", CONFIG)
    assert not (tmp_path / "three").exists()
    build(folder, tmp_path / "three", CONFIG)
    assert contents(tmp_path / "one") == contents(tmp_path / "two") == contents(tmp_path / "three")


def test_called_as_a_library_it_prints_nothing_and_shows_progress_where_asked(
    midi: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    for _ in range(2):  # the second time the records are up to date
        build(midi, tmp_path / "out", CONFIG)
    assert list(verify(tmp_path / "out")) == []
    assert capfd.readouterr() == ("", "")
    build(midi, tmp_path / "shown", CONFIG, progress=Progress)
    assert capfd.readouterr().err.startswith("8/8 files, ")


def split_of_each(folder: Path) -> dict[str, str | None]:
    return {entry["path"]: entry["split"] for entry in read_manifest(folder, with_files=True)["files"]}


def test_folders_named_after_splits_are_used(tmp_path: Path, midi: Path) -> None:
    chosen = {}
    for number, path in enumerate(sorted(midi.rglob("*.mid"))):
        folder, split = (("train", "train"), ("validation", "val"), ("test", "test"))[number % 3]
        (tmp_path / "given" / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / "given" / folder / path.name)
        chosen[f"{folder}/{path.name}"] = split
    build(tmp_path / "given", tmp_path / "records", CONFIG)
    assert split_of_each(tmp_path / "records") == chosen
    build(tmp_path / "given", tmp_path / "by_music", RecordsConfig(shards=2, splits="music"))
    build(midi, tmp_path / "flat", CONFIG)
    assert records(tmp_path / "by_music") == records(tmp_path / "flat")


def test_a_table_of_splits_is_used_and_its_content_belongs_to_the_settings(tmp_path: Path, midi: Path) -> None:
    paths = sorted(str(path.relative_to(midi)) for path in midi.rglob("*.mid"))
    table = tmp_path / "splits.csv"

    def write(last: str) -> None:
        rows = [f"{path},{'train' if number else 'test'}" for number, path in enumerate(paths[:-1])]
        table.write_text("\n".join(["path,split", *rows, f"{paths[-1]},{last}"]))

    config = RecordsConfig(shards=2, splits=str(table))
    write("val")
    build(midi, tmp_path / "records", config)
    assert split_of_each(tmp_path / "records") == {
        path: "test" if path == paths[0] else "val" if path == paths[-1] else "train" for path in paths
    }
    assert not build(midi, tmp_path / "records", config)[1]
    write("train")
    with pytest.raises(UserError, match=r"made differently \(splits was splits\.csv@\w+ and is splits\.csv@\w+\)"):
        build(midi, tmp_path / "records", config)


def test_the_same_music_in_two_folders_is_an_error(tmp_path: Path, midi: Path) -> None:
    first, second = sorted(midi.rglob("*.mid"))[:2]
    for folder, path in (("train", first), ("test", second), ("val", first)):
        (tmp_path / "given" / folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / "given" / folder / path.name)
    with pytest.raises(UserError, match=f"Received: train/{first.name}.*val/{first.name}|val/{first.name}.*train/"):
        build(tmp_path / "given", tmp_path / "records", CONFIG)
    assert not (tmp_path / "records").exists()


def test_folders_of_splits_that_are_not_used_are_said(tmp_path):
    write_corpus(tmp_path / "midi" / "train", 4, seed=0)
    write_corpus(tmp_path / "midi" / "test", 2, seed=1)
    write_corpus(tmp_path / "midi", 1, seed=2)
    manifest, _ = build(tmp_path / "midi", tmp_path / "records", RecordsConfig(), workers=1)
    assert manifest["outside_split_folders"] == "00.mid"
    [line] = [line for line in summary(manifest, tmp_path, True) if "not used as splits" in line]
    assert "the folders train, val and test are not used as splits, as 00.mid is in none of them" in line
    manifest, _ = build(tmp_path / "midi", tmp_path / "by_music", RecordsConfig(splits="music"), workers=1)
    assert "outside_split_folders" not in manifest
