"""Checks, clocks and returns."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, func, insert, select, update

from staydown.core.check import Check, Return
from staydown.core.errors import NotFound
from staydown.core.ids import ClockId, ItemId, PersonId, RequestId, ReturnId
from staydown.core.states import ClockState, ItemState, ReturnState
from staydown.ports.work import ClockRow, DueClock, NewClock, Suggestion
from staydown.store.sets import among, for_update, insert_new, is_sqlite
from staydown.store.tables import checks, clocks, items, request_items, requests, returns

RETURNS_LOCK = 0x5D02
"""The advisory lock of those who look for returns on PostgreSQL; any number, as long as nobody else uses it."""


class Checks:
    """What was seen, each look on its own."""

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn, self._now = conn, now

    def add(self, made: Sequence[Check]) -> None:
        """Note checks."""
        if made:
            self._conn.execute(
                insert(checks),
                [
                    {
                        "item": one.item,
                        "at": one.at,
                        "place": one.place,
                        "sight": one.look.sight.value,
                        "reason": one.look.reason[:500],
                        "status": one.status,
                        "seconds": one.seconds,
                    }
                    for one in made
                ],
            )


class Clocks:
    """Legal and house periods that run."""

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn, self._now = conn, now

    def start(self, new: Sequence[NewClock]) -> None:
        """Start clocks; one that runs already for the same request, kind, party and place stays."""
        insert_new(
            self._conn,
            clocks,
            [
                {
                    "request": one.request,
                    "kind": one.kind,
                    "party": one.party,
                    "place": one.place,
                    "source": one.source,
                    "started_at": one.started_at,
                    "strict_end": one.strict_end,
                    "legal_end": one.legal_end,
                    "state": ClockState.RUNNING.value,
                }
                for one in new
            ],
        )

    def running(self, requests: Collection[RequestId]) -> list[DueClock]:
        """The clocks that run for some requests."""
        rows = self._conn.execute(
            select(clocks).where(
                among(self._conn, clocks.c.request, requests), clocks.c.state == ClockState.RUNNING.value
            )
        )
        return [_clock(row) for row in rows]

    def get(self, ids: Collection[ClockId]) -> list[DueClock]:
        """Those of the clocks that still run."""
        rows = self._conn.execute(
            select(clocks).where(
                among(self._conn, clocks.c.id, ids), clocks.c.state == ClockState.RUNNING.value
            )
        )
        return [_clock(row) for row in rows]

    def listed(
        self, *, operation: str | None = None, state: ClockState | None = None, party: str | None = None
    ) -> list[ClockRow]:
        """Clocks in the order of their ends."""
        statement = (
            select(clocks, requests.c.reference)
            .join(requests, requests.c.id == clocks.c.request)
            .order_by(clocks.c.strict_end, clocks.c.id)
        )
        for column, value in (
            (requests.c.operation, operation),
            (clocks.c.state, state.value if state else None),
            (clocks.c.party, party),
        ):
            if value is not None:
                statement = statement.where(column == value)
        return [
            ClockRow(
                reference=row.reference,
                kind=row.kind,
                party=row.party,
                place=row.place,
                state=ClockState(row.state),
                started_at=row.started_at,
                strict_end=row.strict_end,
                legal_end=row.legal_end,
                source=row.source,
            )
            for row in self._conn.execute(statement)
        ]

    def end(self, ids: Collection[ClockId], state: ClockState) -> frozenset[ClockId]:
        """Stop clocks; gives those that were running until now."""
        if not ids:
            return frozenset()
        rows = self._conn.execute(
            update(clocks)
            .where(among(self._conn, clocks.c.id, ids), clocks.c.state == ClockState.RUNNING.value)
            .values(state=state.value, ended_at=self._now)
            .returning(clocks.c.id)
        )
        return frozenset(rows.scalars())

    def end_all(
        self, requests: Collection[RequestId], state: ClockState, *, kinds: Sequence[str] = ()
    ) -> None:
        """Stop the running clocks of some requests, of some kinds where given."""
        statement = update(clocks).where(
            among(self._conn, clocks.c.request, requests), clocks.c.state == ClockState.RUNNING.value
        )
        if kinds:
            statement = statement.where(clocks.c.kind.in_(list(kinds)))
        self._conn.execute(statement.values(state=state.value, ended_at=self._now))

    def followed_up(self, requests: Collection[RequestId], kind: str) -> frozenset[RequestId]:
        """Those of the requests whose every line was looked at while the clock of that kind ran."""
        if not requests:
            return frozenset()
        started = (
            select(
                clocks.c.request,
                func.min(clocks.c.started_at).label("at"),
                func.max(clocks.c.strict_end).label("end"),
            )
            .where(
                among(self._conn, clocks.c.request, requests),
                clocks.c.kind == kind,
                clocks.c.state == ClockState.RUNNING.value,
            )
            .group_by(clocks.c.request)
            .cte("started")
        )
        unseen = (
            select(request_items.c.request)
            .join(started, started.c.request == request_items.c.request)
            .join(items, items.c.id == request_items.c.item)
            .outerjoin(
                checks,
                and_(
                    checks.c.item == request_items.c.item,
                    checks.c.at >= started.c.at,
                    checks.c.at <= started.c.end,
                ),
            )
            .where(
                request_items.c.dropped_at.is_(None),
                items.c.state != ItemState.WITHDRAWN.value,
                checks.c.id.is_(None),
            )
        )
        left = set(self._conn.execute(unseen).scalars())
        return frozenset(set(self._conn.execute(select(started.c.request)).scalars()) - left)


def _clock(row: object) -> DueClock:
    get = row._mapping  # type: ignore[attr-defined]
    return DueClock(
        id=get["id"],
        request=get["request"],
        kind=get["kind"],
        party=get["party"],
        strict_end=get["strict_end"],
    )


class Returns:
    """Likely returns, and what persons say about them."""

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn, self._now = conn, now

    def turn(self) -> None:
        """One at a time from here to the commit: who keeps a child and who verifies its parent must see each other."""
        if not is_sqlite(self._conn):
            self._conn.execute(select(func.pg_advisory_xact_lock(RETURNS_LOCK)))

    def suggest(self, found: Sequence[Suggestion]) -> list[ReturnId]:
        """Note suggestions; a pair that was suggested before stays as it was. Gives the new ones."""
        if not found:
            return []
        before = self._conn.execute(select(func.coalesce(func.max(returns.c.id), 0))).scalar_one()
        insert_new(
            self._conn,
            returns,
            [
                {
                    "parent": one.parent,
                    "child": one.child,
                    "score": one.score,
                    "reasons": json.dumps(one.reasons),
                    "state": ReturnState.SUGGESTED.value,
                    "suggested_at": self._now,
                }
                for one in found
            ],
        )
        rows = self._conn.execute(select(returns.c.id).where(returns.c.id > before).order_by(returns.c.id))
        return list(rows.scalars())

    def get(self, ids: Collection[ReturnId]) -> dict[ReturnId, Return]:
        """Returns by id, locked for a change.

        Raises:
            NotFound: No such return.
        """
        statement = select(returns).where(among(self._conn, returns.c.id, ids)).order_by(returns.c.id)
        found = {row.id: _return(row) for row in self._conn.execute(for_update(self._conn, statement))}
        if missing := [number for number in ids if number not in found]:
            raise NotFound(f"there is no return {missing[0]}", hint="staydown returns lists them.")
        return found

    def listed(
        self, state: ReturnState | None = None, *, of: Collection[ItemId] | None = None
    ) -> list[Return]:
        """Returns, best score first."""
        statement = select(returns).order_by(returns.c.score.desc(), returns.c.id)
        if state is not None:
            statement = statement.where(returns.c.state == state.value)
        if of is not None:
            statement = statement.where(among(self._conn, returns.c.child, of))
        return [_return(row) for row in self._conn.execute(statement)]

    def set(self, ids: Collection[ReturnId], state: ReturnState, *, by: PersonId) -> None:
        """Write a person's decision."""
        if ids:
            self._conn.execute(
                update(returns)
                .where(among(self._conn, returns.c.id, ids))
                .values(state=state.value, decided_at=self._now, decided_by=by)
            )

    def children(self, parents: Collection[ItemId]) -> list[tuple[ItemId, ItemId]]:
        """(parent, child): items that a person confirmed to be one of these come back."""
        rows = self._conn.execute(
            select(returns.c.parent, returns.c.child)
            .where(
                among(self._conn, returns.c.parent, parents), returns.c.state == ReturnState.CONFIRMED.value
            )
            .order_by(returns.c.parent, returns.c.child)
        )
        return [(row.parent, row.child) for row in rows]


def _return(row: object) -> Return:
    get = row._mapping  # type: ignore[attr-defined]
    return Return(
        id=get["id"],
        parent=get["parent"],
        child=get["child"],
        score=get["score"],
        reasons=tuple(json.loads(get["reasons"])),
        state=ReturnState(get["state"]),
    )
