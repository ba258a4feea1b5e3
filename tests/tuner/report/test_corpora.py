"""The tables of a comparison over corpora, in both languages."""

import pytest

from tuner.report.corpora import model, tables, verdict
from tuner.report.language import Language
from tuner.study.across import across
from tuner.study.settings import Combination

EN, RU = Language("en"), Language("ru")
COMBINATIONS = [Combination("bce", "adam"), Combination("focal", "adam")]


@pytest.fixture(scope="module")
def found():
    """BCE is lower by 1 in two corpora, higher by 1 in the third."""
    values = {
        corpus: {"bce-adam": [1.0, 1.1, 1.2], "focal-adam": [1.0 + by, 1.1 + by + 0.01, 1.2 + by - 0.01]}
        for corpus, by in (("jsb", 1.0), ("pop909", 1.2), ("classical", -1.0))
    }
    return across(values, COMBINATIONS)


def test_corpora_are_rows_and_pairs_columns(found):
    losses, combinations = tables(found, COMBINATIONS, EN)  # one optimizer: no table of its own
    assert losses.head == ["corpus", "BCE − focal"]
    assert [row[0] for row in losses.rows[:3]] == ["jsb", "pop909", "classical"]
    mean, small = losses.rows[0][1]
    assert (mean, small) == ("−1.000", "−1.025 to −0.975\nholds")
    assert losses.rows[2][1][1].endswith("\nreversed")
    assert losses.rows[3][0] == ("mean of the corpora", "95 % interval, n = 3")
    assert losses.rows[-1] == ["verdict", "reversed in classical"]
    assert losses.rows[-2] == [("p of the sign test over corpora", "at least 0.25"), "1"]
    assert combinations.head[1] == "BCE\u00a0·\u00a0Adam − focal\u00a0·\u00a0Adam"


def test_the_verdict_in_russian(found):
    assert verdict(found.losses[0], RU) == "обратное в classical"
    assert verdict(across({"jsb": {"bce-adam": [1.0], "focal-adam": [2.0]}}, COMBINATIONS).losses[0], RU) == (
        "не показано в jsb"
    )


def test_the_mixed_model_is_a_table(found):
    table = model(found, EN)
    assert table.caption.endswith("random over 3 corpora")
    assert table.rows[0][:2] == ["loss", "–"]
    assert table.rows[0][2].startswith("F(1, 2) = ")
    assert table.rows[1][0] == "BCE − focal"
    assert model(across({"jsb": {"bce-adam": [1.0], "focal-adam": [2.0]}}, COMBINATIONS), EN) is None
