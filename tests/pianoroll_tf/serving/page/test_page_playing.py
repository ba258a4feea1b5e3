"""Playing in a real browser: streams that resume, the audio clock, how a take is played, bars, filling and steering."""

import io
import json
import urllib.request
import wave
from pathlib import Path

import pytest
from cutting_proxy import cutting_streams
from page_browser import (
    accessibility_violations,
    count_pixels,
    generate,
    install,
    open_page,
    reload,
    wait_for_opening,
    wait_until,
)

pytestmark = pytest.mark.slow
STEERING = ("lowest", "highest", "scale", "chords", "silent", "polyphony")

# Runs before the page's code: how far ahead notes are scheduled, clicks of the metronome, and what each frame draws
LISTENER = """
window.heard = {ahead: [], clicks: 0, drawn: []};
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when, ...rest) {
  if (this.context instanceof AudioContext) heard.ahead.push(when - this.context.currentTime);
  return start.call(this, when, ...rest);
};
const click = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...rest) { heard.clicks++; return click.apply(this, rest); };
let drawn = 0;
for (const name of ['roundRect', 'fillRect']) {
  const draw = CanvasRenderingContext2D.prototype[name];
  CanvasRenderingContext2D.prototype[name] = function (...rest) { drawn++; return draw.apply(this, rest); };
}
const frame = () => { if (drawn) heard.drawn.push(drawn); drawn = 0; requestAnimationFrame(frame); };
requestAnimationFrame(frame);
"""


@pytest.fixture
def described(address: str) -> dict:
    """The description of the API, with steering and filling."""
    document = json.load(urllib.request.urlopen(f"{address}/openapi.json"))
    schemas = document["components"]["schemas"]
    for name in STEERING:
        schemas["Piece"]["properties"].setdefault(name, {})
    document["paths"].setdefault("/infill", {})
    return document


@pytest.fixture
def able(context, described: dict, address: str):
    """The page with a server that can steer and fill; these requests are answered here, and kept in `able.requests`."""
    context.add_init_script(LISTENER)
    requests: list[dict] = []

    def fill(route) -> None:
        fields = route.request.post_data_json
        requests.append(fields)
        if fields["end"] - fields["start"] > 100:
            route.fulfill(status=400, json={"error": "the gap is too long"})
            return
        roll = [[60, 67] if fields["start"] <= step < fields["end"] else row for step, row in enumerate(fields["roll"])]
        facts = {"particles": fields["particles"], "effective_particles": 6.4}
        route.fulfill(json=facts | {"roll": roll, "log_likelihood_after": {"chosen": -4.0, "mean": -7.0}})

    def steer(route) -> None:
        fields = route.request.post_data_json
        requests.append(fields)
        known = {name: value for name, value in fields.items() if name not in STEERING}
        route.continue_(post_data=json.dumps(known))

    context.route("**/openapi.json", lambda route: route.fulfill(json=described))
    context.route("**/infill", fill)
    context.route("**/generate?stream=1", steer)
    page = open_page(context, address)
    page.requests = requests
    yield page
    assert [error for error in page.errors if "400" not in error] == []
    assert page.evaluate("observed.violations") == []


def api_notes(address: str, **fields) -> int:
    """The number of notes in the roll that /generate returns."""
    body = json.dumps(fields | {"output": "roll"}).encode()
    request = urllib.request.Request(f"{address}/generate", body, {"Content-Type": "application/json"})
    roll = json.load(urllib.request.urlopen(request))["roll"]
    before = [[], *roll]
    return sum(
        pitch < 0 or pitch not in map(abs, last) for last, row in zip(before, roll, strict=False) for pitch in row
    )


def downloaded(page, button: str) -> bytes:
    """The file that a button of the newest take downloads."""
    with page.expect_download() as download:
        page.locator(f".take [data-action={button}]").first.click()
    return Path(download.value.path()).read_bytes()


def wav_seconds(page) -> float:
    """Length of the newest take's WAV file, without the 1.5 s in which its notes decay."""
    with wave.open(io.BytesIO(downloaded(page, "wav"))) as file:
        return file.getnframes() / file.getframerate() - 1.5


def set_slider(page, name: str, value: int) -> None:
    page.locator(f".take [data-playback={name}]").first.fill(str(value))


