"""Agencies, persons and operations in the store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from staydown.core.errors import Invalid, NotFound
from staydown.core.ids import AgencyCode, ItemId, OperationId, PersonId
from staydown.core.network import Operation
from staydown.core.people import Agency, Person, Role
from staydown.store.sets import insert_new
from staydown.store.tables import agencies, operation_agencies, operation_items, operations, persons


class People:
    """Who there is."""

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn, self._now = conn, now

    def add_agencies(self, codes: Collection[AgencyCode]) -> list[AgencyCode]:
        """Make sure that agencies exist; gives those that are new."""
        known = set(self._conn.execute(select(agencies.c.code)).scalars())
        fresh = sorted(set(codes) - known)
        insert_new(self._conn, agencies, [{"code": c, "name": c, "created_at": self._now} for c in fresh])
        return fresh

    def agencies(self) -> list[Agency]:
        """All agencies, by code."""
        rows = self._conn.execute(select(agencies.c.code, agencies.c.name).order_by(agencies.c.code))
        return [Agency(code=row.code, name=row.name) for row in rows]

    def add(self, person: Person) -> None:
        """Add a person.

        Raises:
            Invalid: The name is taken.
        """
        if self._conn.execute(select(persons.c.id).where(persons.c.id == person.id)).first():
            raise Invalid(f"there is a person {person.id!r} already", hint="Pick another short name.")
        roles = " ".join(sorted(role.value for role in person.roles))
        self._conn.execute(
            insert(persons).values(id=person.id, agency=person.agency, roles=roles, created_at=self._now)
        )

    def get(self, who: PersonId) -> Person:
        """A person.

        Raises:
            NotFound: Nobody of that name.
        """
        row = self._conn.execute(select(persons).where(persons.c.id == who)).first()
        if row is None:
            raise NotFound(
                f"nobody is called {who!r}", hint="Add the person: staydown person add NAME --agency CODE."
            )
        return _person(row.id, row.agency, row.roles)

    def all(self) -> list[Person]:
        """Everybody, by name."""
        rows = self._conn.execute(select(persons).order_by(persons.c.id))
        return [_person(row.id, row.agency, row.roles) for row in rows]


def _person(who: str, agency: str, roles: str) -> Person:
    return Person(
        id=PersonId(who), agency=AgencyCode(agency), roles=frozenset(Role(word) for word in roles.split())
    )


class Operations:
    """Agencies acting in one window."""

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn, self._now = conn, now

    def add(self, operation: Operation) -> None:
        """Add an operation with its agencies.

        Raises:
            Invalid: The name is taken.
        """
        if self._conn.execute(select(operations.c.id).where(operations.c.id == operation.id)).first():
            raise Invalid(f"there is an operation {operation.id!r} already", hint="Pick another name.")
        self._conn.execute(
            insert(operations).values(
                id=operation.id,
                title=operation.title,
                lead=operation.lead,
                opens_at=operation.opens_at,
                closes_at=operation.closes_at,
                hour_h=operation.hour_h,
            )
        )
        self.join(operation.id, operation.agencies)

    def join(self, operation: OperationId, codes: Sequence[AgencyCode]) -> None:
        """Let agencies take part."""
        insert_new(
            self._conn, operation_agencies, [{"operation": operation, "agency": code} for code in codes]
        )

    def add_items(self, operation: OperationId, items: Collection[ItemId]) -> None:
        """Put items on the operation's list; those on it already stay."""
        insert_new(self._conn, operation_items, [{"operation": operation, "item": item} for item in items])

    def get(self, operation: OperationId) -> Operation:
        """An operation.

        Raises:
            NotFound: No such operation.
        """
        row = self._conn.execute(select(operations).where(operations.c.id == operation)).first()
        if row is None:
            raise NotFound(f"there is no operation {operation!r}", hint="staydown operation list shows them.")
        joined = select(operation_agencies.c.agency).where(operation_agencies.c.operation == operation)
        codes = tuple(self._conn.execute(joined.order_by(operation_agencies.c.agency)).scalars())
        return Operation(
            id=row.id,
            title=row.title,
            lead=row.lead,
            agencies=codes,
            opens_at=row.opens_at,
            closes_at=row.closes_at,
            hour_h=row.hour_h,
            released_at=row.released_at,
        )

    def all(self) -> list[Operation]:
        """All operations, by name."""
        return [
            self.get(name)
            for name in self._conn.execute(select(operations.c.id).order_by(operations.c.id)).scalars()
        ]

    def set_hour(
        self, operation: OperationId, hour_h: datetime | None, *, released_at: datetime | None
    ) -> None:
        """Fix hour H, or note that everything was released."""
        self._conn.execute(
            update(operations)
            .where(operations.c.id == operation)
            .values(hour_h=hour_h, released_at=released_at)
        )
