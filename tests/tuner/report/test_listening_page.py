"""The listening page, as a file and in a browser."""

import json
import re

import pytest
from page_browser import PAGE as SERVED_PAGE
from page_browser import accessibility_violations, wait_until
from synthetic_study import tiny_settings, write_study

from tuner.report.data import read
from tuner.report.language import Language
from tuner.report.listening import listening_test, make
from tuner.report.votes import read_votes


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A study with excerpts of two seconds, four pairs per comparison."""
    folder = write_study(tmp_path_factory.mktemp("studies") / "made-up", tiny_settings(pieces=12, piece_steps=16))
    listening_test(read(folder), 2)
    return read(folder)


@pytest.fixture(scope="module")
def path(data):
    """The page's file."""
    path = data.folder / "listening.html"
    path.write_bytes(make(data, Language("en"), None, [])[2]["listening.html"])
    return path


@pytest.fixture
def page(chromium, path):
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.errors = []
    page.on("console", lambda message: page.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(path.as_uri())
    yield page
    assert page.errors == []
    context.close()


def test_the_page_needs_no_other_file_and_does_not_tell_what_is_heard(data, path):
    text = path.read_text()
    assert not re.search(r"(src|href)=", text)
    assert "https:" not in text and "http:" not in text and "import(" not in text
    shown = json.loads(re.search(r'id="content">(.*?)</script>', text, re.DOTALL)[1])
    assert set(shown["pairs"][0]) == {"id", "a", "b"}
    assert set(shown["pairs"][0]["a"]) == {"id", "notes"}
    told = re.sub(r'"[0-9a-f]{6,}"', '""', text).lower()  # ids are digests, which may spell "bce"
    for word in ("bce", "focal", "adam", "rmsprop", "seed"):
        assert word not in told
    assert not re.search(r"\breal\b", told)
    russian = make(data, Language("ru"), None, [])[2]["listening.html"].decode()
    assert '<html lang="ru">' in russian and "Что вам больше нравится?" in russian
    assert f'"page": "{shown["page"]}"' in russian  # votes of both languages belong together


def play_to_the_end(page, key: str, side: int) -> None:
    before = page.evaluate(f"plays()[{side}]")
    page.keyboard.press(key)
    wait_until(page, f"plays()[{side}] > {before}")


@pytest.mark.slow
def test_a_pair_is_heard_voted_on_reloaded_and_downloaded_by_keyboard(data, page, tmp_path):
    page.keyboard.press("Tab")
    page.keyboard.type("Анна 1")
    page.keyboard.press("Enter")
    assert page.inner_text("#place") == "Pair 1 of 6"
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#message") == "Listen to both to their end first."
    play_to_the_end(page, "1", 0)
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#count") == "0 of 6 voted"  # B has not been heard
    page.keyboard.press("b")
    page.keyboard.press(" ")
    assert page.evaluate("!playing && paused.side === 1")
    page.keyboard.press(" ")
    wait_until(page, "plays()[1] === 1")
    assert page.get_attribute("[data-choice=b]", "aria-disabled") == "false"
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#place") == "Pair 2 of 6"
    assert page.inner_text("#message") == "You prefer B. Next pair."

    page.reload()
    assert page.inner_text("#place") == "Pair 2 of 6"
    assert page.inner_text("#count") == "1 of 6 voted"
    play_to_the_end(page, "a", 0)
    play_to_the_end(page, "a", 0)
    play_to_the_end(page, "2", 1)
    page.keyboard.press("0")
    page.keyboard.press("p")
    page.keyboard.press("p")
    assert page.inner_text("#place") == "Pair 1 of 6"
    assert page.get_attribute("[data-choice=b]", "aria-pressed") == "true"
    page.focus("#download")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == "votes-Анна-1.json"
    download.value.save_as(tmp_path / "votes.json")

    test = listening_test(data, None)
    votes, _ = read_votes([tmp_path / "votes.json"], test)
    first = test.pairs[0]
    assert [(vote.listener, vote.pair, vote.choice) for vote in votes] == [
        ("анна 1", first, -1 if first.first_is_a else 1),
        ("анна 1", test.pairs[1], 0),
    ]
    content = json.loads((tmp_path / "votes.json").read_text())
    assert [vote["plays"] for vote in content["votes"]] == [[1, 1], [2, 1]]


def test_keys_can_be_switched_off_and_help_is_a_dialog(page):
    page.fill("#name", "anna")
    page.keyboard.press("Enter")
    page.keyboard.press("?")
    assert page.is_visible("#help")
    page.keyboard.press("1")  # while the dialog is open
    assert page.evaluate("playing === null")
    page.uncheck("#keys")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    assert page.evaluate("playing === null")


def test_every_pair_voted_on_ends_the_test_and_another_listener_starts_anew(page):
    page.fill("#name", "anna")
    page.keyboard.press("Enter")
    page.evaluate("for (const pair of pairs) state.plays[pair.id] = [1, 1]; showPair()")
    for key in ("ArrowLeft", "ArrowRight", "0", "ArrowLeft", "ArrowLeft", "ArrowRight"):
        page.keyboard.press(key)
    assert page.is_visible("#end") and page.inner_text("#count") == "6 of 6 voted"
    page.click("#rename")
    page.fill("#name", "boris")
    page.keyboard.press("Enter")
    assert page.inner_text("#count") == "0 of 6 voted"
    page.click("#rename")
    page.fill("#name", "anna")
    page.keyboard.press("Enter")
    assert page.inner_text("#count") == "6 of 6 voted"


def test_all_excerpts_are_equally_loud_and_the_checksum_is_sha256(page):
    measured = page.evaluate(
        """pairs.flatMap((pair) => soundsOf(pair).map((buffer) => [
            loudness([buffer.getChannelData(0), buffer.getChannelData(1)]), buffer.duration]))"""
    )
    assert [found for found, _ in measured] == pytest.approx([-21] * 12, abs=0.05)
    assert [length for _, length in measured] == pytest.approx([2.8] * 12)
    sine = "Float32Array.from({length: 3 * RATE}, (_, i) => Math.sin((2 * Math.PI * 997 * i) / RATE))"
    # ITU-R BS.1770: a sine of 997 Hz at full scale in one channel has −3.01 LUFS
    assert page.evaluate(f"loudness([{sine}, new Float32Array(3 * RATE)])") == pytest.approx(-3.01, abs=0.01)
    assert page.evaluate("loudness([new Float32Array(RATE), new Float32Array(RATE)]) === -Infinity")
    of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4
    assert page.evaluate("sha256('abc')") == of_abc


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_it_is_accessible_and_fits_a_phone(chromium, path, width, scheme):
    if not (SERVED_PAGE / "node_modules" / "axe-core").is_dir():
        pytest.skip("axe-core is not installed: make page")
    context = chromium.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    page.goto(path.as_uri())
    found = accessibility_violations(page)
    page.fill("#name", "anna")
    page.keyboard.press("Enter")
    found += accessibility_violations(page)
    page.keyboard.press("?")
    found += accessibility_violations(page)
    page.keyboard.press("Escape")
    page.evaluate("for (const pair of pairs) state.plays[pair.id] = [1, 1]; showPair()")
    found += accessibility_violations(page)
    assert page.evaluate("Math.max(...[...document.querySelectorAll('*')].map((one) => one.scrollWidth))") == width
    page.evaluate("for (const pair of pairs) vote('a')")
    found += accessibility_violations(page)
    assert found == []
    context.close()
