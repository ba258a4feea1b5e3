"""Tests of pianoroll_tf.modeling.multi_worker: workers, which are processes, train what one process does."""

import csv
import signal
import time
from types import SimpleNamespace

import numpy as np
import pytest
from network_namespaces import network, unavailable
from team_run import local_workers, wait_for, workers
from tiny_run import changes, tiny_config, tiny_records

from pianoroll_tf.errors import UserError
from pianoroll_tf.modeling import multi_worker, run_folder
from pianoroll_tf.modeling.checkpoints import CheckpointStore
from pianoroll_tf.modeling.training import train
from pianoroll_tf.storage.arrays import read_arrays

RESUME = "start all workers again with the same commands to resume from the last checkpoint"


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return tiny_records(tmp_path_factory.mktemp("data") / "records")


def last(folder):
    """The name, arrays and state of the last checkpoint, and the history, without the clock."""
    path = CheckpointStore(folder / run_folder.CHECKPOINTS).paths()[-1]
    arrays, meta = read_arrays(path)
    with (folder / run_folder.HISTORY).open() as file:
        rows = [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]
    for row in meta["rows"]:
        del row["seconds"]
    return path.name, arrays, meta, rows


def assert_equal_runs(one, two):
    """Bit for bit."""
    ours, theirs = last(one), last(two)
    assert {name: value.tobytes() for name, value in ours[1].items()} == {
        name: value.tobytes() for name, value in theirs[1].items()
    }
    assert (ours[0], *ours[2:]) == (theirs[0], *theirs[2:])
    assert (one / run_folder.BEST).read_bytes() == (two / run_folder.BEST).read_bytes()


def assert_close_runs(one, two):
    """Up to the rounding of sums; weights differ by up to 1, rates of learning are 0.01."""
    ours, theirs = last(one), last(two)
    assert ours[1].keys() == theirs[1].keys()
    for name, value in ours[1].items():
        assert value.dtype == theirs[1][name].dtype
        np.testing.assert_allclose(value, theirs[1][name], rtol=1e-4, atol=1e-5, err_msg=name)
    for row, other in zip(ours[2]["rows"], theirs[2]["rows"], strict=True):
        assert row["epoch"] == other["epoch"]
        assert row["loss"] == pytest.approx(other["loss"], rel=1e-6)
        assert row["val_nll"] == pytest.approx(other["val_nll"], rel=1e-6)


def run_workers(count, records, folder, *settings, own=(lambda worker: ())):
    """Trains on workers of this host; their results."""
    with local_workers(count, lambda worker: [records, folder, 0, *settings, *own(worker)]) as team:
        return team.wait()


def network_or_skip(*args, **kwargs):
    """`network`, where it can be created."""
    reason = unavailable()
    if reason:
        pytest.skip(reason)
    return network(*args, **kwargs)


def on_hosts(hosts, records, folder, *settings):
    """Workers, one per host."""
    addresses = [f"{address}:2222" for address in hosts.addresses]
    return workers(addresses, lambda worker: [records, folder, 0, *settings], hosts.command)


def assert_done(results):
    assert [(code, out) for code, out, _ in results] == [(0, "all 3 epochs are done\n")] * len(results), results


@pytest.fixture(scope="module")
def together(tmp_path_factory, records):
    """The folder of a run that two workers trained and nothing disturbed."""
    folder = tmp_path_factory.mktemp("runs") / "together"
    assert_done(run_workers(2, records, folder))
    return folder


@pytest.mark.slow
def test_two_workers_train_what_one_process_does(tmp_path, together, records):
    """With dropout, noise, clipping and averages, as the tiny run has them all; each worker has two rows of four."""
    train(tiny_config(records), tmp_path / "one", quiet=True)
    assert_close_runs(together, tmp_path / "one")
    config = run_folder.load_config(together)
    assert config.provenance == {"workers": [{"workers": 2, "epoch": 0, "batch": 0}]}
    assert not run_folder.differences(*(run_folder.to_dict(each) for each in (config, tiny_config(records))))
    assert list((together / run_folder.TENSORBOARD).glob("*.tfevents.*"))


@pytest.mark.slow
def test_four_workers_on_a_slow_network_continue_what_one_process_began(tmp_path, records):
    """With unequal shares, two, two, one and one row, of a stream."""
    settings = ["dataset.batch_size=6", 'dataset.stream="yes"']
    config = tiny_config(records, **changes(settings))
    train(config, tmp_path / "run", quiet=True, until=1)
    with (
        network_or_skip(4, rate="100mbit", delay=0.002) as hosts,
        on_hosts(hosts, records, tmp_path / "run", *settings) as team,
    ):
        assert_done(team.wait())
    train(config, tmp_path / "one", quiet=True)
    assert_close_runs(tmp_path / "run", tmp_path / "one")


