"""Answers kept for a day under the key a caller gave, so that a request that is repeated acts once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, update

from staydown.core.errors import IllegalStep
from staydown.core.ids import PersonId
from staydown.store.sets import is_sqlite
from staydown.store.tables_house import idempotency
from staydown.store.walls import across

KEPT = timedelta(hours=24)
"""How long an answer can be had again."""
GIVEN_UP = timedelta(minutes=15)
"""After so long a first try that streams and left no answer is taken to be dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """An answer that was given before."""

    digest: bytes  #: of what was asked
    status: int
    headers: Mapping[str, str]
    body: bytes


class Replays:
    """The answers that were given, by person and key."""

    def __init__(self, conn: Connection, real_now: datetime) -> None:
        self._conn, self._now = conn, real_now

    @across
    def claim(self, person: PersonId, key: str, *, route: str, digest: bytes) -> Replay | None:
        """Begin under a key; where that was done before, gives the answer it had.

        Raises:
            IllegalStep: The first try is still under way.
        """
        self._alone(person, key)
        old = self._now - KEPT
        self._conn.execute(delete(idempotency).where(idempotency.c.at < old))
        mine = (idempotency.c.person == person) & (idempotency.c.key == key)
        row = self._conn.execute(select(idempotency).where(mine)).first()
        if row is not None and row.status is not None:
            return Replay(
                digest=row.digest if row.route == route else b"another route",
                status=row.status,
                headers=json.loads(row.headers),
                body=row.body or b"",
            )
        if row is not None and row.at > self._now - GIVEN_UP:
            raise IllegalStep(
                "the first request with this Idempotency-Key is still under way",
                hint="Wait, then send it again with the same key.",
            )
        if row is not None:
            self._conn.execute(delete(idempotency).where(mine))
        self._conn.execute(
            insert(idempotency).values(person=person, key=key, route=route, digest=digest, at=self._now)
        )
        return None

    def _alone(self, person: PersonId, key: str) -> None:
        """Nobody else works under this key until this transaction ends."""
        if is_sqlite(self._conn):
            return  # whoever writes is alone
        lock = func.pg_try_advisory_xact_lock(func.hashtextextended(f"{person}\n{key}", 0))
        if not self._conn.execute(select(lock)).scalar_one():
            raise IllegalStep(
                "the first request with this Idempotency-Key is still under way",
                hint="Wait, then send it again with the same key.",
            )

    @across
    def settle(
        self,
        person: PersonId,
        key: str,
        *,
        digest: bytes,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        """Keep the answer."""
        self._conn.execute(
            update(idempotency)
            .where(idempotency.c.person == person, idempotency.c.key == key)
            .values(digest=digest, status=status, headers=json.dumps(dict(headers)), body=body)
        )

    @across
    def forget(self, person: PersonId, key: str) -> None:
        """Let go of a key under which nothing was done."""
        self._conn.execute(
            delete(idempotency).where(
                idempotency.c.person == person, idempotency.c.key == key, idempotency.c.status.is_(None)
            )
        )


__all__ = ["Replay", "Replays"]
