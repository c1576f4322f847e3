"""Requests, holds, and entries of the ledger, as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, false, func, or_, select

from staydown.core.errors import NotFound
from staydown.core.ids import AgencyCode, OperationId, RequestId
from staydown.core.states import HOLD_IN_FORCE, RequestState
from staydown.reason.merkle import leaf_hash
from staydown.store.sets import among
from staydown.store.tables import (
    answers,
    clocks,
    holds,
    items,
    ledger_entries,
    questions,
    request_items,
    requests,
)
from staydown.store.walls import across

Rows = list[dict[str, Any]]
ASKED_WITHIN = timedelta(days=90)
"""Older questions are not shown."""


class Cases:
    """What was asked of providers, as its agency or the provider's own desk sees it."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def requests(
        self,
        agency: AgencyCode,
        *,
        own: bool,
        addressed: bool,
        state: RequestState | None = None,
        provider: str | None = None,
        operation: OperationId | None = None,
        after: int,
        limit: int,
    ) -> Rows:
        """Requests behind a number, and one more than asked for where there are more.

        Args:
            own: Those of the agency.
            addressed: Those that were sent to the agency's desk, where it is a provider's.
        """
        statement = select(requests).where(_sees(agency, own=own, addressed=addressed), requests.c.id > after)
        if state is not None:
            statement = statement.where(requests.c.state == state.value)
        if provider is not None:
            statement = statement.where(requests.c.provider == provider)
        if operation is not None:
            statement = statement.where(requests.c.operation == operation)
        found = self._conn.execute(statement.order_by(requests.c.id).limit(limit + 1))
        rows = [dict(row._mapping) for row in found]
        self._count(agency, rows)
        return rows

    def request(self, agency: AgencyCode, reference: str, *, own: bool, addressed: bool) -> dict[str, Any]:
        """One request.

        Raises:
            NotFound: No such request, or not theirs to see: both read alike.
        """
        row = self._conn.execute(
            select(requests).where(
                requests.c.reference == reference, _sees(agency, own=own, addressed=addressed)
            )
        ).first()
        if row is None:
            raise NotFound("there is no such request")
        rows = [dict(row._mapping)]
        self._count(agency, rows)
        return rows[0]

    def _count(self, agency: AgencyCode, rows: Rows) -> None:
        """How many lines each request has, and of how many something is still asked; to others only what left."""
        listed = self._conn.execute(
            select(
                request_items.c.request,
                func.count().label("lines"),
                func.count().filter(request_items.c.dropped_at.is_(None)).label("left"),
                func.count().filter(request_items.c.open).label("open"),
            )
            .where(among(self._conn, request_items.c.request, [row["id"] for row in rows]))
            .group_by(request_items.c.request)
        )
        counts = {row.request: row for row in listed}
        for row in rows:
            found, is_own = counts.get(row["id"]), row["agency"] == agency
            row["lines"] = (found.lines if is_own else found.left) if found else 0
            row["open"] = found.open if found else 0

    def answers(self, request: RequestId) -> Rows:
        """What the provider said, in the order it was noted."""
        found = self._conn.execute(select(answers).where(answers.c.request == request).order_by(answers.c.id))
        return [dict(row._mapping) for row in found]

    def clocks(self, request: RequestId) -> Rows:
        """The clocks of a request, those that ended too."""
        found = self._conn.execute(select(clocks).where(clocks.c.request == request).order_by(clocks.c.id))
        return [dict(row._mapping) for row in found]

    # --- holds ----------------------------------------------------------------------------------------

    @across
    def holds(self, agency: AgencyCode, *, others: bool, now: datetime, after: int, limit: int) -> Rows:
        """Holds in force, the agency's and `others`' too: of these not who placed them, nor why."""
        statement = select(holds).where(
            holds.c.state.in_([state.value for state in HOLD_IN_FORCE]), holds.c.until > now
        )
        if not others:
            statement = statement.where(holds.c.agency == agency)
        found = self._conn.execute(statement.where(holds.c.id > after).order_by(holds.c.id).limit(limit + 1))
        rows = [dict(row._mapping) for row in found]
        return [row if row["agency"] == agency else row | {"by": None, "reason": None} for row in rows]

    @across
    def questions(self, agency: AgencyCode, *, now: datetime, after: int, limit: int) -> Rows:
        """What others asked of late about items that the agency holds or held, under whatever name."""
        own = select(func.coalesce(items.c.merged_into, items.c.id)).where(
            items.c.id.in_(select(holds.c.item).where(holds.c.agency == agency))
        )
        found = self._conn.execute(
            select(questions.c.id, questions.c.item, questions.c.agency, questions.c.at)
            .where(questions.c.item.in_(own), questions.c.agency != agency)
            .where(questions.c.at > now - ASKED_WITHIN, questions.c.id > after)
            .order_by(questions.c.id)
            .limit(limit + 1)
        )
        return [dict(row._mapping) for row in found]


class Entries:
    """The ledger read from a place on."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    def page(self, *, first: int, limit: int) -> list[tuple[int, bytes]]:
        """Entries from a number on."""
        rows = self._conn.execute(
            select(ledger_entries)
            .where(ledger_entries.c.n >= first)
            .order_by(ledger_entries.c.n)
            .limit(limit)
        )
        return [(row.n, bytes(row.entry)) for row in rows]

    def leaves(self, *, first: int) -> list[bytes]:
        """The leaf hashes of the entries from a number on."""
        rows = self._conn.execute(
            select(ledger_entries.c.entry).where(ledger_entries.c.n >= first).order_by(ledger_entries.c.n),
            execution_options={"yield_per": 5000},
        )
        return [leaf_hash(bytes(entry)) for (entry,) in rows]


def _sees(agency: AgencyCode, *, own: bool, addressed: bool) -> ColumnElement[bool]:
    """Whose a request is, said once more in words of SQL; the walls say the same."""
    desk = func.upper(func.replace(requests.c.provider, "_", "-"))
    seen: Sequence[ColumnElement[bool]] = [
        *([requests.c.agency == agency] if own else []),
        *([and_(requests.c.sent_at.is_not(None), desk == agency)] if addressed else []),
    ]
    return or_(false(), *seen)


__all__ = ["Cases", "Entries"]
