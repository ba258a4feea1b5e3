"""What a user hears first, the settings in words, and music of their own: chosen from a file or played in."""

import numpy as np
import pytest
from midi_files import header, note, track
from page_browser import DROP_FILE, accessibility_violations, count_pixels, generate, install, open_page, wait_until

pytestmark = pytest.mark.slow
SONG = header(1) + track([event for i in range(80) for event in note(480 * i, 480 * i + 480, 60 + i % 5)])  # 40 s
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
        .filter((one) => !one.matches('label[for]'))
        .filter((one) => one.getBoundingClientRect().height < 44).map((one) => one.outerHTML)"""
    )


def test_a_piece_can_be_heard_at_once(view) -> None:
    assert view.inner_text("h1") == "A piano that plays on"
    sentence = "It learned from a collection of its own: about 4 notes at a time, pieces of up to 0:38 minutes."
    assert view.inner_text("#training") == sentence
    view.wait_for_selector("#listen:enabled")
    wait_until(view, "document.querySelector('#opening-caption').textContent.startsWith('32 seconds from scratch')")
    assert view.locator(".take").count() == 0
    assert accessibility_violations_of(view) == []
    assert small_targets(view) == []
    assert view.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box = view.locator("#listen").bounding_box()
    assert box["height"] > 90
    assert box["y"] + box["height"] < 844  # without scrolling
    view.click("#listen")
    view.wait_for_selector(".take.playing")
    assert view.is_hidden("#empty")
    assert view.evaluate("document.activeElement.ariaLabel") == "Pause Take 1"
    assert view.evaluate("document.activeElement.getBoundingClientRect().bottom <= innerHeight")
    wait_until(view, "observed.loudest > 0.01")


def test_a_starting_point_is_one_click_away(view) -> None:
    points = view.locator(".starting-point")
    assert points.all_inner_texts() == [
        "Bach: Prelude in C major",
        "Mozart: Sonata facile",
        "Beethoven: Für Elise",
    ]
    with view.expect_file_chooser():
        view.click("#start-file")
    view.click("#start-played")
    assert view.evaluate("document.activeElement.id") == "record"
    assert view.is_checked("[value=played]")
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


def test_handles_choose_the_part_of_a_file_to_carry_on(view) -> None:
    view.evaluate(DROP_FILE, ["song.mid", list(SONG)])
    view.wait_for_selector("#preview:visible")
    part = view.locator("#preview-part")
    assert part.inner_text() == "The last 16 seconds of 0:40"
    assert view.inner_text("#preview-facts") == "song.mid, 32 notes"
    start, end = view.locator("#trim-start"), view.locator("#trim-end")
    assert [handle.get_attribute("aria-valuetext") for handle in (start, end)] == ["0:24", "0:40"]
    assert [start.get_attribute(f"aria-value{name}") for name in ("min", "now", "max")] == ["0", "24", "40"]
    for handle, key, text in (
        (start, "ArrowLeft", "The last 17 seconds of 0:40"),
        (start, "PageUp", "The last 9 seconds of 0:40"),
        (end, "PageDown", "0:31 to 0:32 of 0:40"),
        (end, "ArrowLeft", "0:30 to 0:31 of 0:40"),  # the other gives way
        (start, "Home", "0:00 to 0:31 of 0:40"),
    ):
        handle.press(key)
        assert part.inner_text() == text
    assert accessibility_violations_of(view) == []
    picture = view.locator("#trim canvas").bounding_box()
    x = lambda seconds: picture["x"] + picture["width"] * seconds / 40  # noqa: E731
    y = picture["y"] + 20
    handle = end.bounding_box()
    assert handle["width"] >= 44
    view.mouse.move(handle["x"] + 20, y)
    view.mouse.down()
    view.mouse.move(handle["x"] + 20 - (x(31) - x(20)), y, steps=4)
    view.mouse.up()
    assert part.inner_text() == "0:00 to 0:20 of 0:40"
    view.mouse.click(x(30), y)  # the part jumps there
    assert part.inner_text() == "The last 20 seconds of 0:40"
    view.click("#generate")
    view.wait_for_selector(".take[data-state=done]")
    assert view.inner_text(".take .time") == "0:18.0 / 0:52.0"  # two seconds before the seam
    assert count_pixels(view.locator(".take canvas"), "--roll-primer") > 100


def test_the_part_to_carry_on_can_be_heard(view) -> None:
    view.evaluate(DROP_FILE, ["song.mid", list(SONG)])
    view.wait_for_selector("#preview:visible")
    view.click("#hear")
    wait_until(view, "observed.loudest > 0.01")
    assert view.get_attribute("#hear", "aria-label") == "Stop"
    view.press("#trim-start", "ArrowLeft")  # another part
    assert view.get_attribute("#hear", "aria-label") == "Hear this part"
    view.click("#hear")
    view.click("#generate")
    view.wait_for_selector(".take[data-state=done]")
    view.click(".take .play")
    assert view.get_attribute("#hear", "aria-label") == "Hear this part"  # one thing plays at a time
    view.click("#hear")
    view.wait_for_selector(".take:not(.playing)")


def accessibility_violations_of(page) -> list[str]:
    install()
    return accessibility_violations(page)


def test_a_bad_file_is_named_and_the_one_before_it_said_to_be_in_use(chromium, address: str) -> None:
    page = open_page(chromium.new_context(), address)  # whose console reports the responses with status 400
    page.evaluate(DROP_FILE, ["noise.mid", [1, 2, 3]])
    page.wait_for_selector("#primer-error:visible")
    assert page.inner_text("#primer-error") == "noise.mid cannot be used: it is not a MIDI file."
    assert page.is_hidden("#preview")
    page.evaluate(DROP_FILE, ["song.mid", list(SONG)])
    page.wait_for_selector("#preview:visible")
    assert page.is_hidden("#primer-error")
    page.evaluate(DROP_FILE, ["large.mid", 3_000_000])
    page.wait_for_selector("#primer-error:visible")
    error = "large.mid cannot be used: it is larger than 2097 kB. song.mid is still in use."
    assert page.inner_text("#primer-error") == error
    assert page.inner_text("#preview-facts") == "song.mid, 32 notes"
    page.context.close()


FAKE_MIDI = """
window.fakeMidi = {sent: [], cleared: 0};
const keys = {id: 'in', name: 'Fake Keys', onmidimessage: null};
const synth = {
  id: 'out', name: 'Fake Synth', state: 'connected',
  send: (data, time) => fakeMidi.sent.push({data: [...data], time, sent: performance.now()}),
  clear: () => fakeMidi.cleared++,
};
fakeMidi.access = new EventTarget();
fakeMidi.access.inputs = new Map([['in', keys]]);
fakeMidi.access.outputs = new Map([['out', synth]]);
fakeMidi.play = (...data) => keys.onmidimessage({data: Uint8Array.from(data), timeStamp: performance.now()});
navigator.requestMIDIAccess = async () => fakeMidi.access;
"""


def record(page, keys: str) -> None:
    """Records some letters, half a second each, from the beginning of the first bar."""
    page.click("#record")
    assert page.inner_text("#record") == "Stop"
    wait_until(page, "document.querySelector('#playin-count').textContent === '1'")
    wait_until(page, "document.querySelector('#playin-count').textContent.startsWith('bar 1')")
    for key in keys:
        page.keyboard.down(key)
        page.wait_for_timeout(400)
        page.keyboard.up(key)
    page.click("#record")


def test_letters_are_played_recorded_and_carried_on(view) -> None:
    view.check("[value=played]", force=True)
    assert view.inner_text("#octave") == "C4"
    view.click("#generate")
    assert view.inner_text("#settings-error") == "Press Record and play, or select “Nothing”."
    assert accessibility_violations_of(view) == []
    assert small_targets(view) == []
    assert view.evaluate("document.documentElement.scrollWidth <= innerWidth")
    view.keyboard.press("x")
    assert view.inner_text("#octave") == "C5"
    view.keyboard.press("z")
    record(view, "adg")
    view.wait_for_selector("#preview:visible")
    assert view.inner_text("#preview-facts") == "My playing, 3 notes"
    with view.expect_request("**/generate?stream=1") as request:
        view.click("#generate")
    primer = request.value.post_data_json["primer"]
    assert {pitch for row in primer for pitch in row} == {60, 64, 67}
    assert len(primer) % 8 == 0  # whole seconds, on a grid without bars
    view.wait_for_selector(".take[data-state=done]")
    assert "from My playing" in view.inner_text(".take .settings")
    record(view, "")
    assert view.inner_text("#playin-error").startswith("Nothing was played.")


def test_the_keys_on_the_screen_sound_and_light_up(view) -> None:
    view.check("[value=played]", force=True)
    view.click("#record")
    wait_until(view, "document.querySelector('#playin-count').textContent.startsWith('bar 1')")
    key = view.locator("#keys [data-pitch='64']")
    box = key.bounding_box()
    view.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 8)
    view.mouse.down()
    assert key.get_attribute("class") == "white pressed"
    wait_until(view, "observed.loudest > 0.001")
    view.mouse.up()
    assert key.get_attribute("class") == "white"
    view.click("#record")
    assert view.inner_text("#preview-facts") == "My playing, 1 note"


def test_a_midi_keyboard_is_recorded(context, address: str) -> None:
    context.add_init_script(FAKE_MIDI)
    page = open_page(context, address)
    page.check("[value=played]", force=True)
    page.click("#midi-in")
    wait_until(page, "document.querySelector('#midi-in-name').textContent === 'Listening to Fake Keys'")
    page.click("#record")
    wait_until(page, "document.querySelector('#playin-count').textContent.startsWith('bar 1')")
    for pitch in (48, 52):
        page.evaluate(f"fakeMidi.play(0x90, {pitch}, 90)")
    assert page.locator("#keys .pressed").count() == 0  # they are below the keys on the screen
    page.wait_for_timeout(300)
    page.evaluate("fakeMidi.play(0x90, 48, 0), fakeMidi.play(0x80, 52, 0)")
    page.click("#record")
    assert page.inner_text("#preview-facts") == "My playing, 2 notes"
    assert page.errors == []


def test_a_midi_device_plays_a_take(context, address: str) -> None:
    context.add_init_script(FAKE_MIDI)
    page = open_page(context, address)
    page.evaluate(DROP_FILE, ["song.mid", list(SONG)])
    page.wait_for_selector("#preview:visible")
    generate(page, 64)
    page.select_option("#sound", "connect")
    wait_until(page, "document.querySelector('#sound').value === 'out'")
    assert page.locator("#sound option").all_inner_texts() == ["Piano", "Fake Synth"]
    page.click(".take .play")
    wait_until(
        page, "fakeMidi.sent.filter(({data}) => data[0] === 0x90).length > 3"
    )  # the last two seconds of the primer, in quarters of half a second
    page.click(".take .play")
    page.wait_for_selector(".take:not(.playing)")
    sent = page.evaluate("fakeMidi.sent")
    begins = [message for message in sent if message["data"][0] == 0x90][:3]
    assert [message["data"][1] for message in begins] == [61, 62, 63]  # notes 76 to 78 of the song
    times = [message["time"] for message in begins]
    np.testing.assert_allclose(np.diff(times), 500, atol=30)  # milliseconds, on the clock of the audio
    assert [message["data"] for message in sent[-2:]] == [[0xB0, 123, 0], [0xB0, 120, 0]]
    sounding = set()
    for kind, pitch, _ in (message["data"] for message in sent):
        (sounding.add if kind == 0x90 else sounding.discard)(pitch)
    assert sounding == set()
    assert page.evaluate("fakeMidi.cleared") > 0
    assert page.evaluate("observed.loudest") == 0  # the piano is silent
    page.evaluate("fakeMidi.access.outputs.clear(); fakeMidi.access.dispatchEvent(new Event('statechange'))")
    assert page.inner_text("#alert") == "The MIDI output is gone: takes are played by the piano again."
    page.click(".take .play")
    wait_until(page, "observed.loudest > 0.01")
    assert page.errors == []
    assert page.evaluate("observed.violations") == []
