"""The page in a real browser with a real server: from a dropped MIDI file to generated music, played and downloaded."""

import io
import json
import re
import urllib.request
import wave
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
from midi_files import header, note, track
from page_browser import (
    DROP_FILE,
    accessibility_violations,
    count_pixels,
    generate,
    install,
    open_page,
    reload,
    run_npm,
    wait_until,
)
from prefix_proxy import behind_prefix

pytestmark = pytest.mark.slow
EVIL_NAME = '<img src=x onerror="document.title=1">.mid'  # must be shown as text, not run
QUARTERS = header(1) + track([event for i in range(16) for event in note(480 * i, 480 * i + 400, 60 + i % 5)])  # 8 s


def generate_by_api(address: str, **fields) -> bytes:
    """The response of /generate to these fields."""
    body = json.dumps(fields).encode()
    request = urllib.request.Request(f"{address}/generate", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return response.read()


def renamed(midi: bytes, name: bytes) -> bytes:
    """A MIDI file of /generate with another name of its track."""
    named = midi.replace(b"\xff\x03\x05piano", b"\xff\x03" + bytes([len(name)]) + name, 1)
    return named[:18] + (len(named) - 22).to_bytes(4) + named[22:]  # the size of the track, after "MTrk"


def downloaded(page, button: str) -> bytes:
    """The file that a button of the newest take downloads."""
    with page.expect_download() as download:
        page.locator(f".take [data-action={button}]").first.click()
    return Path(download.value.path()).read_bytes()


def test_pure_modules() -> None:
    install()
    run_npm("test")


def test_a_dropped_file_is_continued_and_downloaded(page, address: str) -> None:
    page.evaluate(DROP_FILE, [EVIL_NAME, list(QUARTERS)])
    page.wait_for_selector("#preview:visible")
    assert page.inner_text("#preview-part") == "All of it, 0:08"
    assert page.inner_text("#preview-facts") == f"{EVIL_NAME}, 16 notes"
    assert count_pixels(page.locator("#preview canvas"), "--roll-primer") > 100

    page.fill("#temperature", "1.25")
    page.fill("#seed", "4711")
    page.click("#dice")
    assert page.input_value("#seed") != "4711"
    page.fill("#seed", "4711")
    generate(page, 4096)
    lengths = page.evaluate("observed.lengths")
    assert len(lengths) > 3  # it grew visibly
    assert lengths == sorted(lengths)  # as strings, because all have one digit of minutes
    assert page.inner_text(".take .time") == "0:05.8 / 8:39.8"
    canvas = page.locator(".take canvas").first
    page.press(".roll", "Home")
    assert count_pixels(canvas, "--roll-primer") > 10  # only a few pixels, because such a long roll is drawn small
    assert count_pixels(canvas, "--roll-generated") > 300
    assert EVIL_NAME in page.inner_text(".take .settings")
    assert page.title().startswith("tiny")

    roll = json.loads(upload_by_api(address))["roll"]
    fields = {"version": 1, "steps": 4096, "seed": 4711, "temperature": 1.25, "top_p": 1, "density": 1, "primer": roll}
    midi = downloaded(page, "midi")
    assert midi == renamed(generate_by_api(address, **fields), b"tiny, seed 4711")
    notes = pretty_midi.PrettyMIDI(io.BytesIO(midi)).instruments[0].notes
    assert [one.pitch for one in notes if one.end < 7][:5] == [60, 61, 62, 63, 64]
    assert f"{len(notes)} notes" in page.inner_text(".take .summary")


def upload_by_api(address: str) -> bytes:
    """The response of /primer to the dropped file."""
    body = (
        b'--b\r\nContent-Disposition: form-data; name="primer"; filename="a.mid"\r\n\r\n' + QUARTERS + b"\r\n--b--\r\n"
    )
    request = urllib.request.Request(f"{address}/primer", body, {"Content-Type": "multipart/form-data; boundary=b"})
    with urllib.request.urlopen(request) as response:
        return response.read()


def test_a_take_plays_from_any_position(page) -> None:
    generate(page, 400)
    playhead = "document.querySelector('.playhead').style.transform"
    page.click(".take .play")
    wait_until(page, "observed.contexts[0]?.state === 'running'")
    before = page.evaluate(playhead)
    wait_until(page, f"{playhead} !== '{before}' && observed.loudest > 0.01")
    assert page.get_attribute(".take .play", "aria-label") == "Pause Take 1"
    page.click(".take canvas", position={"x": 600, "y": 60})  # of a plot about 800 pixels wide
    wait_until(page, "parseFloat(document.querySelector('.roll').ariaValueNow) > 20")
    page.click(".take .play")
    stopped = page.inner_text(".take .time")
    page.wait_for_timeout(300)
    assert page.inner_text(".take .time") == stopped
    for key, time in (("Home", "0:00.0"), ("ArrowRight", "0:01.0"), ("PageUp", "0:11.0"), ("End", "0:50.0")):
        page.press(".roll", key)
        assert page.inner_text(".take .time") == f"{time} / 0:50.0"
    page.press(".roll", "ArrowLeft")
    page.press(".roll", "Space")  # plays the last second, then stops
    page.wait_for_selector(".take.playing")
    page.wait_for_selector(".take:not(.playing)")
    assert page.inner_text(".take .time") == "0:50.0 / 0:50.0"


def test_a_take_plays_while_it_is_generated_and_can_be_stopped(page, address: str) -> None:
    page.check("#endless", force=True)
    page.fill("#seed", "9")
    page.click("#generate")
    page.click(".take .play:enabled")
    wait_until(page, "parseFloat(document.querySelector('.roll').ariaValueNow) > 0.3")
    assert page.is_visible("#stop")
    page.click("#stop")
    page.wait_for_selector("#generate:visible")
    page.click(".take .play")
    steps = round(8 * page.evaluate("parseFloat(document.querySelector('.roll').ariaValueMax)"))
    assert steps > 100
    whole = json.loads(generate_by_api(address, steps=steps + 8, seed=9, version=1, output="roll"))["roll"]
    music = pretty_midi.PrettyMIDI(io.BytesIO(downloaded(page, "midi"))).instruments[0]
    pitches = [
        {one.pitch for one in music.notes if one.start <= step / 8 + 0.01 < one.end} for step in range(steps // 2)
    ]
    assert pitches == [set(map(abs, row)) for row in whole[: steps // 2]]


def test_a_piece_that_the_model_ends_can_be_reproduced(page, address: str) -> None:
    page.check("#ends", force=True)
    page.fill("#seed", "3")
    assert page.is_disabled("#length")
    page.click("#generate")
    page.wait_for_selector(".take[data-state=done]")
    assert re.search("ended by the model|stopped at the maximum length", page.inner_text(".take .summary"))
    whole = json.loads(generate_by_api(address, seed=3, version=1, output="roll"))["roll"]
    expected = generate_by_api(address, steps=len(whole), seed=3, version=1)
    assert downloaded(page, "midi") == renamed(expected, b"tiny, seed 3")


def test_png_and_wav_downloads(page) -> None:
    page.check("[value=example]", force=True)
    generate(page, 64)
    picture = downloaded(page, "png")
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(picture[16:20]) == 2560
    with wave.open(io.BytesIO(downloaded(page, "wav"))) as file:
        assert (file.getframerate(), file.getnchannels()) == (44_100, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert len(samples) == 2 * 44_100 * ((128 + 64) / 8 + 1.5)
    loudness = np.abs(samples[: 2 * 44_100 * 16]).reshape(16, -1).max(axis=1)  # of each second of the primer
    assert loudness.min() > 300
    assert loudness.max() < 32_700


def test_a_link_reproduces_the_take(page, context, address: str) -> None:
    page.check("[value=example]", force=True)
    page.fill("#density", "2")
    generate(page, 96)
    page.click("[data-action=link]")
    page.wait_for_selector("text=Copied")
    link = page.evaluate("navigator.clipboard.readText()")
    again = open_page(context, link)
    again.wait_for_selector(".take[data-state=done]")
    assert again.inner_text(".take .settings") == page.inner_text(".take .settings")
    assert downloaded(again, "midi") == downloaded(page, "midi")
    assert again.input_value("#density") == "2"
    broken = open_page(context, re.sub("version=1", "version=7", link))
    assert "needs version 7 of the model, which this server does not have" in broken.inner_text("#alert")
    assert broken.locator(".take").count() == 2  # those of the other two pages, from the storage


def test_takes_are_side_by_side_and_kept_takes_survive_a_reload(page) -> None:
    for _ in range(3):
        generate(page, 32)
    tops = {box["y"]: box for box in (take.bounding_box() for take in page.locator(".take").all())}
    assert len(tops) < 3  # at least two in one row
    titles = page.locator(".take h3").all_inner_texts()
    assert titles == ["Take 3", "Take 2", "Take 1"]
    page.locator(".keep").nth(1).click()
    page.click("#clear")
    assert page.locator(".take h3").all_inner_texts() == ["Take 2"]
    shown = page.inner_text(".take .summary")
    reload(page)
    page.wait_for_selector(".take[data-state=done]")
    assert page.inner_text(".take h3") == "Take 2"
    assert page.inner_text(".take .summary") == shown
    assert page.get_attribute(".keep", "aria-pressed") == "true"
    page.click("[data-action=remove]")
    reload(page)
    page.wait_for_selector("#empty:visible")


def test_errors_are_shown(context, address: str) -> None:
    page = open_page(context, address)
    page.fill("#temperature", "0")
    page.click("#generate")
    assert page.inner_text("#settings-error") == "Temperature must be a number from 0.05 to 20."
    assert page.evaluate("document.activeElement.id") == "temperature"
    page.fill("#temperature", "1")
    page.evaluate(DROP_FILE, ["noise.mid", list(b"MThd and nothing")])
    page.wait_for_selector("#primer-error:visible")
    assert re.fullmatch(r"noise\.mid cannot be used: it is .+\.", page.inner_text("#primer-error"))
    page.click("#generate")
    assert page.inner_text("#settings-error").startswith("Choose a MIDI file")
    page.check("[value=nothing]", force=True)
    page.route("**/generate?stream=1", lambda route: route.fulfill(status=429, headers={"Retry-After": "2"}))
    page.click("#generate")
    assert page.locator(".take .error").inner_text() == "The server is busy. Try again in 2 s."
    page.route("**/generate?stream=1", lambda route: route.abort())
    page.click("#generate")
    page.wait_for_selector("text=The server cannot be reached")
    assert page.is_enabled("#generate")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (375, "dark")])
def test_the_page_is_accessible(chromium, address: str, width: int, scheme: str) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, has_touch=width < 500)
    page = open_page(context, address)
    page.check("[value=example]", force=True)
    install()
    assert accessibility_violations(page) == []
    generate(page, 512)
    page.locator(".keep").click()
    page.fill("#seed", "-1")
    page.click("#generate")
    assert accessibility_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    light = page.evaluate(
        "getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).every((v) => v > 200)"
    )
    assert light == (scheme == "light")
    assert count_pixels(page.locator(".take canvas"), "--roll-generated") > 100
    small = "[...document.querySelectorAll('button, select, input, .choice label')].filter((one) => one.offsetWidth)"
    heights = page.evaluate(small + ".map((one) => [one.id || one.className, one.getBoundingClientRect().height])")
    assert [
        name for name, height in heights if height < 24 and name not in ("exact", "ends", "endless", "new-seed")
    ] == []
    context.close()


def test_the_page_works_by_keyboard_alone(page) -> None:
    stops = []
    while "generate" not in stops:
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
        assert len(stops) < 30
    assert stops[0] == "skip"
    assert "version" not in stops  # there is only one
    sliders = [stop for stop in stops if stop.endswith("-slider")]
    assert sliders == ["length-slider", "temperature-slider", "density-slider"]
    assert [stop for stop in stops if stop in ("length", "temperature", "density", "top_p", "seed")] == [
        "length",
        "temperature",
        "density",
        "top_p",
        "seed",
    ]
    page.keyboard.press("Enter")
    page.wait_for_selector(".take[data-state=done]")
    assert page.evaluate("document.activeElement.id") == "generate"  # the focus is not lost when Stop is hidden
    page.evaluate("document.querySelectorAll('.section').forEach((section) => (section.open = false))")
    reached = []
    while len(reached) < 13:
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim() || document.activeElement.ariaLabel"))
    assert reached == [
        "Remove takes not kept",
        "?",
        "Play Take 1",
        "Take 1",
        "Keep",
        "Position in Take 1",
        "Continue",
        "Vary",
        "Try four",
        "Keep bars …",
        "Loop or fill",
        "Tempo and key",
        "Save",
    ]
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_the_page_works_behind_a_prefix(context, address: str) -> None:
    with behind_prefix(int(address.rpartition(":")[2])) as prefixed:
        asked = []
        context.on("request", lambda request: asked.append(request.url))
        page = open_page(context, prefixed)
        generate(page, 64)
        page.click(".take .play")
        wait_until(page, "observed.loudest > 0")
        assert downloaded(page, "midi").startswith(b"MThd")
        licences = page.locator("text=Licences")
        assert "Salamander" in licences.evaluate("link => fetch(link.href).then((response) => response.text())")
        page.close()
    assert page.errors == []
    assert any("/piano/" in url for url in asked)
    assert all(url.startswith((prefixed, "blob:", "data:")) for url in asked)
