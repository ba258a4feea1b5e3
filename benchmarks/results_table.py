"""Rows of the table of results: which numbers are compared, the goal, and whether it is met."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.harness import Measurements, Spread

Results = Mapping[str, Mapping[str, Measurements]]  # experiment → variant → its measurements
MISSED_GOALS = "see “Missed goals” in docs/benchmarks/README.md"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the table. Numbers are referred to as "experiment/variant.metric".

    Attributes:
        name: What is measured.
        unit: Unit of all its numbers.
        ours: Our number.
        peers: The peer's number; the best one of several counts.
        peer_name: The peer as the table names it.
        more: Whether more is better.
        goal: Minimum ratio: how many times better our number must be than the peer's.
        at_most: Maximum of our number.
        limit: What the machine can do at most, a number of the same run.
        limit_name: The limit as the table names it.
        note: What a reader must know to interpret the row.
    """

    name: str
    unit: str
    ours: str
    peers: tuple[str, ...] = ()
    peer_name: str = ""
    more: bool = True
    goal: float | None = None
    at_most: float | None = None
    limit: str = ""
    limit_name: str = ""
    note: str = ""


class NoNumberError(Exception):
    """A number was not measured; the message is the reason."""


def look_up(results: Results, reference: str) -> Spread:
    """The spread of the number of a reference.

    Raises:
        NoNumberError: The number was not measured.
    """
    experiment, _, rest = reference.partition("/")
    variant, _, metric = rest.rpartition(".")
    measured = results.get(experiment, {}).get(variant)
    if measured is None:
        raise NoNumberError("not requested")
    if measured.missing:
        raise NoNumberError(measured.missing)
    if metric not in measured.values:
        raise NoNumberError(f"{variant} has no {metric}")
    return Spread.of(measured.values[metric])


def outcome(row: Row, results: Results) -> dict[str, Any]:
    """The results of a row, JSON-serializable: spreads, ratio, share of the limit, whether the goal is met, why not."""
    result: dict[str, Any] = {"name": row.name, "unit": row.unit, "goal": format_goal(row), "note": row.note}
    result |= {"peer_name": row.peer_name, "limit_name": row.limit_name}
    result |= {"ours": None, "peer": None, "ratio": None, "limit": None, "share": None, "met": None, "why": ""}
    try:
        ours = look_up(results, row.ours)
        result["ours"] = dataclasses.asdict(ours)
        if row.peers:
            peer = _best([look_up(results, peer) for peer in row.peers], row.more)
            result["peer"] = dataclasses.asdict(peer)
            result["ratio"] = times_better(ours.median, peer.median, row.more)
    except NoNumberError as error:
        result["why"] = f"not measured: {error}"
    else:
        result["met"] = _met(row, ours.median, result["ratio"])
        result["why"] = MISSED_GOALS if result["met"] is False else ""
    if row.limit and result["ours"]:
        try:
            limit = look_up(results, row.limit)
            result["limit"] = dataclasses.asdict(limit)
            result["share"] = times_better(result["ours"]["median"], limit.median, row.more)
        except NoNumberError:
            pass  # the row is shown without its limit
    return result


def _best(spreads: list[Spread], more: bool) -> Spread:
    return (max if more else min)(spreads, key=lambda spread: spread.median)


def times_better(ours: float, theirs: float, more: bool) -> float:
    """How many times better our number is.

    >>> times_better(10.0, 5.0, more=True), times_better(10.0, 5.0, more=False)
    (2.0, 0.5)
    """
    return ours / theirs if more else theirs / ours


def _met(row: Row, ours: float, ratio: float | None) -> bool | None:
    """Whether all goals of the row are met; None if it has none."""
    goals = []
    if row.goal is not None:
        goals.append(ratio >= row.goal)
    if row.at_most is not None:
        goals.append(ours <= row.at_most)
    return all(goals) if goals else None


def format_goal(row: Row) -> str:
    """Formats the goal.

    >>> format_goal(Row(name="a", unit="s", ours="e/s.m", at_most=0.5))
    '≤ 0.5 s'
    """
    words = [f"≥ {row.goal:g}×"] if row.goal is not None else []
    words += [f"≤ {row.at_most:g} {row.unit}"] if row.at_most is not None else []
    return ", ".join(words)


def number(value: float) -> str:
    """Formats a number to three significant digits.

    >>> number(0.012345), number(1234.5), number(99.96)
    ('0.0123', '1,230', '100')
    """
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if abs(rounded) >= 100 else f"{rounded:g}"


def format_spread(spread: dict[str, float] | None) -> str:
    """Formats median and range, "3 (2 to 4)"; the range only if there are several numbers."""
    if spread is None:
        return "–"
    if spread["count"] == 1:
        return number(spread["median"])
    return f"{number(spread['median'])} ({number(spread['lowest'])} to {number(spread['highest'])})"


def table(outcomes: Iterable[dict[str, Any]]) -> str:
    """All rows as one Markdown table, with their notes below it."""
    outcomes = list(outcomes)
    head = ("", "ours", "peer", "ratio", "goal", "met", "limit of the machine")
    lines = [head, ("---",) + ("---:",) * 3 + ("---",) * 3]
    lines += [_cells(result) for result in outcomes]
    notes = [f"- *{', '.join(named)}*: {note}" for note, named in _notes(outcomes).items()]
    return "\n".join(["| " + " | ".join(line) + " |" for line in lines] + ["", *notes])


def _notes(outcomes: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Each note, with the names of its rows."""
    notes: dict[str, list[str]] = {}
    for result in outcomes:
        if result["note"]:
            names = notes.setdefault(result["note"], [])
            names += [result["name"]] if result["name"] not in names else []
    return notes


def _cells(result: dict[str, Any]) -> tuple[str, ...]:
    peer = f"{result['peer_name']}: {format_spread(result['peer'])}" if result["peer_name"] else ""
    ratio = f"**{number(result['ratio'])}×**" if result["ratio"] is not None else ""
    met = {True: "yes", False: "no", None: ""}[result["met"]]
    met = ": ".join(word for word in (met, result["why"]) if word)
    limit = (
        f"{result['limit_name']}: {number(result['limit']['median'])}, {result['share']:.0%} of it"
        if result["limit"]
        else ""
    )
    return f"{result['name']}, {result['unit']}", format_spread(result["ours"]), peer, ratio, result["goal"], met, limit
