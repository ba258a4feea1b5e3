"""The comparison of runners, sized down."""

import pytest
from midi_files import write_corpus

from benchmarks import beam

pytest.importorskip("apache_beam")


def test_both_runners_build_the_same_records_of_repeated_files(tmp_path, capsys):
    midi = write_corpus(tmp_path / "midi", pieces=3, quarters=4)
    assert beam.main([str(midi), "--times", "2", "--rounds", "1", "--workers", "1"]) == 0
    first, direct, other = capsys.readouterr().out.splitlines()
    assert first == "6 files, 1 workers, median of 1"
    assert (direct.split()[0], direct.split()[-1], other.split()[0]) == ("direct", "1.00", "beam")
