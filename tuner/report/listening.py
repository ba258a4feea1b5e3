"""The section "Listening" of a report on a study: the blind listening test, and what its votes say."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from pianoroll_tf.choices import label
from pianoroll_tf.errors import DamagedError, UsageError, UserError
from pianoroll_tf.storage.checksummed_json import write_checksummed
from tuner.report.data import StudyData
from tuner.report.language import DASH, N_, Language
from tuner.report.listening_draw import draw
from tuner.report.listening_model import KEY, REAL, ListeningTest, checksum, content, read
from tuner.report.listening_page import listening_page
from tuner.report.page import LISTENING, Block, Cell, Link, Table, Text
from tuner.report.preferences import Preference, preferences
from tuner.report.votes import Vote, read_votes, vote_files
from tuner.study.statistics import NOT_SHOWN, SHOWN, TOO_FEW_SEEDS

# Per comparison. With the three comparisons of two losses, one listener can show a preference with 11 votes of 12
# (p = 0.0063, corrected 0.019), and 12 pairs can be divided among two, three or four optimizers
PAIRS = 12
MAX_PAIRS = 1000
VOTES = "votes"  # folder within a study whose files are read without being named
VERDICTS = {
    SHOWN: N_("preference shown"),
    TOO_FEW_SEEDS: N_("all votes agree, too few to show it"),
    NOT_SHOWN: N_("no preference shown"),
}


def make(
    data: StudyData, language: Language, number: int | None, votes: Sequence[Path]
) -> tuple[str, list[Block], dict[str, bytes]]:
    """The section of a study.

    Args:
        data: Of the study.
        language: Of the page and the section.
        number: Pairs per comparison; 0: no page; None: as in listening.json, else `PAIRS`.
        votes: Files and folders of votes, besides those in the study's folder `VOTES`.

    Returns:
        (key of its texts in `captions.SECTIONS`, its blocks, files of the report).

    Raises:
        UserError: listening.json or a file of votes is damaged or of something else.
    """
    if number is not None and number not in range(MAX_PAIRS + 1):
        raise UsageError(f"listening-pairs must be from 0 to {MAX_PAIRS}. Received: listening_pairs={number}")
    own = data.folder / VOTES
    paths = vote_files([*([own] if own.is_dir() else []), *votes])
    test = read(data.folder) if number == 0 else listening_test(data, number)
    if test is None:
        if paths:
            raise UserError(f"votes must be of a study with {KEY}, which {data.folder} lacks. Received: {paths[0]}")
        return "listening", [], {}
    files, links = {}, []
    if number != 0:
        files[LISTENING] = _page(data, test, language)
        links.append(Link(language.gettext("The listening page, {page}", page=LISTENING), LISTENING))
    found, repeated = read_votes(paths, test)
    if not found:
        message = N_(
            "Nobody has voted yet. To vote, open {page} beside this report in a browser, listen to the pairs, download "
            "the votes, and make the report again with --votes FILE."
        )
        return "listening_unvoted", [Text(language.gettext(message, page=LISTENING)), *links] if links else [], files
    return "listening", [*_results(test, found, repeated, language), *links], files


def listening_test(data: StudyData, number: int | None) -> ListeningTest | None:
    """The test in the study's folder; if there is none it is drawn and written, once all losses have their music.

    Args:
        data: Of the study.
        number: Pairs per comparison; None: as in the folder, else `PAIRS`.

    Returns:
        None without a test.

    Raises:
        UserError: listening.json is damaged, or holds another number of pairs.
    """
    found = read(data.folder)
    if found is not None:
        if number is not None and number != found.number:
            raise UserError(
                f"listening-pairs must be {found.number}, as drawn in {data.folder / KEY}, whose pairs votes refer to. "
                f"Received: listening_pairs={number}"
            )
        return found
    if any(each.name in data.missing for each in data.main):
        return None  # else later runs would have no chance to be heard
    found = draw(data, PAIRS if number is None else number)
    if found is not None:
        write_checksummed(data.folder / KEY, dataclasses.asdict(found))
    return found


def _page(data: StudyData, test: ListeningTest, language: Language) -> bytes:
    """The page; raises DamagedError if the music is no longer that of the test."""
    heard = content(data, test)
    if checksum(heard) != test.page:
        raise DamagedError(f"{data.folder / KEY} must be of the music in its folder, which has changed since")
    return listening_page(heard, test.page, data.folder.resolve().name, language)


def _results(test: ListeningTest, votes: list[Vote], repeated: int, language: Language) -> list[Block]:
    """How many voted, and the preferences."""
    _, ngettext = language.gettext, language.ngettext
    heard = len({vote.pair.id for vote in votes})
    sentences = [
        _(
            "{listeners} gave {votes} on {heard} of {all}.",
            listeners=ngettext("{n} listener", "{n} listeners", len({vote.listener for vote in votes})),
            votes=ngettext("{n} vote", "{n} votes", len(votes)),
            heard=language.number(heard),
            all=ngettext("{n} pair", "{n} pairs", len(test.pairs)),
        )
    ]
    if repeated:
        replaced = ngettext(
            "{n} vote was replaced by a later one of the same listener.",
            "{n} votes were replaced by later ones of the same listener.",
            repeated,
        )
        sentences.append(replaced)
    return [Text(" ".join(sentences)), _table(preferences(test, votes), language)]


def _table(found: list[Preference], language: Language) -> Table:
    """One row per comparison; with several listeners also the test in which each pair counts once."""
    _, by_pair = language.gettext, any(each.listeners > 1 for each in found)
    rows = [_row(each, language, by_pair) for each in found]
    heads = [_("first against second"), _("listeners"), _("pairs with votes"), _("for the first"), _("for the second")]
    heads += [_("no difference"), _("share of the first, 95 % interval"), _("p, binomial test"), _("p with Holm")]
    heads += [*([_("p with Holm, each pair once")] if by_pair else []), _("verdict")]
    return Table(_("Preferences in blind listening"), heads, rows)


def _row(found: Preference, language: Language, by_pair: bool) -> list[Cell]:
    first, second = (language.gettext("real music") if name == REAL else label("loss", name) for name in found.names)
    counts = (found.listeners, found.pairs, found.for_first, found.for_second, found.ties)
    share: Cell = DASH
    if found.share is not None:
        low, high = (language.percent(value, 0) for value in (found.low, found.high))
        share = language.percent(found.share, 0), language.gettext("{low} to {high}", low=low, high=high)
    p_values = [found.p, found.adjusted, *([found.by_pair] if by_pair else [])]
    return [
        language.gettext("{first} against {second}", first=first, second=second),
        *map(language.number, counts),
        share,
        *map(language.p, p_values),
        language.gettext(VERDICTS[found.verdict]),
    ]
