"""The curves of a stream beside those of memory: equal for one group, different for several."""

import pytest
from tiny_run import tiny_records

from benchmarks.stream_curves import main


@pytest.mark.parametrize(("groups", "same"), [(1, True), (3, False)])
def test_only_the_order_within_an_epoch_differs(tmp_path, capsys, groups, same):
    records = tiny_records(tmp_path / "records")
    assert main([str(records), "--groups", str(groups), "--seeds", "2", "--epochs", "1"]) == 0
    differences = capsys.readouterr().out.splitlines()[-1].split(" | ")[3:5]
    assert (differences == ["+0.0000", "0.0000"]) == same
