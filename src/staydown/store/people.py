"""Agencies, persons and operations in the store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, insert, select, true, update

from staydown.core.errors import Invalid, NotFound
from staydown.core.ids import AgencyCode, DelegationId, ItemId, OperationId, PersonId
from staydown.core.network import Operation
from staydown.core.people import Agency, Delegation, Person
from staydown.core.rights import ALONE, Role, goes_together
from staydown.store.sets import among, insert_new
from staydown.store.tables import agencies, operation_agencies, operation_items, operations, persons
from staydown.store.tables_house import delegations
from staydown.store.walls import across


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

    def name_agency(self, code: AgencyCode, name: str) -> None:
        """Give an agency its name in words."""
        self._conn.execute(update(agencies).where(agencies.c.code == code).values(name=name))

    @across
    def add(self, person: Person, *, mail: str = "") -> None:
        """Add a person.

        Raises:
            Invalid: The name is taken, or no one person may hold these roles.
        """
        _fit(person.roles)
        if self._conn.execute(select(persons.c.id).where(persons.c.id == person.id)).first():
            raise Invalid(f"there is a person {person.id!r} already", hint="Pick another short name.")
        self._conn.execute(
            insert(persons).values(
                id=person.id,
                agency=person.agency,
                roles=_words(person.roles),
                created_at=self._now,
                mail=mail,
            )
        )

    def change(
        self,
        who: PersonId,
        *,
        roles: frozenset[Role] | None = None,
        mail: str | None = None,
        left_at: datetime | None = None,
    ) -> None:
        """Give a person other roles or another mail address, or note that the person has left.

        Raises:
            Invalid: No one person may hold these roles.
        """
        if roles is not None:
            _fit(roles)
        changed: dict[str, object] = {}
        if roles is not None:
            changed["roles"] = _words(roles)
        if mail is not None:
            changed["mail"] = mail
        if left_at is not None:
            changed["left_at"] = left_at
        if changed:
            self._conn.execute(update(persons).where(persons.c.id == who).values(**changed))

    def get(self, who: PersonId) -> Person:
        """A person, with the roles that hold at this instant; whoever has left has none.

        Raises:
            NotFound: Nobody of that name.
        """
        found = self._persons(persons.c.id == who)
        if not found:
            raise NotFound(
                f"nobody is called {who!r}", hint="Add the person: staydown person add NAME --agency CODE."
            )
        return found[0]

    def all(self, *, agency: AgencyCode | None = None) -> list[Person]:
        """Everybody, or everybody of one agency, by name."""
        return self._persons(persons.c.agency == agency if agency else true())

    def mail(self, ids: Collection[PersonId]) -> dict[PersonId, str]:
        """Where alarms reach people; who has no address is left out."""
        rows = self._conn.execute(
            select(persons.c.id, persons.c.mail).where(among(self._conn, persons.c.id, ids))
        )
        return {PersonId(row.id): row.mail for row in rows if row.mail}

    def has_left(self, who: PersonId) -> bool:
        """Whether a person no longer works here."""
        found = select(persons.c.left_at).where(persons.c.id == who)
        left = self._conn.execute(found).scalar_one_or_none()
        return left is not None and left <= self._now

    def _persons(self, which: ColumnElement[bool]) -> list[Person]:
        in_force = (
            (delegations.c.borrower == persons.c.id)
            & (delegations.c.from_at <= self._now)
            & (delegations.c.until_at > self._now)
            & delegations.c.ended_at.is_(None)
        )
        lender = persons.alias("lender")
        lends = (lender.c.id == delegations.c.lender) & (
            lender.c.left_at.is_(None) | (lender.c.left_at > self._now)
        )
        joined = persons.outerjoin(delegations.join(lender, lends), in_force)
        rows = self._conn.execute(
            select(
                persons.c.id,
                persons.c.agency,
                persons.c.roles,
                persons.c.left_at,
                delegations.c.role.label("lent"),
                lender.c.id.label("lender"),
                lender.c.roles.label("lender_roles"),
            )
            .select_from(joined)
            .where(which)
            .order_by(persons.c.id)
        )
        found: dict[str, tuple[str, frozenset[Role], dict[Role, set[PersonId]]]] = {}
        for row in rows:
            has_left = row.left_at is not None and row.left_at <= self._now
            own = frozenset() if has_left else _roles(row.roles)
            _, _, lent = found.setdefault(row.id, (row.agency, own, {}))
            # nobody lends what they no longer have
            if row.lent and not has_left and row.lent in row.lender_roles.split() and row.lent not in own:
                lent.setdefault(Role(row.lent), set()).add(PersonId(row.lender))
        return [
            Person(
                id=PersonId(who),
                agency=AgencyCode(agency),
                roles=own | lent.keys(),
                lent={role: frozenset(lenders) for role, lenders in lent.items()},
            )
            for who, (agency, own, every) in found.items()
            for lent in [
                every if goes_together(own | every.keys()) else {}
            ]  # no loan makes what no one may hold
        ]

    # --- roles that are lent ----------------------------------------------------------------------

    def lend(self, given: Delegation, *, agency: AgencyCode) -> DelegationId:
        """Note that a role is lent."""
        done = self._conn.execute(
            insert(delegations)
            .values(
                agency=agency,
                lender=given.lender,
                borrower=given.borrower,
                role=given.role.value,
                from_at=given.from_at,
                until_at=given.until_at,
                reason=given.reason,
                given_at=self._now,
            )
            .returning(delegations.c.id)
        )
        return DelegationId(done.scalar_one())

    def lent(self, agency: AgencyCode) -> list[Delegation]:
        """All roles that were ever lent at an agency, oldest first."""
        rows = self._conn.execute(
            select(delegations).where(delegations.c.agency == agency).order_by(delegations.c.id)
        )
        return [
            Delegation(
                id=DelegationId(row.id),
                lender=PersonId(row.lender),
                borrower=PersonId(row.borrower),
                role=Role(row.role),
                from_at=row.from_at,
                until_at=row.until_at,
                reason=row.reason,
                ended_at=row.ended_at,
            )
            for row in rows
        ]

    def end_lending(self, number: DelegationId) -> None:
        """Take a lent role back now."""
        open_ = (delegations.c.id == number) & delegations.c.ended_at.is_(None)
        self._conn.execute(update(delegations).where(open_).values(ended_at=self._now))


def _words(roles: frozenset[Role]) -> str:
    return " ".join(sorted(role.value for role in roles))


def _roles(words: str) -> frozenset[Role]:
    return frozenset(Role(word) for word in words.split())


def _fit(roles: frozenset[Role]) -> None:
    if not goes_together(roles):
        alone = " and ".join(sorted(role.value for role in ALONE))
        raise Invalid(
            f"nobody may hold all of {_words(roles)}",
            hint=f"The roles {alone} go with no other: give them to a person of their own.",
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
