"""What a user hears first, the settings in words, and music of their own: chosen from a file or played in."""

import pytest
from page_browser import accessibility_violations, install, open_page, wait_until

pytestmark = pytest.mark.slow
VIEWS = [(1280, "light"), (390, "dark")]


@pytest.fixture(params=VIEWS, ids=["desktop", "phone"])
def view(request, chromium, address: str):
    """The page as it is opened, on a desktop and on a phone."""
    width, scheme = request.param
    context = chromium.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, has_touch=width < 500)
    page = open_page(context, address)
    page.evaluate("document.querySelector('#sampling').open = false")
    yield page
    assert page.errors == []
    assert page.evaluate("observed.violations") == []
    context.close()


def small_targets(page) -> list[str]:
    """The buttons and inputs of the form and of the opening that are less than 44 pixels high."""
    return page.evaluate(
        """[...document.querySelectorAll('.controls :is(button, select, summary, input, label), .opening button')]
        .filter((one) => one.offsetWidth && !(one.matches('input') && one.closest('label')))
        .filter((one) => !one.matches('.field > label, .slider-head label'))
        .filter((one) => one.getBoundingClientRect().height < 44).map((one) => one.outerHTML)"""
    )


def test_a_piece_can_be_heard_at_once(view) -> None:
    assert view.inner_text("h1") == "A piano that plays on"
    sentence = "It learned from a collection of its own: about 4 notes at a time, pieces of up to 0:38 minutes."
    assert view.inner_text("#training") == sentence
    view.wait_for_selector("#listen:enabled")
    wait_until(view, "document.querySelector('#opening-caption').textContent.startsWith('32 seconds from nothing')")
    assert view.locator(".take").count() == 0
    install()
    assert accessibility_violations(view) == []
    assert small_targets(view) == []
    assert view.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = view.locator("#listen").bounding_box()
    assert box["height"] > 90
    assert box["y"] + box["height"] < 844  # without scrolling
    view.click("#listen")
    view.wait_for_selector(".take.playing")
    assert view.is_hidden("#empty")
    assert view.evaluate("document.activeElement.ariaLabel") == "Pause Take 1"
    wait_until(view, "observed.loudest > 0.01")


def test_a_starting_point_is_one_click_away(view) -> None:
    points = view.locator(".starting-point")
    assert points.all_inner_texts() == [
        "Bach: Prelude in C major",
        "Mozart: Sonata facile",
        "Beethoven: Für Elise",
    ]
    points.nth(2).click()
    view.wait_for_selector(".take.playing")
    view.wait_for_selector("#generate:visible")
    assert "from Beethoven: Für Elise" in view.inner_text(".take .settings")
    assert view.is_checked("[name=example][value='2']")


def test_settings_are_words_that_the_keyboard_sets_exactly(view) -> None:
    assert view.is_hidden("#version")
    assert view.inner_text("#details-line").startswith("temperature 0.75 · density × 1 · top-p 1 · seed ")
    words = "document.querySelector('#temperature-slider').ariaValueText"
    assert view.evaluate(words) == "balanced"
    view.focus("#temperature-slider")
    for _ in range(4):
        view.keyboard.press("ArrowRight")
    assert view.evaluate(words) == view.inner_text("#temperature-hint") == "bolder"
    view.focus("#density-slider")
    view.keyboard.press("Home")
    assert view.inner_text("#density-hint") == "very sparse"
    view.focus("#length-slider")
    view.keyboard.press("ArrowLeft")
    assert view.inner_text("#length-hint") == "31 seconds"
    view.click("#sampling summary")
    assert [view.input_value(f"#{name}") for name in ("length", "temperature", "density")] == ["31", "0.99", "0.25"]
    assert small_targets(view) == []
    view.fill("#temperature", "20")
    assert view.input_value("#temperature-slider") == "10"
    assert view.inner_text("#temperature-hint") == "very bold"
    view.fill("#length", "0")
    view.click("#generate")
    assert view.inner_text("#settings-error") == "Length must be a number of seconds from 0.2 to 8192."
