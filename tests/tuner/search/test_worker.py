"""What runs trials: settings that a worker shares with its chief, and a chief that never answers."""

import collections
import dataclasses
import threading

import grpc
import keras_tuner
import pytest
from keras_tuner.src.distribute import oracle_client
from oracles import make
from tiny_search import fake_run, search_settings

from pianoroll_tf.config import DataFacts
from pianoroll_tf.errors import UserError
from tuner.search import worker as search_work
from tuner.search.chief import Chief, Servicer, set_environment
from tuner.search.oracle import Status, new_oracle
from tuner.search.settings import open_search, read_settings
from tuner.search.tuner import SearchTuner
from tuner.search.worker import connect, run_tuner, run_worker, shared_settings


def at(settings, path, digest="ab"):
    """The settings with records that lie somewhere."""
    return dataclasses.replace(
        settings, base=dataclasses.replace(settings.base, data=DataFacts(path=path, manifest_sha256=digest))
    )


def test_a_worker_takes_the_chief_s_settings_and_its_own_records(tmp_path):
    chiefs = at(search_settings("hyperband", epochs=27, loss="focal"), "/chief/records")
    open_search(tmp_path, chiefs)
    shared = shared_settings(read_settings(tmp_path), at(search_settings(), "/worker/records"))
    assert shared == at(chiefs, "/worker/records")
    with pytest.raises(UserError, match="/worker/records must hold the records of the search"):
        shared_settings(read_settings(tmp_path), at(search_settings(), "/worker/records", "cd"))


def test_a_worker_gives_up_on_a_folder_or_a_chief_that_never_comes(tmp_path, monkeypatch):
    monkeypatch.setattr(search_work, "WAIT_SECONDS", 0.5)
    monkeypatch.setattr(oracle_client, "TIMEOUT", oracle_client.TIMEOUT)  # so that it is restored
    for name in ("ORACLE_IP", "ORACLE_PORT", "TUNER_ID"):
        monkeypatch.setenv(f"KERASTUNER_{name}", "")  # so that it is removed again
    settings = search_settings()
    with pytest.raises(UserError, match="must be shared with the chief"):
        run_worker(tmp_path, settings, False, "127.0.0.1:1", 60.0, None)
    open_search(tmp_path, settings)
    with pytest.raises(UserError, match=r"the chief at 127\.0\.0\.1:1 does not respond"):
        run_worker(tmp_path, settings, True, "127.0.0.1:1", 60.0, None)


def test_a_call_during_which_the_chief_is_lost_is_repeated(tmp_path, monkeypatch):
    calls: collections.Counter[str] = collections.Counter()

    def lossy(name):
        answer = getattr(Servicer, name)

        def call(self, request, context):
            calls[name] += 1
            if calls[name] == 1:
                context.abort(grpc.StatusCode.UNAVAILABLE, "Stream removed")
            return answer(self, request, context)

        return call

    for name in ("ORACLE_IP", "ORACLE_PORT", "TUNER_ID"):
        monkeypatch.setenv(f"KERASTUNER_{name}", "")  # so that it is removed again
    for name in ("CreateTrial", "GetTrial", "UpdateTrial", "EndTrial"):
        monkeypatch.setattr(Servicer, name, lossy(name))
    settings = search_settings()
    oracle = make(tmp_path, settings, trial_limit=1)
    chief = Chief(oracle, "127.0.0.1:0", 60.0)
    serving = threading.Thread(target=chief.serve, args=(lambda: None, lambda line: None))
    serving.start()
    set_environment(chief.address, "one")
    tuner = SearchTuner(new_oracle(settings, tmp_path), settings, tmp_path, heartbeat_seconds=60.0, run=fake_run)
    connect(tuner, chief.address)
    run_tuner(tuner)
    serving.join(timeout=30)
    assert {trial.status for trial in oracle.trials.values()} == {Status.COMPLETED}
    assert calls == {"CreateTrial": 3, "GetTrial": 2, "UpdateTrial": 2, "EndTrial": 2}


def test_what_ended_a_search_comes_out_as_it_was_raised():
    class Fails:
        def search(self):
            try:
                raise OSError(28, "No space left")
            except OSError as error:
                raise keras_tuner.errors.FatalError(str(error)) from error

    with pytest.raises(OSError, match="No space left"):
        run_tuner(Fails())
