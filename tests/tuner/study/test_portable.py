"""The results of a study in one archive: what it holds, and that it is continued from there and nowhere else."""

import os
import zipfile

import pytest
from synthetic_study import tiny_settings, write_study

from pianoroll_tf.errors import UserError
from pianoroll_tf.storage.checksummed_json import read_checksummed, write_checksummed
from tuner.report.data import read
from tuner.study import folder as study_folder
from tuner.study import portable

SETTINGS = tiny_settings(losses=("bce",), optimizers=("adam",), seeds=2, tuning_runs=2, most_tuning_runs=2, pieces=2)
DATE = 1_700_000_000


@pytest.fixture
def study(tmp_path):
    folder = write_study(tmp_path / "study", SETTINGS)
    (folder / "runs/bce-adam/0/best.npz").write_bytes(b"weights")
    for path in folder.rglob("*.*"):
        os.utime(path, (DATE, DATE))
    return folder


@pytest.fixture
def archive(study, tmp_path):
    path = tmp_path / "study.zip"
    path.write_bytes(portable.pack(study))
    return path


def names(archive):
    with zipfile.ZipFile(archive) as opened:
        return opened.namelist()


def test_another_folder_has_the_same_results(study, archive, tmp_path):
    assert portable.unpack(archive, tmp_path / "other") == 2 + 2
    first, second = read(study), read(tmp_path / "other")
    assert (second.runs, second.tuning, second.histories) == (first.runs, first.tuning, first.histories)
    assert (second.comparison, second.baselines) == (first.comparison, first.baselines)
    assert (tmp_path / "other/runs/bce-adam/0/measures.json").stat().st_mtime == DATE
    assert portable.pack(tmp_path / "other") == portable.pack(study)
    assert portable.missing(archive, study) == []


def test_no_weights_no_real_music_and_no_path_of_the_machine(study, archive):
    found = names(archive)
    assert "runs/bce-adam/0/best.npz" not in found
    assert not [name for name in found if name.startswith("music/")]
    assert found.index("runs/bce-adam/0/music.npz") < found.index("runs/bce-adam/0/measures.json")
    assert b"/somewhere" in (study / study_folder.STUDY).read_bytes()
    with zipfile.ZipFile(archive) as opened:
        assert not [name for name in found if b"/somewhere" in opened.read(name)]


def test_a_run_without_a_result_is_left_out(study, archive, tmp_path):
    (study / "runs/bce-adam/1/measures.json").unlink()
    (tmp_path / "part.zip").write_bytes(portable.pack(study))
    assert not [name for name in names(tmp_path / "part.zip") if name.startswith("runs/bce-adam/1/")]
    assert portable.missing(archive, study) == ["runs/bce-adam/1/measures.json"]
    assert portable.unpack(archive, study) == 1
    assert portable.pack(study) == archive.read_bytes()


def test_other_results_of_the_same_run_are_refused(study, archive):
    path = study / "tuning/bce-adam/1/outcome.json"
    write_checksummed(path, read_checksummed(path) | {"val_nll": 1.0})
    (study / "tuning/bce-adam/0/outcome.json").unlink()
    with pytest.raises(
        UserError, match=r"results of 1 runs differ .*first tuning/bce-adam/1/outcome.json: the study was"
    ):
        portable.unpack(archive, study)
    assert not (study / "tuning/bce-adam/0/outcome.json").exists()


@pytest.mark.parametrize(
    ("changes", "records", "message"),
    [
        ({"epochs": 7}, {}, "study.epochs is 8 there, 7 here"),
        ({}, {"manifest_sha256": "cd" * 32}, "the records differ"),
    ],
)
def test_another_study_is_refused(archive, tmp_path, changes, records, message):
    settings = {"losses": ("bce",), "optimizers": ("adam",), "seeds": 2, "tuning_runs": 2, "most_tuning_runs": 2}
    other = write_study(tmp_path / "other", tiny_settings(**settings | {"epochs": 8, "pieces": 2} | changes))
    values = read_checksummed(other / study_folder.STUDY)
    write_checksummed(other / study_folder.STUDY, values | {"records": values["records"] | records})
    before = portable.pack(other)
    with pytest.raises(UserError, match=f"must hold the same study: .*{message}"):
        portable.unpack(archive, other)
    assert portable.pack(other) == before


def test_an_archive_that_is_something_else_is_refused(study, archive, tmp_path):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as opened:
        opened.writestr("study.json", "{}")
        opened.writestr("runs/../../outside/0/measures.json", "{}")
    with pytest.raises(UserError, match=r"must be the results of a study, but it holds runs/\.\./\.\./outside"):
        portable.unpack(tmp_path / "evil.zip", tmp_path / "new")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(UserError, match=r"it has no study\.json"):
        portable.unpack(tmp_path / "empty.zip", tmp_path / "new")
    content = archive.read_bytes()
    damaged = bytearray(content)
    damaged[len(content) // 3] ^= 255
    for bad in (content[: len(content) // 2], bytes(damaged), b""):
        (tmp_path / "bad.zip").write_bytes(bad)
        with pytest.raises(UserError, match=r"bad\.zip is damaged"):
            portable.unpack(tmp_path / "bad.zip", tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "outside").exists()
