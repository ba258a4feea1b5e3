"""A running search: its progress, and a chief stopped by SIGTERM."""

import os
import signal
import threading

import pytest
from tiny_search import fake_run, search_settings

from pianoroll_tf.modeling.callbacks import StoppedError
from tuner.search import tuner as search_tuner
from tuner.search.session import Search, time_left
from tuner.search.settings import SETTINGS, open_search


@pytest.fixture
def search(tmp_path, monkeypatch):
    """A search of three fake trials of 6 s each."""
    monkeypatch.setattr(search_tuner, "run_trial", fake_run)
    settings = search_settings()
    open_search(tmp_path, settings)
    return Search(tmp_path, settings, trial_limit=3, budget_seconds=None)


def test_the_time_left_is_that_of_the_trials_to_come_or_of_the_budget():
    found = [{"seconds": 60.0}, {"seconds": 120.0}, {"seconds": None}]
    assert time_left(found, trials=4, workers=2, budget=None) == 180.0
    assert time_left(found, trials=4, workers=1, budget=100.0) == 100.0
    assert time_left(found, trials=-1, workers=1, budget=None) == 0.0
    assert time_left([], trials=4, workers=1, budget=None) is None
    assert time_left([], trials=4, workers=1, budget=50.0) == 50.0


def test_the_note_of_the_progress(search, monkeypatch):
    notes = []
    monkeypatch.setattr(search._progress, "update", lambda count, note: notes.append((count, note)))

    def run(config, folder, callbacks=(), **named):
        callbacks[0].on_epoch_end(1)
        return fake_run(config, folder, **named)

    monkeypatch.setattr(search_tuner, "run_trial", run)
    search.run_alone()
    assert sum(count for count, _ in notes) == 3
    assert notes[1] == (0, "0000: 2 epochs")
    assert notes[2][1].startswith("best nll ")
    assert notes[2][1].endswith(" (0000), about 12 s left")
    assert notes[-1][1].endswith(", about 0 s left")
    assert search.finish() == 0


def test_sigterm_stops_a_chief(search):
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    with pytest.raises(StoppedError, match="stopped by SIGTERM"):
        search.run_as_chief("127.0.0.1:0", 5.0, 0, [], None)
    timer.join()


def test_a_search_is_resumed_in_its_folder(search, tmp_path, capsys):
    search.run_alone()
    again = Search(tmp_path, search_settings(), trial_limit=3, budget_seconds=None)
    assert list(again._oracle.trials) == ["0000", "0001", "0002"]
    assert again._oracle.finished()
    assert (tmp_path / SETTINGS).exists()
