"""The folder of a search: the same settings or a refusal, one search at a time, time that is counted over kills."""

import json
from types import SimpleNamespace

import pytest
from tiny_search import search_settings

from pianoroll_tf.errors import UserError
from tuner.search import settings as folder_of
from tuner.search.settings import Budget, open_search, read_settings, sole_search


def test_the_same_settings_go_on_and_others_are_named(tmp_path):
    open_search(tmp_path, search_settings())
    open_search(tmp_path, search_settings())
    for other, message in (
        (search_settings("bayesian"), "tuner is random there, bayesian here"),
        (search_settings(epochs=3), "training.epochs is 9 there, 3 here"),
        (search_settings(objective="pr_auc"), "training.objective is nll there, pr_auc here"),
        (search_settings(dropout=0.2), "dropout is 0.0 to 0.5 by 0.1 there, 0.2 here"),
        (
            search_settings(loss="bce"),
            "gamma is 0.5 to 4.0 there, not searched here; loss is bce or weighted_bce or focal there, bce",
        ),
    ):
        with pytest.raises(UserError, match=message) as error:
            open_search(tmp_path, other)
        assert "--overwrite" in str(error.value)


def test_overwrite_removes_what_is_the_search_s_own(tmp_path):
    open_search(tmp_path, search_settings())
    (tmp_path / folder_of.TRIALS / "0000").mkdir(parents=True)
    (tmp_path / folder_of.RESULTS[0]).touch()
    (tmp_path / "notes.txt").touch()
    open_search(tmp_path, search_settings("hyperband"), overwrite=True)
    assert read_settings(tmp_path)["tuner"] == "hyperband"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "search.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"tuner": "random"}', None])
def test_damaged_settings_are_an_error(tmp_path, content):
    open_search(tmp_path, search_settings())
    path = tmp_path / folder_of.SETTINGS
    path.write_bytes(path.read_bytes().replace(b"random", b"rondom") if content is None else content)
    with pytest.raises(UserError, match=r"search\.json is damaged: .* --overwrite to start from scratch"):
        open_search(tmp_path, search_settings())


def test_one_search_at_a_time_and_nothing_foreign(tmp_path):
    with sole_search(tmp_path / "a"):
        open_search(tmp_path / "a", search_settings())
        with pytest.raises(UserError, match="is in use by another process"), sole_search(tmp_path / "a"):
            pass
    with sole_search(tmp_path / "a"):
        pass
    (tmp_path / "file").touch()
    for folder, message in ((tmp_path, "it has .* but no search.json"), (tmp_path / "file", "but it is a file")):
        with pytest.raises(UserError, match=message), sole_search(folder):
            pass
    with pytest.raises(UserError, match="must be the folder of a search"):
        read_settings(tmp_path)


def test_a_budget_counts_all_starts(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(folder_of, "time", SimpleNamespace(monotonic=lambda: now[0]))  # the clock of nobody else
    budget = Budget(tmp_path, 60.0)
    now[0] += 40.0
    assert (budget.spent(), budget.left(), budget.may_start()) == (40.0, 20.0, True)
    budget.save()
    now[0] += 1000.0  # nobody searches
    again = Budget(tmp_path, 60.0)
    assert again.left() == 20.0
    now[0] += 20.0
    assert not again.may_start()
    assert Budget(tmp_path, None).left() is None
    assert Budget(tmp_path, None).may_start()
    (tmp_path / folder_of.SPENT).write_text(json.dumps({"seconds": "x"}))
    assert Budget(tmp_path, 60.0).left() == 60.0
