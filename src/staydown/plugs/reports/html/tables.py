"""The tables of the report: names and finished cells, ready for a template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from staydown.core.item import ItemKind
from staydown.core.states import RequestState
from staydown.plugs.reports.html.document import Document, Pairs
from staydown.plugs.reports.html.pictures import quickest, states_of, thinned
from staydown.plugs.reports.html.words import Words

FEW = 10
"""Below this a median says little; such rows carry a mark."""
LONG = 14
"""Rows beyond which a table scrolls inside its box on a screen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A name and its cells."""

    name: str
    cells: tuple[str, ...]
    mark: str = ""  #: a sign behind the name that a note explains


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table with everything it needs to be read alone."""

    id: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[Row, ...]
    total: Row | None = None

    @property
    def is_long(self) -> bool:
        """Whether it is taller than it should stand on a screen."""
        return len(self.rows) > LONG

    @property
    def is_marked(self) -> bool:
        """Whether a row carries a mark that a note has to explain."""
        return any(row.mark for row in (*self.rows, *((self.total,) if self.total else ())))


def tables_of(document: Document, words: Words) -> dict[str, Table]:
    """Every table of the report by its id."""
    found = (
        agencies(document, words),
        providers(document, words),
        kinds(document, words),
        matrix(document, words),
        hours(document, words),
        days(document, words),
        survival(document, words),
        requests(document, words),
    )
    return {table.id: table for table in found}


def agencies(document: Document, words: Words) -> Table:
    """What each agency brought."""
    seen = sum(part.get("sightings", 0) for part in document.agencies.values())
    first = sum(part.get("first", 0) for part in document.agencies.values())
    return Table(
        id="agencies",
        caption=words.say("Sightings by agency, and items that no other agency had brought before"),
        head=(words.say("agency"), words.say("sightings"), words.say("items first seen by it")),
        rows=tuple(
            Row(
                name=code,
                cells=(words.number(part.get("sightings", 0)), words.number(part.get("first", 0))),
            )
            for code, part in document.agencies.items()
        ),
        total=Row(name=words.say("all agencies"), cells=(words.number(seen), words.number(first))),
    )


def providers(document: Document, words: Words) -> Table:
    """Items by provider, the most first."""
    ordered = sorted(document.by_provider.items(), key=lambda row: (-row[1], row[0]))
    return _counted(
        words,
        "providers",
        words.say("Items by provider"),
        words.say("provider"),
        dict(ordered),
    )


def kinds(document: Document, words: Words) -> Table:
    """Items by kind."""
    order = [kind.value for kind in ItemKind]
    ordered = sorted(document.by_kind.items(), key=lambda row: (-row[1], _place(order, row[0])))
    return _counted(
        words,
        "kinds",
        words.say("Items by kind"),
        words.say("kind"),
        {words.kind(kind): n for kind, n in ordered},
    )


def matrix(document: Document, words: Words) -> Table:
    """Items by provider and state, with both totals."""
    table = document.by_provider_and_state
    states = states_of({"": document.by_state, **table})
    ordered = sorted(table.items(), key=lambda row: (-sum(row[1].values()), row[0]))
    return Table(
        id="states",
        caption=words.say("Items by provider and present state"),
        head=(words.say("provider"), *map(words.item_state, states), words.say("total")),
        rows=tuple(_across(provider, part, states, words) for provider, part in ordered),
        total=_across(words.say("all providers"), document.by_state, states, words),
    )


def hours(document: Document, words: Words) -> Table:
    """Hours to verified removal by provider, the quickest first."""
    rows = [
        Row(
            name=provider,
            cells=(words.number(spread.n), *_both(spread.median, spread.p90, words)),
            mark="†" if spread.n < FEW else "",
        )
        for provider, spread in quickest(document.hours_by_provider).items()
    ]
    whole = document.hours
    return Table(
        id="hours",
        caption=words.say("Hours from receipt to verified removal, by provider"),
        head=(
            words.say("provider"),
            words.say("verified removals"),
            words.say("median hours"),
            words.say("90th percentile"),
        ),
        rows=tuple(rows),
        total=Row(
            name=words.say("all providers"),
            cells=(words.number(whole.n), *_both(whole.median, whole.p90, words)),
            mark="†" if 0 < whole.n < FEW else "",
        ),
    )


def days(document: Document, words: Words) -> Table:
    """Verified removals by day; days without any are left out."""
    return Table(
        id="days",
        caption=words.say("Items verified offline by day (UTC); days without any are left out"),
        head=(words.say("day"), words.say("items verified offline")),
        rows=tuple(
            Row(name=words.day(day), cells=(words.number(n),)) for day, n in document.removals_by_day.items()
        ),
        total=Row(name=words.say("all days"), cells=(words.number(sum(document.removals_by_day.values())),)),
    )


def survival(document: Document, words: Words) -> Table:
    """The steps of the survival curve that are drawn."""
    return Table(
        id="survival",
        caption=words.say("Removed items without a confirmed return (Kaplan-Meier)"),
        head=(
            words.say("days since the removal"),
            words.say("share without a return"),
            words.say("number at risk"),
        ),
        rows=tuple(
            Row(
                name=words.days(point.days),
                cells=(words.share(point.share), words.number(point.at_risk)),
                mark="†" if point.at_risk < FEW else "",
            )
            for point in thinned(document.survival)
        ),
    )


def requests(document: Document, words: Words) -> Table:
    """Requests by state, in the order of a request's life."""
    order = [state.value for state in RequestState]
    ordered = sorted(document.requests.items(), key=lambda row: (_place(order, row[0]), row[0]))
    return _counted(
        words,
        "requests",
        words.say("Requests by present state"),
        words.say("state"),
        {words.request_state(state): n for state, n in ordered},
    )


def _counted(words: Words, name: str, caption: str, of: str, rows: Mapping[str, int]) -> Table:
    total = sum(rows.values())
    return Table(
        id=name,
        caption=caption,
        head=(of, words.say("number"), words.say("share")),
        rows=tuple(
            Row(name=row, cells=(words.number(n), words.share(n / total) if total else ""))
            for row, n in rows.items()
        ),
        total=Row(name=words.say("total"), cells=(words.number(total), words.share(1) if total else "")),
    )


def _across(name: str, part: Pairs, states: list[str], words: Words) -> Row:
    numbers = [part.get(state, 0) for state in states]
    return Row(name=name, cells=tuple(words.number(n) for n in (*numbers, sum(part.values()))))


def _both(median: float | None, p90: float | None, words: Words) -> tuple[str, str]:
    none = words.say("none")
    return (
        none if median is None else words.hours(median),
        none if p90 is None else words.hours(p90),
    )


def _place(order: list[str], name: str) -> int:
    return order.index(name) if name in order else len(order)
