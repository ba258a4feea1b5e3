"""The tools of the page together in a real browser: takes that are steered, filled and continued are one family."""

import pytest
from page_browser import accessibility_violations, generate, open_page, reload

pytestmark = pytest.mark.slow


def wait_for_takes(page, count: int) -> None:
    """Waits until that many takes are complete."""
    page.locator(".take[data-state=done]").nth(count - 1).wait_for()


def take(page, number: int):
    return page.locator(f".take:has(#take-{number})")


def generate_in_d_minor(page) -> None:
    page.evaluate("document.querySelector('#steering').open = true")
    page.locator("[name=harmony][value=scale]").check(force=True)
    page.select_option("#scale-root", "2")
    page.select_option("#scale-name", "minor")
    generate(page, 64)


def test_steered_filled_and_continued_takes_are_a_family_that_survives_a_reload(page) -> None:
    generate_in_d_minor(page)
    take(page, 1).locator("[data-playback=tempo]").fill("50")
    take(page, 1).locator("[data-playback=transpose]").fill("2")
    for name in ("first", "last"):
        take(page, 1).locator(f"[data-bar={name}]").fill("2")
    take(page, 1).locator("[data-tool=fill]").click()
    wait_for_takes(page, 2)
    take(page, 2).locator("[data-build=continue]").click()
    wait_for_takes(page, 3)
    for _ in range(2):  # before and after the reload
        assert take(page, 2).locator(".deed").inner_text() == "Take 1: bar 2 filled"
        assert take(page, 3).locator(".deed").inner_text() == "Take 2: continued at its end"
        assert "bar 2 filled, one of 16 versions" in take(page, 2).locator(".summary").inner_text()
        for number in (1, 2, 3):
            assert "in D minor" in take(page, number).locator(".settings").inner_text()
            assert "50 % tempo · +2 semitones" in take(page, number).locator(".playback-changes").inner_text()
        assert page.locator("#list > li > ul > li > ul > li").count() == 1
        reload(page)
        wait_for_takes(page, 3)


def test_a_filled_take_that_was_removed_comes_back(page) -> None:
    generate(page, 64)
    for name in ("first", "last"):
        take(page, 1).locator(f"[data-bar={name}]").fill("2")
    take(page, 1).locator("[data-tool=fill]").click()
    wait_for_takes(page, 2)
    take(page, 2).locator("[data-action=remove]").click()
    assert page.locator(".take").count() == 1
    generate(page, 64)
    assert page.locator(".take h3").all_inner_texts() == ["Take 3", "Take 1"]  # no number is given twice
    page.locator("h1").click()
    page.keyboard.press("Control+z")
    assert "bar 2 filled" in take(page, 2).locator(".summary").inner_text()


def test_files_are_written_as_the_take_is_played(page) -> None:
    generate(page, 64)
    take(page, 1).locator("[data-playback=tempo]").fill("50")
    take(page, 1).locator("[data-playback=transpose]").fill("-1")
    with page.expect_request("**/render") as request, page.expect_download():
        take(page, 1).locator("[data-action=midi]").click()
    slow = request.value.post_data_json
    take(page, 1).locator("[data-tool=reset]").click()
    with page.expect_request("**/render") as request, page.expect_download():
        take(page, 1).locator("[data-action=midi]").click()
    plain = request.value.post_data_json
    assert slow["tempo"] == plain["tempo"] / 2
    lower = [{abs(pitch) - 1 if abs(pitch) > 24 else 35 for pitch in row} for row in plain["roll"]]  # 24 is the lowest
    assert [set(map(abs, row)) for row in slow["roll"]] == lower


def test_the_sections_of_a_take_are_closed_until_they_are_wanted(context, address: str) -> None:
    page = open_page(context, address, sections_open=False)
    generate(page, 64)
    assert page.locator(".take .section[open]").count() == 0
    assert accessibility_violations(page) == []
    page.locator(".take .roll").focus()
    page.keyboard.press("Shift+ArrowRight")
    assert page.locator(".take .section[open] summary").all_inner_texts() == ["Loop or fill\nbar 1"]
    assert accessibility_violations(page) == []


def test_space_plays_the_opening_and_then_its_take(page) -> None:
    page.wait_for_selector("#listen:enabled")
    page.keyboard.press(" ")
    page.wait_for_selector(".take.playing")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(" ")
    page.wait_for_selector(".take:not(.playing)")
    take(page, 1).locator("[data-build=vary]").click()
    wait_for_takes(page, 2)
    assert take(page, 2).locator(".deed").inner_text() == "Take 1: varied"