def throttle(page) -> None:
    """Makes the page's thread as slow as that of a slow phone."""
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 6})


def test_a_stream_resumes_after_the_connection_was_cut_twice(context, address: str) -> None:
    port = int(address.rpartition(":")[2])
    with cutting_streams(port, cuts=0, after_bytes=2500, containing=b'"seed":11,') as (proxied, done):
        page = open_page(context, proxied)
        wait_for_opening(page)
        done.left = 2
        done.last_event_ids.clear()
        page.fill("#seed", "11")
        page.fill("#temperature", "1")
        generate(page, 400)
        assert page.get_attribute(".take", "data-state") == "done"
        assert page.inner_text(".take .time") == "0:00.0 / 0:50.0"
        assert page.inner_text(".take .summary").startswith(
            f"{api_notes(address, steps=400, seed=11, temperature=1)} notes"
        )
    assert done.left == 0
    begin, first, second = done.last_event_ids
    assert begin == ""
    assert {one.split("-")[1] for one in (first, second) if one} == {"11"}
    # A browser may drop what it received but the page had not read yet when the connection was cut.
    after = [int(one.split("-")[2]) if one else 0 for one in (first, second)]
    assert 0 <= after[0] <= after[1] < 400
    assert after[1] > 0


def test_notes_are_scheduled_ahead_of_the_clock_while_music_is_generated(able) -> None:
    throttle(able)
    able.check("#endless")
    able.click("#generate")
    able.click(".take .play:enabled")
    wait_until(able, "parseFloat(document.querySelector('.roll').ariaValueNow) > 4")
    assert able.is_visible("#stop")
    able.click("#stop")
    able.wait_for_selector("#generate:visible")
    ahead = able.evaluate("heard.ahead")
    assert len(ahead) > 20
    assert min(ahead) > 0


def test_only_new_columns_are_drawn(able) -> None:
    wait_for_opening(able)
    able.evaluate("heard.drawn.length = 0")
    able.fill("#seed", "11")
    generate(able, 480)
    able.wait_for_timeout(200)
    notes = int(able.inner_text(".take .summary").split()[0])
    drawn = able.evaluate("heard.drawn")
    # Each note once as it comes, and once more in the last frame, which knows the range of the pitches
    assert sum(drawn) < 2.2 * notes
    able.evaluate("heard.drawn.length = 0")
    able.click(".take .play")
    wait_until(able, "parseFloat(document.querySelector('.roll').ariaValueNow) > 1")
    able.click(".take .play")
    assert able.evaluate("heard.drawn") == []  # only the playhead has moved


def test_how_a_take_is_played_is_heard_and_kept(able, address: str) -> None:
    generate(able, 64)  # 8 s, 4 bars
    midi = downloaded(able, "midi")
    set_slider(able, "tempo", 50)
    assert able.inner_text(".playback-changes") == "50 % tempo"
    assert wav_seconds(able) == pytest.approx(16)
    set_slider(able, "swing", 67)
    set_slider(able, "transpose", -2)
    able.fill(".take [data-bar=first]", "2")
    able.fill(".take [data-bar=last]", "3")
    able.click(".take [data-tool=loop]")
    assert wav_seconds(able) == pytest.approx(8)  # two bars, once
    assert downloaded(able, "midi") != midi  # it is as heard, too
    able.check(".take [data-playback=metronome]")
    able.select_option(".take .meter", "3/4")
    able.click(".take .keep")
    generate(able, 32)
    assert able.locator(".playback-changes").first.inner_text() == ""  # another take
    able.locator("[data-action=remove]").first.click()
    reload(able)
    able.wait_for_selector(".take[data-state=done]")
    assert able.inner_text(".playback-changes") == "50 % tempo · swing 67 % · −2 semitones · metronome"
    assert able.get_attribute("[data-tool=loop]", "aria-pressed") == "true"
    assert able.input_value(".meter") == "3/4"
    able.click("[data-tool=reset]")
    assert able.inner_text(".playback-changes") == ""
    assert wav_seconds(able) == pytest.approx(4)  # the loop is not a setting of the panel


