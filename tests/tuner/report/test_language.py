"""Words, numbers and intervals of a report in both languages."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.report.labels import MEASURES_RU, MUSIC_RU, RARITY_RU, SHORT, UNITS_RU
from tuner.report.language import LANGUAGES, Words, decimals_between
from tuner.report.texts import COUNTS, SEARCH, SECTIONS, SHARED, SUMMARY, TEXTS
from tuner.study.measure_table import MEASURES, MUSIC, RARITY
from tuner.study.settings import Combination
from tuner.study.statistics import Summary

EN, RU = (Words(language) for language in LANGUAGES)


def fields(text):
    return sorted({name for _, name, _, _ in string.Formatter().parse(text) if name})


def test_every_text_has_the_same_values_in_both_languages():
    for key, (english, russian) in TEXTS.items():
        assert fields(english) == fields(russian), key
        assert english and russian, key
    assert len(TEXTS) == len(SHARED) + len(SUMMARY) + len(SECTIONS) + len(SEARCH)  # no key in two parts


def test_russian_texts_are_russian():
    assert [key for key, (english, russian) in TEXTS.items() if english == russian] == ["unit_pr_auc"]
    cyrillic = set("абвгдежзийклмнопрстуфхцчшщъыьэюя")
    for key, (_, russian) in TEXTS.items():
        letters = russian
        for field in fields(russian):
            letters = letters.replace("{" + field + "}", "")
        assert not any(map(str.isalpha, letters)) or cyrillic & set(letters.lower()), key


def test_every_measure_unit_and_class_has_its_russian_name():
    assert set(MEASURES_RU) == set(MEASURES)
    assert set(UNITS_RU) == {measure.unit for measure in MEASURES.values()}
    assert set(MUSIC_RU) == set(MUSIC)
    assert set(RARITY_RU) == set(RARITY)
    assert set(SHORT) <= set(MEASURES)
    assert EN.measure("nll", with_unit=True) == "test NLL, nats a step"
    assert RU.measure("nll", with_unit=True) == "NLL на тесте, нат на шаг"
    assert RU.head("pr_auc") == "PR-AUC"


def test_counts_have_as_many_forms_as_the_language():
    for english, russian in COUNTS.values():
        assert (len(english), len(russian)) == (2, 3)
    assert [EN.count(number, "runs") for number in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]
    found = [RU.count(number, "runs") for number in (1, 2, 5, 11, 12, 21, 22, 101, 111)]
    assert [text.split()[1] for text in found] == [
        *("прогон", "прогона", "прогонов", "прогонов", "прогонов", "прогон", "прогона", "прогон", "прогонов")
    ]


@pytest.mark.parametrize(
    ("value", "decimals", "english", "russian"),
    [
        (None, None, "–", "–"),
        (float("nan"), None, "–", "–"),
        (0.0, None, "0", "0"),
        (-0.0001, 2, "0.00", "0,00"),  # no minus before nothing
        (5.4964, None, "5.496", "5,496"),
        (0.00123456, None, "0.001235", "0,001235"),
        (140.0, None, "140", "140"),
        (705596.0, None, "705,596", "705\u00a0596"),
        (-12345.678, 1, "−12,345.7", "−12\u00a0345,7"),
    ],
)
def test_numbers(value, decimals, english, russian):
    assert (EN.number(value, decimals), RU.number(value, decimals)) == (english, russian)


@given(st.floats(-1e6, 1e6))
def test_a_number_reads_as_what_it_is(value):
    for words in (EN, RU):
        text = words.number(value).replace("−", "-")
        text = text.replace("\u00a0", "").replace(",", ".") if words is RU else text.replace(",", "")
        assert float(text) == pytest.approx(value, rel=1e-3, abs=1e-6)


def test_the_digits_of_a_mean_follow_from_its_interval():
    assert EN.mean(Summary(5, 0, 5.49642, 5.4913, 5.5028, 0.01)) == ("5.496", "5.491 to 5.503")
    assert RU.mean(Summary(5, 0, 412.0, 392.0, 428.0, 20.0)) == ("412", "392 … 428")
    assert EN.mean(Summary(1, 0, 5.49642, None, None, None)) == ("5.496", "")
    assert EN.mean(Summary(0, 5, None, None, None, None)) == ("–", "")
    assert decimals_between(1.0, 1.0) == 0


def test_names_of_combinations_and_unknown_entries():
    assert EN.combination(Combination("bce", "adam")) == "BCE\u00a0·\u00a0Adam"
    assert RU.combination(Combination("focal", "adamw", "zero-bias")) == "focal\u00a0·\u00a0AdamW, смещение от 0"
    assert EN.combination(Combination("dice", "sgd")) == "dice\u00a0·\u00a0sgd"
    assert (EN.join([]), EN.join(["a"]), RU.join(["а", "б", "в"])) == ("", "a", "а, б и в")
    assert EN.p_equals(0.0004) == "p < 0.001"
    assert RU.p_equals(None) == "–"
