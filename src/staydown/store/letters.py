"""Letters, offices and authorities in the store."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, func, insert, select, true, update

from staydown.core.errors import NotFound, SameEyes, Stale
from staydown.core.ids import AgencyCode, LetterId, PersonId, RequestId
from staydown.core.order import Authority, Competence, Letter, Office, Task
from staydown.core.states import LetterState
from staydown.store.sets import among, for_update, insert_new, new_ids
from staydown.store.tables_orders import authorities, letters, offices


class Letters:
    """What leaves beside requests."""

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn, self._now = conn, now

    def reserve(self) -> LetterId:
        """An id for a letter about to be added."""
        return LetterId(new_ids(self._conn, letters, 1)[0])

    def add(self, letter: Letter) -> None:
        """Add a letter."""
        values = {name: getattr(letter, name) for name in Letter.__dataclass_fields__}
        self._conn.execute(insert(letters).values(**{**values, "state": letter.state.value}))

    def get(self, ids: Collection[LetterId], *, lock: bool = False) -> list[Letter]:
        """Letters by id, in the order of their ids."""
        statement = select(letters).where(among(self._conn, letters.c.id, ids)).order_by(letters.c.id)
        rows = self._conn.execute(for_update(self._conn, statement) if lock else statement)
        return [_letter(row._mapping) for row in rows]

    def listed(
        self,
        *,
        agency: AgencyCode | None = None,
        request: RequestId | None = None,
        state: LetterState | None = None,
    ) -> list[Letter]:
        """Letters, oldest first."""
        statement = select(letters).order_by(letters.c.id)
        for column, value in (
            (letters.c.agency, agency),
            (letters.c.request, request),
            (letters.c.state, state.value if state else None),
        ):
            if value is not None:
                statement = statement.where(column == value)
        return [_letter(row._mapping) for row in self._conn.execute(statement)]

    def newest(self, agency: AgencyCode, *, request: RequestId | None = None, at_most: int) -> list[Letter]:
        """An agency's newest letters, oldest first, without their papers and text."""
        light = [one for one in letters.c if one.name not in {"pdf", "text", "values"}]
        statement = select(*light).where(letters.c.agency == agency)
        if request is not None:
            statement = statement.where(letters.c.request == request)
        rows = self._conn.execute(statement.order_by(letters.c.id.desc()).limit(at_most)).all()
        bare = {"pdf": b"", "text": "", "values": ""}
        return [_letter({**row._mapping, **bare}) for row in reversed(rows)]

    def by_reference(self, reference: str) -> LetterId:
        """The letter of that reference.

        Raises:
            NotFound: No such reference.
        """
        found = self._conn.execute(
            select(letters.c.id).where(letters.c.reference == reference)
        ).scalar_one_or_none()
        if found is None:
            raise NotFound(f"there is no letter {reference!r}", hint="staydown letters lists them.")
        return LetterId(found)

    def step(self, letter: Letter, state: LetterState, **changed: object) -> None:
        """Write another state, if the letter is still as it was read.

        Raises:
            Stale: Somebody changed it since.
        """
        touched = self._conn.execute(
            update(letters)
            .where(letters.c.id == letter.id, letters.c.version == letter.version)
            .values(state=state.value, version=letter.version + 1, **changed)
        )
        if touched.rowcount != 1:
            raise Stale("the letter was changed by somebody else")

    def tried(self, ids: Collection[LetterId]) -> None:
        """Note that they may have left."""
        first = among(self._conn, letters.c.id, ids) & letters.c.tried_at.is_(None)
        self._conn.execute(update(letters).where(first).values(tried_at=self._now))

    def first_contact(self, agency: AgencyCode, provider: str) -> datetime | None:
        """When a provider first had the agency's information, by proof of receipt (Art. 3(2))."""
        first: datetime | None = self._conn.execute(
            select(func.min(letters.c.received_at)).where(
                letters.c.agency == agency,
                letters.c.form == "first-contact",
                letters.c.party == provider,
                letters.c.received_at.is_not(None),
            )
        ).scalar_one()
        return first


