"""Building on takes in a real browser: the family tree, undo, what a reload brings back, and the files of a take."""

import io
import json
import zipfile
from pathlib import Path

import pretty_midi
import pytest
from page_browser import (
    OPENER,
    accessibility_violations,
    count_pixels,
    generate,
    install,
    open_page,
    reload,
    wait_until,
)

pytestmark = pytest.mark.slow


def titles(page) -> list[str]:
    return page.locator(".take h3").all_inner_texts()


def build(page, kind: str, place: int = 0) -> None:
    """Presses a button that builds on a take, and waits until the new takes are complete."""
    before = page.locator(".take").count()
    page.locator(f"[data-build={kind}]").nth(place).click()
    page.wait_for_selector(f".take >> nth={before}")
    page.wait_for_selector("#generate:visible")


def stored_rows(page) -> dict[str, list[int]]:
    """The bytes of the roll of each stored take, by the name of the take."""
    return page.evaluate("""new Promise((resolve) => {
      const opened = indexedDB.open("pianoroll_tf");
      opened.onsuccess = () => {
        const all = opened.result.transaction("takes").objectStore("takes").getAll();
        all.onsuccess = () => {
          opened.result.close();
          resolve(Object.fromEntries(all.result.map((one) => [`Take ${one.number}`, [...one.rows]])));
        };
      };
    })""")


def steps_of(rows: list[int]) -> list[list[int]]:
    """The rows of a stored roll: a count and the pitches of each step."""
    found, at = [], 0
    while at < len(rows):
        found.append(rows[at + 1 : at + 1 + rows[at]])
        at += 1 + rows[at]
    return found


def test_a_take_is_continued_and_varied_from_its_playhead(page) -> None:
    generate(page, 64)
    assert page.inner_text(".place") == "From its end"
    for _ in range(5):
        page.press(".roll", "ArrowRight")
    assert page.inner_text(".place") == "From 0:05.0"
    page.fill("#length", "5")
    build(page, "continue")
    assert titles(page) == ["Take 1", "Take 2"]
    assert page.locator("[data-level='2'] .deed").inner_text() == "Take 1: continued at 0:05.0"
    build(page, "vary")
    assert titles(page) == ["Take 1", "Take 3", "Take 2"]
    assert page.locator("[data-level='2'] .deed").first.inner_text() == "Take 1: varied from 0:05.0 on"
    rolls = {name: steps_of(rows) for name, rows in stored_rows(page).items()}
    assert {name: len(roll) for name, roll in rolls.items()} == {"Take 1": 64, "Take 2": 80, "Take 3": 64}
    assert rolls["Take 2"][:40] == rolls["Take 3"][:40] == rolls["Take 1"][:40]
    assert rolls["Take 3"][40:] != rolls["Take 1"][40:]
    assert count_pixels(page.locator(".take canvas").nth(1), "--roll-primer") > 50
    page.locator(".take .play").nth(1).click()
    wait_until(page, "observed.loudest > 0.01")


def test_bars_are_kept_and_the_rest_is_made_anew(page) -> None:
    generate(page, 64)
    page.click("[data-build=bars]")
    assert page.inner_text("#bars-title") == "Keep part of Take 1"
    page.fill("#bars-first", "7")
    page.fill("#bars-last", "3")
    assert page.inner_text("#bars-error") == "Choose whole seconds from 0 to 8, ascending."
    page.press("#bars-last", "Enter")
    assert page.is_visible("#bars")
    page.fill("#bars-first", "2")
    page.fill("#bars-last", "6")
    assert page.inner_text("#bars-hint") == "of 8 s: 2 s to 6 s"
    assert count_pixels(page.locator("#bars canvas"), "--roll-primer") > 50
    page.press("#bars-last", "Enter")
    page.wait_for_selector(".take[data-state=done] >> nth=1")
    page.wait_for_selector("#generate:visible")
    assert page.locator(".deed:visible").inner_text() == "Take 1: 2 s to 6 s kept"
    rolls = {name: steps_of(rows) for name, rows in stored_rows(page).items()}
    assert len(rolls["Take 2"]) == 32 + 64
    assert rolls["Take 2"][1:32] == rolls["Take 1"][17:48]
    assert rolls["Take 2"][0] == [pitch % 128 for pitch in rolls["Take 1"][16]]  # no note is struck again there


