"""The listening page of a study: one file that plays its pairs in a browser, without a network, and keeps the votes."""

import base64
import hashlib
from pathlib import Path
from typing import Any

from tuner.report.language import N_, Language
from tuner.report.page import environment
from tuner.report.votes import FORMAT

PARTS = Path(__file__).parent / "templates" / "listening"
# Texts that the script of the page shows
TEXTS = {
    "place": N_("Pair {n} of {all}"),
    "count": N_("{n} of {all} voted"),
    "play": N_("Play {side}"),
    "pause": N_("Pause {side}"),
    "resume": N_("Resume {side}"),
    "not_heard": N_("not heard yet"),
    "heard": N_("heard, {n}×"),
    "heard_one": N_("{side} is heard. Now listen to {other}."),
    "both_heard": N_("Which do you prefer?"),
    "hear_both": N_("Listen to both to their end first."),
    "voted_a": N_("You prefer A. Next pair."),
    "voted_b": N_("You prefer B. Next pair."),
    "voted_same": N_("No difference. Next pair."),
    "no_votes": N_("There are no votes yet."),
    "downloaded": N_("Downloaded as {file}."),
}


def listening_page(content: dict[str, Any], page: str, name: str, language: Language) -> bytes:
    """The page of `listening_model.content` for the study of this name.

    Raises:
        UserError: Jinja2 is missing.
    """
    import markupsafe

    style, *scripts = ((PARTS / part).read_text() for part in ("page.css", "sha256.js", "synthesizer.js", "page.js"))
    script = "\n".join(scripts)
    pairs, seconds = len(content["pairs"]), content["steps"] / content["steps_per_second"]
    lead = language.ngettext(
        "There is {n} pair of excerpts of {seconds} seconds. It takes about {minutes} min.",
        "There are {n} pairs of excerpts of {seconds} seconds. All of them take about {minutes} min.",
        pairs,
        seconds=language.number(round(seconds)),
        minutes=language.number(max(1, round(pairs * (2 * seconds + 5) / 60))),
    )
    texts = {key: language.gettext(text) for key, text in TEXTS.items()}
    return (
        environment(autoescape=True)
        .get_template("listening.html.jinja")
        .render(
            title=language.gettext("Listening test of {name}", name=name),
            lead=lead,
            language=language.code,
            gettext=language.gettext,
            style=markupsafe.Markup(style),
            style_hash=_hash(style),
            script=markupsafe.Markup(script),
            script_hash=_hash(script),
            content=content | {"page": page, "format": FORMAT, "texts": texts},
        )
        .encode()
    )


def _hash(text: str) -> str:
    """By which the policy of the page allows its own script and style alone."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