class Offices:
    """Agencies as they stand on forms, and the competent authorities of states."""

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn, self._now = conn, now

    def get(self, agency: AgencyCode) -> Office | None:
        """What an agency has set."""
        found = self._conn.execute(select(offices.c.facts).where(offices.c.agency == agency)).scalar()
        if found is None:
            return None
        facts = json.loads(found)
        named = frozenset(Competence(word) for word in facts.pop("competences"))
        return Office(agency=agency, competences=named, **facts)

    def set(self, office: Office, *, by: PersonId) -> None:
        """Set it."""
        facts = {name: getattr(office, name) for name in Office.__dataclass_fields__ if name != "agency"}
        facts["competences"] = sorted(word.value for word in office.competences)
        told = {"facts": json.dumps(facts, ensure_ascii=False, sort_keys=True), "at": self._now, "by": by}
        insert_new(self._conn, offices, [{"agency": office.agency, **told}])
        self._conn.execute(update(offices).where(offices.c.agency == office.agency).values(**told))

    def propose(self, one: Authority) -> int:
        """Note where an authority takes mail; it is used once a second person confirms it."""
        number = new_ids(self._conn, authorities, 1)[0]
        self._conn.execute(
            insert(authorities).values(
                id=number,
                agency=one.agency,
                state=one.state,
                task=one.task.value,
                name=one.name,
                contact_point=one.contact_point,
                courier=one.courier,
                language=one.language,
                by=one.by,
                at=self._now,
            )
        )
        return number

    def confirm(self, agency: AgencyCode, number: int, *, by: PersonId, eyes: Collection[PersonId]) -> None:
        """Confirm it; the agency's own of the same state and task that stood before ends.

        Raises:
            NotFound: The agency has none of that number that waits.
            SameEyes: One of those who look proposed it.
        """
        row = self._conn.execute(
            for_update(
                self._conn,
                select(authorities).where(
                    authorities.c.id == number,
                    authorities.c.agency == agency,
                    authorities.c.confirmed_at.is_(None),
                    authorities.c.closed_at.is_(None),
                ),
            )
        ).first()
        if row is None:
            raise NotFound(f"no authority {number} waits to be confirmed", hint="staydown authority list.")
        if row.by in eyes:
            raise SameEyes(f"{row.by} proposed authority {number}")
        stood = (
            (authorities.c.agency == agency)
            & (authorities.c.state == row.state)
            & (authorities.c.task == row.task)
            & authorities.c.confirmed_at.is_not(None)
            & authorities.c.closed_at.is_(None)
        )
        self._conn.execute(update(authorities).where(stood).values(closed_at=self._now))
        self._conn.execute(
            update(authorities)
            .where(authorities.c.id == number)
            .values(confirmed_by=by, confirmed_at=self._now)
        )

    def authority(self, agency: AgencyCode, state: str, task: Task) -> Authority | None:
        """The authority of a state for a task, as two persons of the agency named it."""
        named = (authorities.c.agency == agency) & (authorities.c.state == state)
        confirmed = (authorities.c.task == task.value) & authorities.c.confirmed_at.is_not(None)
        found = self._authorities(named & confirmed)
        return found[-1] if found else None

    def authorities(self, agency: AgencyCode | None = None) -> list[Authority]:
        """All of an agency that stand or wait, by state and task; of every agency where none is said."""
        return self._authorities(true() if agency is None else authorities.c.agency == agency)

    def _authorities(self, where: ColumnElement[bool]) -> list[Authority]:
        rows = self._conn.execute(
            select(authorities)
            .where(authorities.c.closed_at.is_(None), where)
            .order_by(authorities.c.state, authorities.c.task, authorities.c.id)
        )
        return [
            Authority(
                id=row.id,
                agency=AgencyCode(row.agency),
                state=row.state,
                task=Task(row.task),
                name=row.name,
                contact_point=row.contact_point,
                courier=row.courier,
                language=row.language,
                by=PersonId(row.by),
                confirmed_by=PersonId(row.confirmed_by) if row.confirmed_by else None,
            )
            for row in rows
        ]


def _letter(row: RowMapping | dict[str, Any]) -> Letter:
    values = {name: row[name] for name in Letter.__dataclass_fields__}
    return Letter(**{**values, "state": LetterState(row["state"]), "pdf": bytes(row["pdf"])})