def test_four_at_once_one_is_chosen_and_that_is_undone(page) -> None:
    generate(page, 64)
    build(page, "four")
    assert titles(page) == ["Take 1", "Take 2", "Take 3", "Take 4", "Take 5"]
    boxes = [take.bounding_box() for take in page.locator("[data-level='2'] .take").all()]
    assert [box["y"] for box in boxes[:2]] == [boxes[0]["y"]] * 2  # side by side
    assert boxes[1]["x"] > boxes[0]["x"] + boxes[0]["width"]
    assert boxes[2]["y"] > boxes[0]["y"]
    seeds = {text.split(" · ")[0] for text in page.locator("[data-level='2'] .settings").all_inner_texts()}
    assert len(seeds) == 4
    page.locator(".choose:visible").nth(1).click()
    assert titles(page) == ["Take 1", "Take 3"]
    assert page.evaluate("document.activeElement.textContent.trim()") == "Take 3"
    assert page.locator(".choose:visible").count() == 0
    assert page.inner_text("#toast span") == "Take 3 was chosen, and 3 others removed."
    page.click("#toast button")
    assert len(titles(page)) == 5
    page.keyboard.press("Control+Shift+Z")
    assert titles(page) == ["Take 1", "Take 3"]
    page.click("#undo")
    assert len(titles(page)) == 5
    assert page.is_disabled("#undo")
    page.locator(".keep").first.click()
    page.keyboard.press("Control+z")
    assert page.locator(".keep[aria-pressed=true]").count() == 0
    reload(page)
    page.wait_for_selector(".take >> nth=4")
    assert page.locator(".choose:visible").count() == 4


def test_the_family_outlives_a_parent_and_a_reload(page) -> None:
    generate(page, 32)
    build(page, "continue")
    build(page, "continue", 1)
    levels = "[...document.querySelectorAll('[data-level]')].map((item) => item.dataset.level)"
    assert page.evaluate(levels) == ["1", "2", "3"]
    page.locator("[data-action=remove]").nth(1).click()
    assert titles(page) == ["Take 1", "Take 3"]
    assert page.evaluate(levels) == ["1", "2"]
    assert page.locator(".deed:visible").inner_text() == "continued at its end"
    reload(page)
    page.wait_for_selector(".take >> nth=1")
    assert titles(page) == ["Take 1", "Take 3"]
    assert page.evaluate(levels) == ["1", "2"]


def test_the_tree_is_walked_by_keyboard(page) -> None:
    generate(page, 32)
    generate(page, 32)
    build(page, "vary")
    assert titles(page) == ["Take 2", "Take 3", "Take 1"]
    focused = "document.activeElement.textContent.trim()"
    page.locator(".title").first.focus()
    for key, name in (
        ("ArrowRight", "Take 3"),
        ("ArrowDown", "Take 1"),
        ("Home", "Take 2"),
        ("End", "Take 1"),
        ("ArrowUp", "Take 3"),
        ("ArrowLeft", "Take 2"),
    ):
        page.keyboard.press(key)
        assert page.evaluate(focused) == name
    page.keyboard.press("Enter")  # folds it
    assert page.locator(".take .roll:visible").count() == 2
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("v")
    page.wait_for_selector(".take >> nth=3")
    page.wait_for_selector("#generate:visible")
    assert page.locator("[data-level='3'] h3").all_inner_texts() == ["Take 4"]
    page.locator(".title").nth(2).focus()
    page.keyboard.press("Delete")
    assert titles(page) == ["Take 2", "Take 3", "Take 1"]


def test_space_plays_everywhere_but_in_text(page) -> None:
    generate(page, 400)
    page.click("h1")
    page.keyboard.press("Space")
    page.wait_for_selector(".take.playing")
    page.click("#dice")  # pressed by the mouse: Space does not press it again
    seed = page.input_value("#seed")
    page.keyboard.press("Space")
    page.wait_for_selector(".take:not(.playing)")
    assert page.input_value("#seed") == seed
    page.focus("#seed")
    page.keyboard.press("Space")
    assert page.locator(".take.playing").count() == 0
    page.locator("#temperature-slider").focus()
    page.keyboard.press("Space")
    page.wait_for_selector(".take.playing")
    page.keyboard.press("Space")
    page.keyboard.press("?")
    assert page.is_visible("#shortcuts")
    page.uncheck("#single-keys")
    page.keyboard.press("Escape")
    page.click("h1")
    page.keyboard.press("?")
    assert not page.is_visible("#shortcuts")


def test_two_tabs_keep_each_others_takes(page, context, address: str) -> None:
    other = open_page(context, address)
    generate(page, 32)
    generate(other, 32)
    generate(page, 32)
    assert [titles(page), titles(other)] == [["Take 2", "Take 1"], ["Take 1"]]
    for tab in (page, other):
        reload(tab)
        tab.wait_for_selector(".take >> nth=2")
        assert sorted(titles(tab)) == ["Take 1", "Take 2", "Take 3"]  # a number that two takes had is changed
    other.locator("[data-action=remove]").first.click()
    reload(page)
    page.wait_for_selector(".take >> nth=1")
    assert page.locator(".take").count() == 2


