"""The roster of duty, alarms, and who was called about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, func, insert, or_, select, update

from staydown.core.errors import NotFound
from staydown.core.house import Alarm, AlarmState, Call, Duty, Matter
from staydown.core.ids import AgencyCode, AlarmId, DutyId, ItemId, PersonId
from staydown.store.sets import for_update, insert_new
from staydown.store.tables import persons
from staydown.store.tables_house import alarm_calls, alarm_items, alarms, duties
from staydown.store.walls import across


class Duties:
    """Who is on duty, and what they were called for."""

    def __init__(self, conn: Connection, now: datetime) -> None:
        self._conn, self._now = conn, now

    def add(
        self,
        agency: AgencyCode,
        person: PersonId,
        matter: Matter,
        *,
        rank: int,
        from_at: datetime,
        until_at: datetime,
        by: PersonId,
    ) -> DutyId:
        """Put somebody on the roster."""
        done = self._conn.execute(
            insert(duties)
            .values(
                agency=agency,
                person=person,
                matter=matter.value,
                rank=rank,
                from_at=from_at,
                until_at=until_at,
                by=by,
            )
            .returning(duties.c.id)
        )
        return DutyId(done.scalar_one())

    def end(self, duty: DutyId) -> None:
        """Take a line off the roster, from now on."""
        still = (duties.c.id == duty) & duties.c.ended_at.is_(None)
        self._conn.execute(update(duties).where(still).values(ended_at=self._now))

    def get(self, duty: DutyId) -> Duty:
        """One line of the roster.

        Raises:
            NotFound: No such line.
        """
        row = self._conn.execute(select(duties).where(duties.c.id == duty)).first()
        if row is None:
            raise NotFound(f"there is no line {duty} on the roster")
        return _duty(row)

    def listed(self, agency: AgencyCode, *, since: datetime) -> list[Duty]:
        """An agency's roster from an instant on, in the order of time and rank."""
        rows = self._conn.execute(
            select(duties)
            .join(persons, persons.c.id == duties.c.person)
            .where(
                duties.c.agency == agency,
                duties.c.until_at > since,
                duties.c.ended_at.is_(None),
                or_(persons.c.left_at.is_(None), persons.c.left_at > since),
            )
            .order_by(duties.c.from_at, duties.c.matter, duties.c.rank, duties.c.id)
        )
        return [_duty(row) for row in rows]

    def on_duty(self, agency: AgencyCode, matter: Matter, at: datetime) -> list[PersonId]:
        """Who is to be called at an instant, the first one first; whoever has left is passed over."""
        rows = self._conn.execute(
            select(duties.c.person)
            .join(persons, persons.c.id == duties.c.person)
            .where(
                duties.c.agency == agency,
                duties.c.matter == matter.value,
                duties.c.from_at <= at,
                duties.c.until_at > at,
                duties.c.ended_at.is_(None),
                or_(persons.c.left_at.is_(None), persons.c.left_at > at),
            )
            .order_by(duties.c.rank, duties.c.id)
        )
        return list(dict.fromkeys(PersonId(one) for one in rows.scalars()))

    @across
    def raise_alarm(self, agency: AgencyCode, matter: Matter, subject: str, text: str) -> AlarmId | None:
        """Raise an alarm; the same one twice is raised once, and then None comes back."""
        which = (
            (alarms.c.agency == agency) & (alarms.c.matter == matter.value) & (alarms.c.subject == subject)
        )
        if self._conn.execute(select(alarms.c.id).where(which)).first():
            return None
        insert_new(
            self._conn,
            alarms,
            [
                {
                    "agency": agency,
                    "matter": matter.value,
                    "subject": subject,
                    "text": text,
                    "raised_at": self._now,
                    "state": AlarmState.OPEN.value,
                }
            ],
        )
        return AlarmId(self._conn.execute(select(alarms.c.id).where(which)).scalar_one())

    def alarm(self, number: AlarmId, *, lock: bool = False) -> Alarm:
        """One alarm.

        Raises:
            NotFound: No such alarm.
        """
        found = select(alarms).where(alarms.c.id == number)
        row = self._conn.execute(for_update(self._conn, found) if lock else found).first()
        if row is None:
            raise NotFound(f"there is no alarm {number}")
        return _alarm(row)

    def alarms(self, agency: AgencyCode, *, open_only: bool = False, limit: int = 100) -> list[Alarm]:
        """An agency's alarms, newest first."""
        found = select(alarms).where(alarms.c.agency == agency)
        if open_only:
            found = found.where(alarms.c.state == AlarmState.OPEN.value)
        return [_alarm(row) for row in self._conn.execute(found.order_by(alarms.c.id.desc()).limit(limit))]

    def concern(self, number: AlarmId, items: Sequence[ItemId]) -> None:
        """Note which items an alarm is about."""
        insert_new(self._conn, alarm_items, [{"alarm": number, "item": item} for item in items])

    def concerned(self, number: AlarmId) -> list[ItemId]:
        """Which items an alarm is about."""
        found = select(alarm_items.c.item).where(alarm_items.c.alarm == number).order_by(alarm_items.c.item)
        return [ItemId(one) for one in self._conn.execute(found).scalars()]

    @across
    def open_count(self) -> int:
        """How many alarms nobody has taken, at all agencies."""
        found = select(func.count()).select_from(alarms).where(alarms.c.state == AlarmState.OPEN.value)
        return self._conn.execute(found).scalar_one()

    def take(self, number: AlarmId, by: PersonId) -> None:
        """Note that a person answers for an alarm."""
        self._conn.execute(
            update(alarms)
            .where(alarms.c.id == number, alarms.c.state == AlarmState.OPEN.value)
            .values(state=AlarmState.TAKEN.value, taken_by=by, taken_at=self._now)
        )

    def called(self, number: AlarmId, person: PersonId, *, means: str, reached: bool, detail: str) -> None:
        """Note that somebody was called."""
        self._conn.execute(
            insert(alarm_calls).values(
                alarm=number,
                person=person,
                at=self._now,
                means=means,
                reached=reached,
                detail=detail[:500],
            )
        )

    def calls(self, number: AlarmId) -> list[Call]:
        """Who was called about an alarm, in order."""
        rows = self._conn.execute(
            select(alarm_calls).where(alarm_calls.c.alarm == number).order_by(alarm_calls.c.id)
        )
        return [
            Call(
                person=PersonId(row.person),
                at=row.at,
                means=row.means,
                reached=row.reached,
                detail=row.detail,
            )
            for row in rows
        ]


def _duty(row: Row[tuple[object, ...]]) -> Duty:
    return Duty(
        id=DutyId(row.id),
        agency=AgencyCode(row.agency),
        person=PersonId(row.person),
        matter=Matter(row.matter),
        rank=row.rank,
        from_at=row.from_at,
        until_at=row.until_at,
    )


def _alarm(row: Row[tuple[object, ...]]) -> Alarm:
    return Alarm(
        id=AlarmId(row.id),
        agency=AgencyCode(row.agency),
        matter=Matter(row.matter),
        subject=row.subject,
        text=row.text,
        raised_at=row.raised_at,
        state=AlarmState(row.state),
        taken_by=PersonId(row.taken_by) if row.taken_by else None,
        taken_at=row.taken_at,
    )
