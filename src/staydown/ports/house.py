"""What the flow and the faces ask of the house's tables: who looked at what, who is on duty."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from staydown.core.house import Access, AccessHour, AccessKind, Alarm, Call, Duty, Matter
from staydown.core.ids import AgencyCode, AlarmId, DutyId, ItemId, PersonId
from staydown.core.people import Person
from staydown.core.rights import Verb


class Accesses(Protocol):
    """Who looked at what, when and why."""

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
        """Write down one look, and see to it that its hour is sealed.

        Args:
            subjects: What was looked at, as `noun:id`.
            count: How many records were shown.
            purpose: Why, in the person's own words.
            recipient: To whom it was handed on, where it was.

        Raises:
            Invalid: No purpose.
        """

    def listed(self, agency: AgencyCode, *, before: int | None = None, limit: int = 100) -> list[Access]:
        """The looks of an agency's own people, newest first."""

    def unsealed(self, until: int) -> list[int]:
        """Hours before `until` that have looks and no seal."""

    def seal(self, hour: int) -> AccessHour:
        """Close an hour: a hash over its rows, in order."""

    def hours(self) -> list[AccessHour]:
        """All sealed hours, oldest first."""

    def digest(self, hour: int) -> AccessHour:
        """What the hash of an hour is now, computed from its rows."""


class Duties(Protocol):
    """Who is on duty, and what they were called for."""

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

    def end(self, duty: DutyId) -> None:
        """Take a line off the roster, from now on."""

    def get(self, duty: DutyId) -> Duty:
        """One line of the roster.

        Raises:
            NotFound: No such line.
        """

    def listed(self, agency: AgencyCode, *, since: datetime) -> list[Duty]:
        """An agency's roster from an instant on, in the order of time and rank."""

    def on_duty(self, agency: AgencyCode, matter: Matter, at: datetime) -> list[PersonId]:
        """Who is to be called at an instant, the first one first."""

    def raise_alarm(self, agency: AgencyCode, matter: Matter, subject: str, text: str) -> AlarmId | None:
        """Raise an alarm; the same one twice is raised once, and then None comes back."""

    def alarm(self, number: AlarmId, *, lock: bool = False) -> Alarm:
        """One alarm.

        Raises:
            NotFound: No such alarm.
        """

    def alarms(self, agency: AgencyCode, *, open_only: bool = False, limit: int = 100) -> list[Alarm]:
        """An agency's alarms, newest first."""

    def concern(self, number: AlarmId, items: Sequence[ItemId]) -> None:
        """Note which items an alarm is about."""

    def concerned(self, number: AlarmId) -> list[ItemId]:
        """Which items an alarm is about."""

    def open_count(self) -> int:
        """How many alarms nobody has taken, at all agencies."""

    def take(self, number: AlarmId, by: PersonId) -> None:
        """Note that a person answers for an alarm."""

    def called(self, number: AlarmId, person: PersonId, *, means: str, reached: bool, detail: str) -> None:
        """Note that somebody was called."""

    def calls(self, number: AlarmId) -> list[Call]:
        """Who was called about an alarm, in order."""
