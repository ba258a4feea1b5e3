"""CSV files: every digit, empty cells, numbers read back."""

from pianoroll_tf.storage.tables import read_csv, to_csv, write_csv


def test_numbers_keep_all_digits_and_none_is_an_empty_cell(tmp_path):
    path = tmp_path / "a.csv"
    write_csv(path, [{"epoch": 1, "loss": 1 / 3, "name": "a,b"}, {"epoch": 2, "loss": None, "name": 'say "c"'}])
    assert path.read_text() == 'epoch,loss,name\n1,0.3333333333333333,"a,b"\n2,,"say ""c"""\n'
    assert read_csv(path) == [
        {"epoch": 1.0, "loss": 1 / 3, "name": "a,b"},
        {"epoch": 2.0, "loss": None, "name": 'say "c"'},
    ]


def test_without_rows_the_columns_are_written():
    assert to_csv([], ["rank", "trial"]) == b"rank,trial\n"
    assert to_csv([{"rank": 1}], ["rank", "trial"]) == b"rank\n1\n"


def test_a_file_with_the_same_rows_is_left_alone(tmp_path):
    write_csv(tmp_path / "a.csv", [{"a": 1}])
    before = (tmp_path / "a.csv").stat()
    write_csv(tmp_path / "a.csv", [{"a": 1}])
    assert (tmp_path / "a.csv").stat().st_ino == before.st_ino