def test_a_take_survives_a_reload_while_it_is_generated(page) -> None:
    page.check("#endless")
    page.click("#generate")
    wait_until(page, "parseFloat(document.querySelector('.roll')?.ariaValueMax) > 30")
    page.reload()
    page.wait_for_selector(".take[data-state=done]")
    assert len(next(iter(stored_rows(page).values()))) > 8


def test_the_last_fifty_takes_are_stored_and_those_that_are_kept(page) -> None:
    generate(page, 8)
    page.click(".keep")
    page.evaluate("""new Promise((resolve) => {
      const opened = indexedDB.open("pianoroll_tf");
      opened.onsuccess = () => {
        const store = opened.result.transaction("takes", "readwrite").objectStore("takes");
        store.getAll().onsuccess = ({target}) => {
          const [first] = target.result;
          for (let i = 1; i <= 55; i++) {
            store.put({...first, id: `other-${i}`, kept: false, number: 1 + i, created: first.created + i});
          }
        };
        store.transaction.oncomplete = () => (opened.result.close(), resolve());
      };
    })""")
    generate(page, 8)
    page.wait_for_timeout(300)
    names = stored_rows(page)
    # The one that is kept, the one just made, and 49 of the others
    assert set(names) == {"Take 1", "Take 2", *(f"Take {number}" for number in range(8, 57))}


def test_takes_of_the_local_storage_move_to_the_database(page) -> None:
    generate(page, 16)
    page.click(".keep")
    settings = {"version": 1, "steps": 2, "seed": 5, "temperature": 1, "top_p": 1, "density": 1}
    # [[60], [60, 64]]: deflated, base64url
    encoded = page.evaluate("""async () => {
      const roll = new Blob([Uint8Array.of(1, 60, 2, 60, 64)]);
      const stream = roll.stream().pipeThrough(new CompressionStream("deflate-raw"));
      const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
      return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    }""")
    take = {"number": 9, "settings": settings, "primer": None, "primerSteps": 0, "rows": encoded, "unit": "seconds"}
    page.evaluate(
        "(value) => localStorage.setItem('pianoroll_tf/kept/tiny', value)",
        json.dumps([take, take | {"number": 10, "rows": "%"}]),
    )
    reload(page)
    page.wait_for_selector("#alert:visible")
    assert page.inner_text("#alert") == "1 stored take could not be loaded."
    assert titles(page) == ["Take 1", "Take 9"]
    assert page.locator(".keep[aria-pressed=true]").count() == 2
    reload(page)
    page.wait_for_selector(".take >> nth=1")
    assert titles(page) == ["Take 1", "Take 9"]
    assert page.is_hidden("#alert")
    assert page.evaluate("localStorage.getItem('pianoroll_tf/kept/tiny')") is None


@pytest.mark.parametrize("blocked", ["throws", "never answers", "is full"])
def test_without_a_database_the_page_works_and_says_so(context, address: str, blocked: str) -> None:
    scripts = {
        "throws": "indexedDB.open = () => { throw new Error('denied'); };",
        "never answers": "indexedDB.open = () => ({}); const t = setTimeout; setTimeout = (f, ms) => t(f, ms / 20);",
        "is full": "IDBObjectStore.prototype.put = () => { throw new DOMException('', 'QuotaExceededError'); };",
    }
    context.add_init_script(scripts[blocked])
    page = open_page(context, address)
    generate(page, 16)
    page.wait_for_selector("#alert:visible")
    state = "full" if blocked == "is full" else "not available"
    expected = f"The browser's storage is {state}: takes are lost when the page is closed."
    assert page.inner_text("#alert").startswith(expected)
    build(page, "vary")
    page.locator("[data-action=remove]").first.click()
    page.click("#undo")
    assert len(titles(page)) == 2
    assert page.errors == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_the_tree_and_the_dialogs_are_accessible(chromium, address: str, width: int, scheme: str) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, has_touch=width < 500)
    page = open_page(context, address)
    install()
    generate(page, 64)
    build(page, "four")
    build(page, "vary", 1)
    page.locator(".title").nth(2).click()
    page.locator("[data-action=remove]").last.click()
    assert accessibility_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("[data-build=bars]").first.click()
    assert accessibility_violations(page) == []
    page.keyboard.press("Escape")
    page.click("#help")
    assert accessibility_violations(page) == []
    page.keyboard.press("Escape")
    if width < 500:
        small = (
            "[...document.querySelectorAll('main button')].filter((one) => one.offsetWidth && one.offsetHeight < 44)"
        )
        assert page.evaluate(f"{small}.map((one) => one.className || one.id || one.textContent)") == []
    context.close()


def saved(page, action: str, place: int = 0) -> bytes:
    """The file that a button of a take downloads."""
    with page.expect_download() as download:
        page.locator(f"[data-action={action}]").nth(place).click()
    return Path(download.value.path()).read_bytes()


