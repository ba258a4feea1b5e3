"""What the same music is: versions of a piece are found, kept in one split, and counted."""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from midi_files import header, note, song, tempo, track

from pianoroll_tf.config import RecordsConfig
from pianoroll_tf.data import near_duplicates
from pianoroll_tf.data.conversion import convert
from pianoroll_tf.data.journal import Journal
from pianoroll_tf.data.near_duplicates import Version, find_versions
from pianoroll_tf.data.splits import choose

Notes = list[tuple[int, int, int]]
BEATS, SECONDS = RecordsConfig(grid="beats"), RecordsConfig(grid="seconds")


def tune(seed: int, quarters: int = 100) -> Notes:
    """Quarter notes of a melody over a bass."""
    rng = random.Random(seed)
    pitches = [(rng.randrange(60, 90), rng.randrange(30, 55)) for _ in range(quarters)]
    return [(480 * n, 480 * n + 400, pitch) for n, both in enumerate(pitches) for pitch in both]


def moved(notes: Notes, semitones: int) -> Notes:
    return [(start, end, pitch + semitones) for start, end, pitch in notes]


def journal_of(files: dict[str, bytes], config: RecordsConfig = BEATS) -> Journal:
    journal = Journal(Path(":memory:"), {})
    for path, data in files.items():
        journal.add(path, "", convert(data, config))
    return journal


def splits_of(files: dict[str, bytes], config: RecordsConfig = BEATS) -> dict[str, str]:
    """The split of each file; the reason before the colon if it is skipped."""
    journal = journal_of(files, config)
    choose(journal, config)
    found = {
        path.decode(): split or reason.split(":")[0] for path, split, reason in journal.rows("path, split, reason")
    }
    journal.close()
    return found


OTHERS = {f"other{seed}": song(tune(seed)) for seed in range(100, 130)}


def versions_of(seed: int) -> Iterator[bytes]:
    """A piece that was saved in other ways: all are the same music."""
    notes = tune(seed)
    yield song(notes)
    parts = [track([tempo(0, 500_000)]), track([event for each in notes for event in note(*each)])]
    drums = track([event for n in range(100) for event in note(480 * n, 480 * n + 60, 38, channel=9)])
    yield header(3) + parts[0] + parts[1] + drums  # drums beside it
    yield song([*notes, (4800, 5000, 12)])  # a note below the range
    yield song(notes, [(0, 500_000), (0, 500_000), (960, 500_000)])  # a tempo event said again
    yield song(notes, [(0, 500_001)])  # a microsecond off
    yield song([(2 * start, 2 * end, pitch) for start, end, pitch in notes], division=960)
    yield song(moved(notes, 3))
    yield song([(start + 960, end + 960, pitch) for start, end, pitch in notes])  # a bar of silence before it
    yield song([each for each in notes if each[0] // 480 % 25])  # a chord in 25 is missing
    yield song(notes + [(start + 48_000, end + 48_000, pitch) for start, end, pitch in notes])  # repeated
    yield song(
        [(start * 11 // 10 + start % 7 * 3, start * 11 // 10 + 300, pitch) for start, _, pitch in notes]
    )  # rubato


@pytest.mark.parametrize("config", [BEATS, SECONDS], ids=lambda config: config.grid)
def test_every_version_of_a_piece_goes_to_its_split(config: RecordsConfig) -> None:
    first, *versions = versions_of(1)
    before = splits_of({"first": first} | OTHERS, config)
    for number, version in enumerate(versions):
        after = splits_of({"first": first, "version": version} | OTHERS, config)
        assert {path: split for path, split in after.items() if path in OTHERS} == {
            path: split for path, split in before.items() if path in OTHERS
        }
        assert len({after["first"], after["version"]} - {"duplicate"}) == 1, number


@pytest.mark.parametrize(
    ("number", "beats", "seconds"),
    [(1, True, True), (2, True, True), (3, True, True), (4, True, True), (5, True, True), (6, False, False)],
    ids=["drums", "below the range", "tempo again", "a microsecond off", "resolution", "transposed"],
)
def test_which_versions_are_duplicates(number: int, beats: bool, seconds: bool) -> None:
    versions = list(versions_of(1))
    first, version = versions[0], versions[number]
    for config, duplicate in ((BEATS, beats), (SECONDS, seconds)):
        found = splits_of({"first": first, "version": version}, config)
        assert sorted(found.values()) == (["duplicate", "train"] if duplicate else ["train", "train"])


def test_a_note_below_the_range_moves_no_piece_whichever_file_is_kept() -> None:
    """The fingerprint of the file without such notes decides."""
    for seed in range(1, 9):
        first, _, below, *_ = versions_of(seed)
        before = splits_of({"first": first} | OTHERS)
        after = splits_of({"first": first, "below": below} | OTHERS)
        assert {after["first"], after["below"]} == {before["first"], "duplicate"}


def test_ten_copies_that_join_one_by_one_move_nothing() -> None:
    files = {"first": song(tune(1))} | OTHERS
    before = splits_of(files)
    for number in range(10):
        files[f"copy{number}"] = song(moved(tune(1), number % 5), [(0, 500_000 + number)])  # 5 keys, each twice
        after = splits_of(files)
        assert {path: after[path] for path in OTHERS} == {path: before[path] for path in OTHERS}
        ours = {split for path, split in after.items() if path not in OTHERS}
        assert ours - {"duplicate"} == {before["first"]}
    assert sorted(after.values()).count("duplicate") == 6  # 11 files in 5 keys


def test_versions_are_named_by_the_one_that_decides() -> None:
    notes = tune(1)
    shorter = [each for each in notes if each[0] // 480 % 25]
    journal = journal_of({"a": song(notes), "b": song(shorter), "c": song(tune(2)), "d": song(moved(notes, 1))})
    fingerprints = dict(journal.rows("path, music"))
    assert fingerprints[b"a"] == fingerprints[b"d"]
    deciding = min([b"a", b"b"], key=fingerprints.get)
    found = list(find_versions(journal))
    assert {version.path for version in found} == {b"a", b"b", b"d"}
    assert {version.music for version in found} == {fingerprints[deciding]}
    assert {version.decided_by for version in found} == {deciding}
    assert isinstance(found[0], Version)
    journal.close()


def test_unrelated_pieces_and_other_settings_of_a_tune_are_not_the_same() -> None:
    melody = [each for each in tune(1) if each[2] >= 60]
    basses = [[each for each in tune(seed) if each[2] < 60] for seed in (1, 2)]
    journal = journal_of({str(n): song(melody + bass) for n, bass in enumerate(basses)} | OTHERS)
    assert list(find_versions(journal)) == []
    journal.close()


def candidates(sketches: list[np.ndarray]) -> set[tuple[int, int]]:
    files = np.repeat(range(len(sketches)), [len(sketch) for sketch in sketches])
    return set(near_duplicates._candidates(np.concatenate([np.zeros(0), *sketches]), files))


def test_candidates_are_those_of_all_pairs() -> None:
    rng = np.random.default_rng(1)
    sketches = [np.unique(rng.integers(0, 400, 40).astype(np.uint32)) for _ in range(30)]
    expected = {
        (one, other)
        for other in range(30)
        for one in range(other)
        if len(np.intersect1d(sketches[one][:32], sketches[other][:32])) >= 2
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_duplicates, "ALL_PAIRS", 100)
        assert candidates([sketch[:32] for sketch in sketches]) == expected
    assert candidates([np.arange(3)] * 40) == {(n, n + 1) for n in range(39)}
    assert candidates([]) == set()
