"""Language, numbers and intervals of a report in both languages."""

import ast
import string

import catalogue
import pytest
from hypothesis import given
from hypothesis import strategies as st
from repository import ROOT

from tuner.report.language import LANGUAGES, Language, decimals_between
from tuner.study.settings import Combination
from tuner.study.statistics import Summary

UNTRANSLATED = {"PR-AUC", "F1", "ECE", "p {p}"}
EN, RU = (Language(language) for language in LANGUAGES)


def ids(found):
    """Context and text of every message, singular and plural."""
    return {(message.context, message.id) for message in found if message.id}


def fields(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_message_of_the_code_has_its_translation_and_no_other_is_left():
    for code in LANGUAGES:
        if code == "en":
            continue
        found = catalogue.read(code)
        assert ids(found) == ids(catalogue.messages())
        assert not found.obsolete
        for message in found:
            translations = message.string if message.pluralizable else [message.string]
            assert message.id == "" or not message.fuzzy, message.id
            assert all(translations), message.id


def test_babel_finds_every_message_of_the_code():
    """It does not look into f-strings, for example."""
    names = {"gettext", "ngettext", "_", "N_"}
    found = {message.id if isinstance(message.id, str) else message.id[0] for message in catalogue.messages()}
    for path in (ROOT / "tuner").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in names:
                message = node.args[0]
                assert not isinstance(message, ast.Constant) or message.value in found, message.value


def test_translations_put_in_the_same_values_and_are_in_their_language():
    cyrillic = set("абвгдежзийклмнопрстуфхцчшщъыьэюя")
    for message in catalogue.read("ru"):
        if not message.id:
            continue
        english = message.id if message.pluralizable else [message.id]
        russian = message.string if message.pluralizable else [message.string]
        assert len(russian) == (3 if message.pluralizable else 1)
        for text in (*english, *russian):
            assert fields(text) == fields(english[-1]), message.id
        for text in russian:
            letters = "".join(part for part, *_ in string.Formatter().parse(text))
            foreign = text in UNTRANSLATED or not any(map(str.isalpha, letters))
            assert foreign or cyrillic & set(letters.lower()), message.id


def test_measures_have_names_heads_and_units():
    assert EN.measure("nll", with_unit=True) == "test NLL, nats per step"
    assert RU.measure("nll", with_unit=True) == "NLL на тесте, нат на шаг"
    assert RU.head("pr_auc") == "PR-AUC"
    assert (EN.head("ece"), RU.measure("ece")) == ("ECE", "ошибка калибровки")
    assert EN.gettext("") == RU.gettext("") == ""


def test_a_count_has_the_form_of_its_number():
    counted = [EN.ngettext("{n} run", "{n} runs", number) for number in (0, 1, 2)]
    assert counted == ["0 runs", "1 run", "2 runs"]
    found = [RU.ngettext("{n} run", "{n} runs", number) for number in (1, 2, 5, 11, 12, 21, 22, 101, 111)]
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
    for language in (EN, RU):
        text = language.number(value).replace("−", "-")
        text = text.replace("\u00a0", "").replace(",", ".") if language is RU else text.replace(",", "")
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