def test_bars_repeat_with_the_metronome(able) -> None:
    generate(able, 64)
    set_slider(able, "tempo", 200)
    able.check("[data-playback=metronome]")
    able.fill("[data-bar=first]", "2")
    able.fill("[data-bar=last]", "2")  # 2 s to 4 s, played in one second
    able.click("[data-tool=loop]")
    for _ in range(2):
        able.press(".roll", "ArrowRight")
    able.click(".take .play")
    wait_until(able, "heard.clicks >= 10")  # more than two rounds of four
    now = able.evaluate("parseFloat(document.querySelector('.roll').ariaValueNow)")
    assert 2 <= now <= 4
    able.click("[data-tool=loop]")  # now it plays to its end
    able.wait_for_selector(".take:not(.playing)")
    assert able.inner_text(".take .time") == "0:08.0 / 0:08.0"


def chosen(page) -> list[str]:
    return [page.input_value(f".take [data-bar={end}]") for end in ("first", "last")]


def test_bars_are_chosen_by_mouse_keyboard_and_number(able) -> None:
    generate(able, 128)  # 8 bars, about 100 pixels each
    before = able.locator(".take .actions").bounding_box()
    box = able.locator(".take canvas").bounding_box()
    able.mouse.move(box["x"] + 44 + 150, box["y"] + 90)
    able.mouse.down()
    able.mouse.move(box["x"] + 44 + 350, box["y"] + 90, steps=5)
    able.mouse.up()
    assert chosen(able) == ["2", "4"]
    assert able.inner_text(".take .time") == "0:00.0 / 0:16.0"  # not a click, which would move the playhead
    assert able.inner_text("#status") == "bars 2 to 4 chosen"
    for keys, expected in (
        (["Shift+ArrowRight"], ["2", "5"]),
        (["Shift+ArrowLeft"] * 4, ["1", "2"]),
        (["Escape"], ["", ""]),
        (["ArrowRight"] * 5 + ["Shift+ArrowRight"], ["3", "3"]),  # the bar of the playhead, at 5 s
        (["Shift+ArrowRight"] * 9, ["3", "8"]),
    ):
        for key in keys:
            able.press(".take .roll", key)
        assert chosen(able) == expected
    able.fill(".take [data-bar=last]", "99")
    able.press(".take [data-bar=last]", "Enter")
    assert chosen(able) == ["3", "8"]
    able.fill(".take [data-bar=first]", "9")
    able.press(".take [data-bar=first]", "Tab")
    assert chosen(able) == ["8", "8"]
    assert able.locator(".take .actions").bounding_box() == before  # nothing has jumped


def test_bars_are_filled(able) -> None:
    able.check("[value=example]", force=True)  # 8 bars
    generate(able, 64)
    assert able.is_disabled("[data-tool=fill]")
    able.fill("[data-bar=first]", "10")
    able.fill("[data-bar=last]", "11")
    able.fill(".particles", "24")
    able.click("[data-tool=fill]")
    able.wait_for_selector("#generate:visible")
    assert able.locator(".take h3").all_inner_texts() == ["Take 1", "Take 2"]
    summary = able.locator(".take .summary").nth(1).inner_text()
    assert "bars 10 to 11 filled, one of 24 versions, of which 6.4 counted" in summary
    fields = able.requests[-1]
    assert (fields["start"], fields["end"], fields["particles"], fields["output"]) == (144, 176, 24, "roll")
    assert len(fields["roll"]) == 192
    assert fields["roll"][144:176] == [[]] * 32
    assert not {"steps", "primer"} & set(fields)
    assert fields["seed"] != able.requests[0]["seed"]
    assert count_pixels(able.locator(".take canvas").nth(1), "--roll-filled") > 50
    assert count_pixels(able.locator(".take canvas").first, "--roll-filled") == 0
    assert able.is_visible("#legend-filled")
    able.locator("[data-action=link]").nth(1).click()
    able.wait_for_selector("text=Copied")
    link = able.evaluate("navigator.clipboard.readText()")
    able.goto(link)  # only the fragment differs, so that the page opens it without being loaded again
    wait_until(able, "document.querySelectorAll('.take').length === 3")
    able.wait_for_selector("#generate:visible")
    assert able.requests[-1] == fields
    reload(able)
    able.wait_for_selector(".take[data-state=done]")
    assert "bars 10 to 11 filled" in able.inner_text(".take .summary")
    able.fill("[data-bar=first]", "1")
    able.fill("[data-bar=last]", "9")
    able.click("[data-tool=fill]")
    able.wait_for_selector("text=the gap is too long")


