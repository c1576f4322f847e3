"""Figures of an operation, or of the whole store: counted in the database, never by hand."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, case, func, select

from staydown.core.ids import AgencyCode, OperationId
from staydown.core.states import ClockState, ReturnState
from staydown.store.facets import Eyes, facets, of_ours, on_list
from staydown.store.tables import clocks, dispatches, items, request_items, requests, returns, sightings
from staydown.store.walls import across_all

Pairs = dict[str, int]
WATCHED_FOR = timedelta(days=90)
"""How long a removed item is looked at: nobody can say that it stayed away for longer."""
FIGURE: Mapping[str, str] = {
    "assessed": "assessed",
    "exempt": "exempt",
    "unsure": "unsure",
    "gone": "gone",
    "referred": "items_referred",
    "verified": "verified_offline",
    "refused": "refused",
    "blocked": "geo_blocked",
    "matched": "matched",
    "held": "items_held",
    "holding": "holds",
    "returned": "returned",
    "reappeared": "reappeared",
    "withdrawn": "withdrawn",
    "reinstated": "reinstated",
}
"""The name of each facet's count."""


@across_all
class Figures:
    """Counts and durations."""

    def __init__(self, conn: Connection, now: datetime, eyes: Eyes | None = None) -> None:
        self._conn, self._now, self._eyes = conn, now, eyes

    def to(self, agency: AgencyCode, *, among: Collection[AgencyCode]) -> Figures:
        """The same, without what others than these did, and without holds of which the agency may not know."""
        return Figures(self._conn, self._now, Eyes(agency=agency, among=among))

    def _count(
        self, column: ColumnElement[str], operation: OperationId | None, *more: ColumnElement[bool]
    ) -> Pairs:
        rows = self._conn.execute(
            select(column.label("word"), func.count().label("n"))
            .select_from(items)
            .where(on_list(operation), *more)
            .group_by(column)
            .order_by(column)
        )
        return {row.word: row.n for row in rows}

    def by_state(self, operation: OperationId | None = None) -> Pairs:
        """Items by state."""
        return self._count(items.c.state, operation)

    def by_provider(self, operation: OperationId | None = None) -> Pairs:
        """Items by provider."""
        return self._count(items.c.provider, operation)

    def by_kind(self, operation: OperationId | None = None) -> Pairs:
        """Items by kind."""
        return self._count(items.c.kind, operation)

    def by_provider_and_state(self, operation: OperationId | None = None) -> dict[str, Pairs]:
        """Items by provider, and within it by state."""
        rows = self._conn.execute(
            select(items.c.provider, items.c.state, func.count().label("n"))
            .where(on_list(operation))
            .group_by(items.c.provider, items.c.state)
            .order_by(items.c.provider, items.c.state)
        )
        found: dict[str, Pairs] = {}
        for row in rows:
            found.setdefault(row.provider, {})[row.state] = row.n
        return found

    def counts(self, operation: OperationId | None = None) -> Pairs:
        """The single numbers that status and report show."""
        within = on_list(operation)
        of_item = select(func.count()).select_from(items).where(within)
        seen = (
            select(func.count())
            .select_from(sightings.join(items, items.c.id == sightings.c.item))
            .where(within, of_ours(sightings.c.agency, self._eyes))
        )
        duplicates = select(func.count()).select_from(
            select(sightings.c.item, sightings.c.agency)
            .join(items, items.c.id == sightings.c.item)
            .where(within, of_ours(sightings.c.agency, self._eyes))
            .distinct()
            .subquery()
        )
        numbers = {"items": of_item, "sightings": seen, "agency_items": duplicates}
        numbers |= {FIGURE[name]: of_item.where(rule) for name, rule in facets(self._now, self._eyes).items()}
        return {name: self._conn.execute(statement).scalar_one() for name, statement in numbers.items()}

    def requests(self, operation: OperationId | None = None) -> Pairs:
        """Requests by state."""
        statement = (
            select(requests.c.state, func.count().label("n"))
            .where(of_ours(requests.c.agency, self._eyes))
            .group_by(requests.c.state)
            .order_by(requests.c.state)
        )
        if operation is not None:
            statement = statement.where(requests.c.operation == operation)
        return {row.state: row.n for row in self._conn.execute(statement)}

    def dispatches(self, operation: OperationId | None = None) -> Pairs:
        """Attempts to deliver, and how many of them were marked as possible repeats."""
        joined = dispatches.join(requests, requests.c.id == dispatches.c.request)
        statement = select(
            func.count(), func.coalesce(func.sum(dispatches.c.repeat.cast(items.c.version.type)), 0)
        ).where(of_ours(requests.c.agency, self._eyes))
        statement = statement.select_from(joined)
        if operation is not None:
            statement = statement.where(requests.c.operation == operation)
        total, repeats = self._conn.execute(statement).one()
        return {"dispatches": total, "repeats": repeats}

    def clocks(self, operation: OperationId | None = None) -> Pairs:
        """Clocks running, our own that were missed, and providers' that lapsed."""
        joined = clocks.join(requests, requests.c.id == clocks.c.request)
        statement = (
            select(clocks.c.state, clocks.c.party, func.count().label("n"))
            .select_from(joined)
            .where(of_ours(requests.c.agency, self._eyes))
            .group_by(clocks.c.state, clocks.c.party)
        )
        if operation is not None:
            statement = statement.where(requests.c.operation == operation)
        found = {(row.state, row.party): row.n for row in self._conn.execute(statement)}
        return {
            "clocks_running": sum(n for (state, _), n in found.items() if state == ClockState.RUNNING.value),
            "clocks_missed": found.get((ClockState.LAPSED.value, "agency"), 0),
            "clocks_lapsed": found.get((ClockState.LAPSED.value, "provider"), 0),
        }

    def hours_to_removal(self, operation: OperationId | None = None) -> dict[str, list[float]]:
        """Hours from receipt to the first verified removal, by provider, sorted."""
        first = (
            select(
                request_items.c.item,
                func.min(func.coalesce(requests.c.received_at, requests.c.sent_at)).label("received"),
            )
            .join(requests, requests.c.id == request_items.c.request)
            .where(
                request_items.c.dropped_at.is_(None),
                requests.c.sent_at.is_not(None),
                of_ours(requests.c.agency, self._eyes),
            )
            .group_by(request_items.c.item)
            .subquery()
        )
        rows = self._conn.execute(
            select(items.c.provider, items.c.first_removed_at, first.c.received)
            .join(first, first.c.item == items.c.id)
            .where(on_list(operation), items.c.first_removed_at.is_not(None))
        )
        found: dict[str, list[float]] = {}
        for row in rows:
            hours = (row.first_removed_at - row.received).total_seconds() / 3600
            found.setdefault(row.provider, []).append(max(0.0, hours))
        return {provider: sorted(hours) for provider, hours in sorted(found.items())}

    def days_to_return(self, operation: OperationId | None = None) -> tuple[list[float], list[float]]:
        """Days from removal to the first confirmed return, and days watched without one, both sorted."""
        first = (
            select(returns.c.parent, func.min(items.c.first_seen).label("back"))
            .join(items, items.c.id == returns.c.child)
            .where(returns.c.state == ReturnState.CONFIRMED.value)
            .group_by(returns.c.parent)
            .subquery()
        )
        rows = self._conn.execute(
            select(items.c.first_removed_at, first.c.back)
            .outerjoin(first, first.c.parent == items.c.id)
            .where(on_list(operation), items.c.first_removed_at.is_not(None))
        )
        back: list[float] = []
        quiet: list[float] = []
        for row in rows:
            until = row.back or min(self._now, row.first_removed_at + WATCHED_FOR)
            days = max(0.0, (until - row.first_removed_at).total_seconds() / 86400)
            (back if row.back else quiet).append(days)
        return sorted(back), sorted(quiet)

    def removals_by_day(self, operation: OperationId | None = None) -> Mapping[str, int]:
        """Verified removals by day."""
        rows = self._conn.execute(
            select(items.c.removed_at).where(on_list(operation), items.c.removed_at.is_not(None))
        )
        found: Pairs = {}
        for at in rows.scalars():
            found[at.date().isoformat()] = found.get(at.date().isoformat(), 0) + 1
        return dict(sorted(found.items()))

    def agencies(self, operation: OperationId | None = None) -> Mapping[str, Pairs]:
        """What each agency brought: its sightings, and the items nobody had seen before it."""
        first = func.min(sightings.c.id).over(partition_by=sightings.c.item)
        seen = (
            select(sightings.c.agency, case((sightings.c.id == first, 1), else_=0).label("is_first"))
            .select_from(sightings.join(items, items.c.id == sightings.c.item))
            .where(on_list(operation), of_ours(sightings.c.agency, self._eyes))
            .subquery()
        )
        rows = self._conn.execute(
            select(seen.c.agency, func.count().label("n"), func.sum(seen.c.is_first).label("first"))
            .group_by(seen.c.agency)
            .order_by(seen.c.agency)
        )
        return {row.agency: {"sightings": row.n, "first": row.first} for row in rows}