def test_the_midi_file_of_a_continued_take_is_what_is_seen(page) -> None:
    generate(page, 64)
    for _ in range(3):
        page.press(".roll", "ArrowRight")
    page.fill("#length", "5")
    build(page, "continue")
    roll = steps_of(stored_rows(page)["Take 2"])
    notes = pretty_midi.PrettyMIDI(io.BytesIO(saved(page, "midi", 1))).instruments[0].notes
    sounding = [{note.pitch for note in notes if note.start <= step / 8 + 0.01 < note.end} for step in range(len(roll))]
    assert len(roll) == 24 + 40
    assert sounding == [{pitch % 128 for pitch in row} for row in roll]
    page.locator("[data-action=link]").nth(1).click()
    page.wait_for_selector("text=Copied")
    link = page.evaluate("navigator.clipboard.readText()")
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_selector(".take[data-state=done] >> nth=2")
    page.wait_for_selector("#generate:visible")
    assert "from Take 1 up to 0:03.0" in page.locator(".take .settings").first.inner_text()
    assert steps_of(stored_rows(page)["Take 3"]) == roll


def test_music_longer_than_a_primer_is_continued_and_saved_whole(page) -> None:
    generate(page, 1200)  # of which the model takes 1024 steps
    page.fill("#length", "2")
    build(page, "continue")
    rolls = {name: steps_of(rows) for name, rows in stored_rows(page).items()}
    assert (rolls["Take 2"][:1200], len(rolls["Take 2"])) == (rolls["Take 1"], 1216)
    music = pretty_midi.PrettyMIDI(io.BytesIO(saved(page, "midi", 1)))
    assert music.get_end_time() > 150
    reload(page)
    page.wait_for_selector(".take >> nth=1")
    assert page.locator(".take .time").nth(1).inner_text() == "2:28.0 / 2:32.0"


def test_a_family_is_saved_as_a_zip_file(page) -> None:
    generate(page, 32)
    assert not page.is_visible("[data-action=family]")
    build(page, "vary")
    build(page, "continue", 1)
    generate(page, 32)  # of another family
    with zipfile.ZipFile(io.BytesIO(saved(page, "family", 2))) as file:
        assert file.testzip() is None
        names = ["take-1", "take-2-varied", "take-3-continued-at-its-end"]
        assert file.namelist() == [*(f"{name}.{end}" for name in names for end in ("mid", "png")), "family.txt"]
        assert file.read("take-2-varied.mid") == saved(page, "midi", 2)
        assert file.read("take-1.png").startswith(b"\x89PNG")
        lines = file.read("family.txt").decode().splitlines()
    assert [line.split(";")[0] for line in lines[1:]] == ["  Take 2: varied", "    Take 3: continued at its end"]


def test_a_wav_file_shows_its_progress_and_can_be_cancelled(page) -> None:
    generate(page, 300)
    page.evaluate("""() => {
      window.labels = [];
      const button = document.querySelector('[data-action=wav]');
      new MutationObserver(() => labels.push(button.textContent)).observe(button, {childList: true});
    }""")
    button = page.locator("[data-action=wav]")
    width = button.bounding_box()["width"]
    button.click()
    wait_until(page, "labels.some((label) => /^Stop [1-9]/.test(label))")
    assert button.bounding_box()["width"] == width
    button.click()
    wait_until(page, "labels.at(-1) === 'WAV'")
    assert page.inner_text("#status") == "The WAV file was cancelled."
    assert page.is_hidden(".take .error")
    content = saved(page, "wav")
    assert content[:4] == b"RIFF"
    percent = [int(label.split()[1]) for label in page.evaluate("labels.slice(labels.lastIndexOf('Stop 0 %'))")[:-1]]
    assert len(percent) > 20
    assert percent == sorted(percent)


def test_a_score_is_offered_where_the_server_writes_one(page, context, address: str) -> None:
    generate(page, 16)
    assert page.is_hidden("[data-action=musicxml]")
    scored = context.new_page()
    scored.add_init_script(OPENER)
    scored.route(
        "**/about",
        lambda route: route.fulfill(json=route.fetch().json() | {"outputs": ["midi", "roll", "musicxml"]}),
    )
    asked = []
    scored.route(
        "**/render", lambda route: (asked.append(route.request.post_data_json), route.fulfill(body="<score/>"))
    )
    scored.goto(address)
    scored.wait_for_selector(".take[data-state=done]")
    assert saved(scored, "musicxml") == b"<score/>"
    [request] = asked
    assert (request["output"], len(request["roll"])) == ("musicxml", 16)
    scored.unroute("**/render")
    scored.click("[data-action=musicxml]")
    scored.wait_for_selector("text=output must be midi, because MusicXML needs a model on the grid of beats")