def test_the_music_is_steered(able) -> None:
    able.click("#steering summary")
    able.check("[name=harmony][value=chords]", force=True)
    able.fill("#chords", "C Hm F G")
    able.click("#generate")
    assert able.inner_text("#settings-error").startswith("“Hm”, in bar 2, is not a chord.")
    assert able.evaluate("document.activeElement.id") == "chords"
    able.fill("#chords", "C Am")
    able.fill("#silent", "C3–E3, F♯4")
    able.press("#range [role=slider] >> nth=0", "PageUp")
    able.press("#range [role=slider] >> nth=1", "ArrowLeft")
    able.fill("#most-notes", "4")
    generate(able, 40)
    fields = able.requests[-1]
    assert {name: fields[name] for name in STEERING if name != "scale"} == {
        "lowest": 36,
        "highest": 106,
        "chords": [
            {"step": 0, "pitch_classes": [0, 4, 7]},
            {"step": 16, "pitch_classes": [0, 4, 9]},
            {"step": 32, "pitch_classes": [0, 4, 7]},
        ],
        "silent": [[48, 52], [66, 66]],
        "polyphony": 4,
    }
    words = "chords C Am · C2 to A♯7 · without C3–E3, F♯4 · at most 4 notes at once"
    assert words in able.inner_text(".take .settings")
    able.check("[name=harmony][value=scale]", force=True)
    able.select_option("#scale-root", label="D")
    able.select_option("#scale-name", "dorian")
    generate(able, 40)
    assert able.requests[-1]["scale"] == [0, 2, 4, 5, 7, 9, 11]
    assert "chords" not in able.requests[-1]
    able.click("#steering-reset")
    generate(able, 40)
    assert not set(STEERING) & set(able.requests[-1])


def test_the_range_is_dragged(able) -> None:
    able.click("#steering summary")
    able.locator("#range").scroll_into_view_if_needed()
    box = able.locator("#range canvas").bounding_box()
    able.mouse.move(box["x"] + 3, box["y"] + 10)
    able.mouse.down()
    able.mouse.move(box["x"] + box["width"] * 36.5 / 84, box["y"] + 10, steps=4)
    able.mouse.up()
    assert able.inner_text("#range-hint") == "C4 to B7"
    assert able.get_attribute("#range [role=slider] >> nth=0", "aria-valuetext") == "C4"


def test_an_older_server_offers_neither_steering_nor_filling(context, described: dict, address: str) -> None:
    del described["paths"]["/infill"]
    for name in STEERING:
        del described["components"]["schemas"]["Piece"]["properties"][name]
    context.route("**/openapi.json", lambda route: route.fulfill(json=described))
    page = open_page(context, address)
    generate(page, 32)
    assert page.is_hidden("#steering")
    assert page.is_hidden("[data-tool=fill]")
    assert page.is_hidden(".particles")
    assert page.is_visible("[data-tool=loop]")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_steering_and_playing_are_accessible(chromium, address: str, described: dict, width: int, scheme: str) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, has_touch=width < 500)
    context.route("**/openapi.json", lambda route: route.fulfill(json=described))
    page = open_page(context, address)
    install()
    page.click("#steering summary")
    for harmony in ("scale", "chords"):
        page.check(f"[name=harmony][value={harmony}]", force=True)
        assert accessibility_violations(page) == []
    page.fill("#chords", "x")
    page.press("#chords", "Tab")
    page.wait_for_selector("#steering-error:visible")
    assert accessibility_violations(page) == []
    page.fill("#chords", "C")
    generate(page, 64)
    page.fill(".take [data-bar=first]", "2")
    page.click(".take [data-tool=loop]")
    assert accessibility_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    controls = (
        "#steering :is(button, select, input:not([name]), summary, [role=slider]), "
        ".tools :is(button, select, input:not([type=checkbox]), summary)"
    )
    sizes = page.evaluate(
        "(selector) => [...document.querySelectorAll(selector)].filter((one) => one.offsetWidth)"
        ".map((one) => [one.id || one.className, one.getBoundingClientRect().height])",
        controls,
    )
    assert len(sizes) > 12
    assert [name for name, height in sizes if height < 44] == []
    context.close()