@pytest.mark.slow
def test_a_killed_worker_is_named_and_the_same_commands_end_bit_for_bit_as_if_undisturbed(tmp_path, together, records):
    killed, ended = run_workers(2, records, tmp_path / "run", own=lambda worker: ["kill=11"] if worker else [])[::-1]
    assert killed[0] == -signal.SIGKILL
    assert ended[0] == 1
    line = ended[2].splitlines()[-1]
    assert line.startswith("python -m team_run: worker 1 (127.0.0.1:")
    assert line.endswith(f") has ended; {RESUME}")
    assert "Traceback" not in ended[2]
    assert_done(run_workers(2, records, tmp_path / "run"))
    assert_equal_runs(tmp_path / "run", together)


@pytest.mark.slow
def test_a_killed_chief_is_named_and_one_process_resumes(tmp_path, together, records):
    killed, *ended = run_workers(3, records, tmp_path / "run", own=lambda worker: [] if worker else ["kill=11"])
    assert killed[0] == -signal.SIGKILL
    for code, _, err in ended:
        assert code == 1
        assert "worker 0 (127.0.0.1:" in err.splitlines()[-1], err
        assert ") has ended; " in err.splitlines()[-1]
    train(tiny_config(records), tmp_path / "run", quiet=True)
    assert_close_runs(tmp_path / "run", together)
    assert run_folder.load_config(tmp_path / "run").provenance["workers"] == [{"workers": 3, "epoch": 0, "batch": 0}]


@pytest.mark.slow
def test_sigterm_to_any_worker_saves_and_one_process_resumes(tmp_path, together, records):
    stopped = run_workers(2, records, tmp_path / "run", own=lambda worker: ["stop=10"] if worker else [])
    for code, _, err in stopped:
        assert code == 1
        assert err.splitlines()[-1] == (
            "python -m team_run: stopped by SIGTERM, everything is saved; the same command resumes"
        )
    assert last(tmp_path / "run")[0] == "batch-000000000011.npz"  # all learn it with the next step
    train(tiny_config(records), tmp_path / "run", quiet=True)
    assert_close_runs(tmp_path / "run", together)


@pytest.mark.slow
def test_workers_that_differ_end_with_one_line(tmp_path, records):
    results = run_workers(2, records, tmp_path / "run", own=lambda worker: [f"training.seed={worker}"])
    for code, _, err in results:
        assert code == 1
        assert err.splitlines()[-1].endswith("Received: training.seed is 0 there, 1 here")
    assert not (tmp_path / "run").exists()


def test_a_batch_has_a_row_for_each_device(records):
    team = SimpleNamespace(strategy=SimpleNamespace(num_replicas_in_sync=5))
    with pytest.raises(UserError, match=r"--batch-size must be >= 5, the number of devices\. Received: --batch-size 4"):
        multi_worker.load_splits(team, tiny_config(records), stream=False)


@pytest.fixture
def hosts():
    """Two hosts on a network of their own."""
    with network_or_skip(2, rate="100mbit") as made:
        yield made


@pytest.mark.slow
def test_a_network_that_is_down_for_ten_seconds_is_waited_for(tmp_path, hosts, together, records):
    with on_hosts(hosts, records, tmp_path / "run", "pause=0.3") as team:
        wait_for(tmp_path / "run" / run_folder.CHECKPOINTS / "batch-000000000003.npz")
        hosts.cut(1)
        time.sleep(10)
        hosts.restore(1)
        assert_done(team.wait())
    assert_equal_runs(tmp_path / "run", together)


@pytest.mark.slow
def test_a_host_that_is_lost_ends_both_sides_with_the_name_of_the_other(tmp_path, hosts, records):
    with on_hosts(hosts, records, tmp_path / "run", "pause=0.3", "heartbeat=6") as team:
        wait_for(tmp_path / "run" / run_folder.CHECKPOINTS / "batch-000000000003.npz")
        hosts.cut(1)
        results = team.wait()
    for (code, _, err), other in zip(results, (1, 0), strict=True):
        assert code == 1
        who = f"worker {other} ({hosts.addresses[other]}:2222) does not answer"
        assert err.splitlines()[-1] == f"python -m team_run: {who}; {RESUME}"
