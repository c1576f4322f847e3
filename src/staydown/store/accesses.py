"""Who looked at what: rows by the hour, each hour sealed by a hash that goes to the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import rfc8785
from sqlalchemy import Connection, Row, insert, select

from staydown.core.errors import Invalid
from staydown.core.house import Access, AccessHour, AccessKind
from staydown.core.ids import AgencyCode, PersonId
from staydown.core.people import Person
from staydown.core.rights import Verb
from staydown.core.text import clean
from staydown.core.time import iso, micros
from staydown.store.tables_house import access_hours, accesses
from staydown.store.walls import lifted

HOUR = 3_600_000_000
"""Microseconds."""
LONGEST_PURPOSE = 200


def hour_of(instant: datetime) -> int:
    """The hour an instant lies in, counted from 1970."""
    return micros(instant) // HOUR


class Accesses:
    """Who looked at what, when and why."""

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn, self._now = conn, now

    def note(
        self,
        kind: AccessKind,
        person: Person,
        verb: Verb,
        subjects: Sequence[str],
        *,
        count: int,
        purpose: str,
        recipient: str = "",
    ) -> None:
        """Write down one look.

        Raises:
            Invalid: No purpose, or one that is too long.
        """
        why = clean(purpose).strip()
        if not why or len(why) > LONGEST_PURPOSE:
            raise Invalid(
                f"a look at this needs its purpose, in 1 to {LONGEST_PURPOSE} characters",
                hint="Say why, such as a case number: over the API in the header Staydown-Purpose.",
            )
        self._conn.execute(
            insert(accesses).values(
                at=self._now,
                hour=hour_of(self._now),
                kind=kind.value,
                person=person.id,
                agency=person.agency,
                verb=verb.value,
                subjects=" ".join(subjects),
                shown=count,
                purpose=why,
                recipient=clean(recipient)[:LONGEST_PURPOSE],
            )
        )

    def listed(self, agency: AgencyCode, *, before: int | None = None, limit: int = 100) -> list[Access]:
        """The looks of an agency's own people, newest first."""
        found = select(accesses).where(accesses.c.agency == agency)
        if before is not None:
            found = found.where(accesses.c.id < before)
        rows = self._conn.execute(found.order_by(accesses.c.id.desc()).limit(limit))
        return [_access(row) for row in rows]

    def unsealed(self, until: int) -> list[int]:
        """Hours before `until` that have looks and no seal."""
        found = (
            select(accesses.c.hour)
            .outerjoin(access_hours, access_hours.c.hour == accesses.c.hour)
            .where(accesses.c.hour < until, access_hours.c.hour.is_(None))
            .distinct()
            .order_by(accesses.c.hour)
        )
        return list(self._conn.execute(found).scalars())

    def seal(self, hour: int) -> AccessHour:
        """Close an hour: a hash over its rows, in order."""
        found = self.digest(hour)
        self._conn.execute(
            insert(access_hours).values(hour=hour, rows=found.rows, digest=found.digest, at=self._now)
        )
        return found

    def hours(self) -> list[AccessHour]:
        """All sealed hours, oldest first."""
        rows = self._conn.execute(select(access_hours).order_by(access_hours.c.hour))
        return [AccessHour(hour=row.hour, rows=row.rows, digest=bytes(row.digest)) for row in rows]

    def digest(self, hour: int) -> AccessHour:
        """What the hash of an hour is now: SHA-256 over one canonical JSON array (RFC 8785) and a line feed a row."""
        digest, count = hashlib.sha256(), 0
        with lifted(self._conn):
            rows = self._conn.execute(select(accesses).where(accesses.c.hour == hour).order_by(accesses.c.id))
            for row in rows:
                digest.update(
                    rfc8785.dumps(
                        [
                            row.id,
                            iso(row.at),
                            row.kind,
                            row.person,
                            row.agency,
                            row.verb,
                            row.subjects,
                            row.shown,
                            row.purpose,
                            row.recipient,
                        ]
                    )
                    + b"\n"
                )
                count += 1
        return AccessHour(hour=hour, rows=count, digest=digest.digest())


def _access(row: Row[tuple[object, ...]]) -> Access:
    return Access(
        number=row.id,
        at=row.at,
        kind=AccessKind(row.kind),
        person=PersonId(row.person),
        agency=AgencyCode(row.agency),
        verb=Verb(row.verb),
        subjects=tuple(row.subjects.split()),
        count=row.shown,
        purpose=row.purpose,
        recipient=row.recipient,
    )


__all__ = ["Accesses", "hour_of"]
