"""What the operating system offers."""

import os

from pianoroll_tf.system import available_memory, usable_cpus


def test_the_cpus_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5, 6}, raising=False)
    assert usable_cpus() == 3


def test_all_cpus_where_the_system_does_not_say(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    for found, cpus in ((8, 8), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda found=found: found)
        assert usable_cpus() == cpus


def test_the_memory_that_is_available_is_that_of_machine_and_container(tmp_path):
    assert available_memory(tmp_path) is None
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemTotal:  9 kB\nMemAvailable:  6 kB\n")
    group = tmp_path / "sys/fs/cgroup"
    group.mkdir(parents=True)
    for limit, found in (("max", 6144), ("5000", 4000), ("500", 0)):
        (group / "memory.max").write_text(limit)
        (group / "memory.current").write_text("1000")
        assert available_memory(tmp_path) == found
    assert available_memory() > 0
