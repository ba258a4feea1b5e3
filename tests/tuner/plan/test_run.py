"""Studies of a plan as processes: a failure is named and costs nothing else."""

import signal
import subprocess
import sys
import tomllib
from types import SimpleNamespace

import pytest
from small_plan import SMALL
from synthetic_study import write_study

from pianoroll_tf import choices
from pianoroll_tf.errors import UserError
from pianoroll_tf.flags import from_args
from tuner.plan import folder as plan_folder
from tuner.plan import run
from tuner.plan.plan import as_plan
from tuner.study import factorial
from tuner.study.__main__ import build_parser
from tuner.study.settings import Combination, StudyConfig

TWO = SMALL.replace('after = "main"\nchoose = "best losses"\n', "")


def test_a_study_that_fails_is_named_and_the_others_run(tmp_path, monkeypatch, capsys):
    done = set()
    monkeypatch.setattr(run, "is_finished", lambda folder: folder.name in done)

    class Process(SimpleNamespace):
        def poll(self):
            done.update({"later"} & {self.name})
            return int(self.name == "main")

    monkeypatch.setattr(
        run.subprocess,
        "Popen",
        lambda words, **_: Process(name=words[words.index("tuner.study") + 2].rpartition("/")[2]),
    )
    monkeypatch.setattr(run, "POLL_SECONDS", 0)
    plan = as_plan(tomllib.loads(TWO))
    assert run.run_studies(plan, tmp_path, workers=2, deadline=None) == (["main"], {"main"})
    output = capsys.readouterr()
    assert "study later finished" in output.out
    assert f"study main failed: see {tmp_path / plan_folder.LOGS / 'main'}.log" in output.err


def test_results_are_kept_when_a_study_ends_and_an_error_of_that_stops_nothing(tmp_path, monkeypatch, capsys):
    done, kept = set(), []

    class Process(SimpleNamespace):
        def poll(self):
            done.add(self.name)
            return 0

    def keep():
        kept.append(sorted(done))
        raise OSError("no space left")

    monkeypatch.setattr(run, "is_finished", lambda folder: folder.name in done)
    monkeypatch.setattr(
        run.subprocess,
        "Popen",
        lambda words, **_: Process(name=words[words.index("tuner.study") + 2].rpartition("/")[2]),
    )
    monkeypatch.setattr(run, "POLL_SECONDS", 0)
    assert run.run_studies(as_plan(tomllib.loads(TWO)), tmp_path, 1, None, keep) == ([], set())
    assert kept == [["main"], ["later", "main"], ["later", "main"]]
    assert capsys.readouterr().err.count("results could not be kept: no space left") == 3


@pytest.mark.parametrize(
    ("name", "seconds", "looks", "keeps"), [("", 0, 2, 3), ("START", -1, 9, 3), ("KEEP", -1, 2, 10)]
)
def test_waiting_studies_and_results_are_looked_at_now_and_then(tmp_path, monkeypatch, name, seconds, looks, keeps):
    """One study after the other, of which the first ends at its fifth poll and the second at its fourth."""
    done, polls, counts = set(), iter("....|...|"), {"start": 0, "keep": 0}

    class Process(SimpleNamespace):
        def poll(self):
            if next(polls) == "|":
                done.add(self.name)
                return 0
            return None

    def start_some(*arguments):
        counts["start"] += 1
        real(*arguments)

    def keep():
        counts["keep"] += 1

    real = run._start_some
    monkeypatch.setattr(run, "_start_some", start_some)
    monkeypatch.setattr(run, "is_finished", lambda folder: folder.name in done)
    monkeypatch.setattr(
        run.subprocess,
        "Popen",
        lambda words, **_: Process(name=words[words.index("tuner.study") + 2].rpartition("/")[2]),
    )
    monkeypatch.setattr(run, "POLL_SECONDS", 0)
    if name:
        monkeypatch.setattr(run, f"{name}_SECONDS", seconds)
    assert run.run_studies(as_plan(tomllib.loads(TWO)), tmp_path, 1, None, keep) == ([], set())
    assert counts == {"start": looks, "keep": keeps}


