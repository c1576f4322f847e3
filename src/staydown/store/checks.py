"""Checks and returns."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from staydown.core.check import Check, Return
from staydown.core.errors import NotFound
from staydown.core.ids import ItemId, PersonId, ReturnId
from staydown.core.states import ReturnState
from staydown.ports.work import Suggestion
from staydown.store.sets import among, for_update, insert_new, is_sqlite
from staydown.store.tables import checks, returns

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