def test_studies_end_with_the_plan(tmp_path, monkeypatch):
    started = []

    def start(words, **values):
        started.append(real([sys.executable, "-c", "import time; time.sleep(600)"], **values))
        return started[-1]

    def stop(_):
        raise SystemExit(143)

    real = subprocess.Popen
    monkeypatch.setattr(run.subprocess, "Popen", start)
    monkeypatch.setattr(run.time, "sleep", stop)
    with pytest.raises(SystemExit):
        run.run_studies(as_plan(tomllib.loads(TWO)), tmp_path, workers=2, deadline=None)
    assert [process.poll() for process in started] == [-signal.SIGTERM] * 2


def test_arguments_are_those_of_the_command(tmp_path):
    plan = as_plan(tomllib.loads(TWO))
    words = run.arguments(tmp_path, "later", plan.studies["later"], budget=90.4)
    assert words[:2] == [str(tmp_path / "records/one"), str(tmp_path / "studies/later")]
    assert words[2:] == ["--epochs", "5", "--gru-units", "8", "--head", "nade", "--budget", "90s"]


def test_a_study_waits_for_the_one_that_chooses(tmp_path):
    plan = as_plan(tomllib.loads(SMALL))
    assert run.arguments(tmp_path, "later", plan.studies["later"], None) is None


CONTINUED = TWO.replace('head = "nade"', 'head = "nade"\nstart = "main"\nrefine = false')


def test_tuning_starts_where_that_of_another_study_ended(tmp_path):
    plan = as_plan(tomllib.loads(CONTINUED))
    assert run.arguments(tmp_path, "later", plan.studies["later"], None) is None
    there = write_study(run.study_folder_of(tmp_path, "main"), plan.studies["main"].settings, with_music=False)
    chosen = run.tuned_settings(there)
    words = run.arguments(tmp_path, "later", plan.studies["later"], None)
    found = words[words.index("--starts") + 1 : words.index("--no-refine")]
    given = {(name, setting): value for name, own in chosen.items() for setting, value in own.items()}
    assert set(found) == {f"{name}:{key}={value}" for (name, key), value in given.items() if value is not None}
    assert len(found) == 1 + 3  # the rate of BCE; rate, gamma and alpha of the focal loss
    study = resolved_study(words)
    assert factorial.chosen(study, Combination("focal", "adam"), [], 0)["gamma"] == chosen["focal-adam"]["gamma"]
    last = max((there / "tuning/focal-adam").iterdir(), key=lambda path: int(path.name))
    (last / "outcome.json").unlink()
    assert run.tuned_settings(there) is None


def resolved_study(words):
    return from_args(StudyConfig, build_parser().parse_args(words))


def test_a_study_that_was_begun_with_other_settings_is_named(tmp_path):
    plan = as_plan(tomllib.loads(TWO))
    write_study(run.study_folder_of(tmp_path, "main"), plan.studies["main"].settings, with_music=False)
    run.check_studies(plan, tmp_path)
    changed = as_plan(tomllib.loads(TWO.replace("epochs = 3", "epochs = 4")))
    with pytest.raises(UserError, match=r"study main was begun with other settings: study.epochs is 3 there, 4 here"):
        run.check_studies(changed, tmp_path)


def test_studies_load_the_plugins_of_their_entries(tmp_path, monkeypatch):
    plan = as_plan(tomllib.loads(TWO))
    monkeypatch.setitem(choices.ORIGINS, ("loss", "focal"), {"plugin": "my_losses.py", "sha256": ""})
    words = run.arguments(tmp_path, "main", plan.studies["main"], None)
    assert words[2:4] == ["--plugin", "my_losses.py"]
    assert "--plugin" not in run.arguments(
        tmp_path, "main", as_plan(tomllib.loads(TWO.replace('"focal"', '"weighted_bce"'))).studies["main"], None
    )
