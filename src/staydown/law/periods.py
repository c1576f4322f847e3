"""Periods as dated values with their article, and the two ends each of them has.

A changed rule is a second value with a later `since`; requests keep the one they started under.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum

from staydown.core.errors import NotFound


class Party(StrEnum):
    """Whose duty a clock measures."""

    PROVIDER = "provider"
    AGENCY = "agency"  #: our own duty: a miss is ours


class Start(StrEnum):
    """What sets a period going."""

    RECEIPT = "receipt"  #: arrival at the provider, not dispatch
    APPROVAL = "approval"
    INFORMATION = "information"  #: the provider got the first-contact information
    CHECK = "check"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A length of time that a rule lays down, valid from `since` on."""

    name: str
    length: timedelta
    party: Party
    starts: Start
    source: str
    since: date
    binding: bool  #: a referral asks, an order binds; only what binds is a legal clock


REMOVE = Period(
    name="remove",
    length=timedelta(hours=1),
    party=Party.PROVIDER,
    starts=Start.RECEIPT,
    source="Regulation (EU) 2021/784, Art. 3(3)",
    since=date(2022, 6, 7),
    binding=True,
)
INFORM = Period(
    name="inform",
    length=timedelta(hours=12),
    party=Party.AGENCY,
    starts=Start.INFORMATION,
    source="Regulation (EU) 2021/784, Art. 3(2)",
    since=date(2022, 6, 7),
    binding=True,
)
ACT = Period(
    name="act",
    length=timedelta(hours=1),
    party=Party.PROVIDER,
    starts=Start.RECEIPT,
    source="Recommendation (EU) 2018/334, point 35",
    since=date(2018, 3, 1),
    binding=False,
)
FOLLOW_UP = Period(
    name="follow-up",
    length=timedelta(hours=24),
    party=Party.AGENCY,
    starts=Start.RECEIPT,
    source="house rule: what was asked for is looked at within a day, docs/why/clocks.md",
    since=date(2026, 1, 1),
    binding=False,
)
LOOK_AGAIN = Period(
    name="look-again",
    length=timedelta(hours=1),
    party=Party.AGENCY,
    starts=Start.CHECK,
    source="house rule: each item is looked at within the hour before its request leaves, docs/why/clocks.md",
    since=date(2026, 1, 1),
    binding=False,
)
APPROVAL = Period(
    name="approval",
    length=timedelta(hours=24),
    party=Party.AGENCY,
    starts=Start.APPROVAL,
    source="house rule: an approval holds for a day, docs/decisions/0006",
    since=date(2026, 1, 1),
    binding=False,
)
PERIODS: tuple[Period, ...] = (REMOVE, INFORM, ACT, FOLLOW_UP, LOOK_AGAIN, APPROVAL)


def period(name: str, on: date) -> Period:
    """The period of that name in force on a day.

    Raises:
        NotFound: No such period was in force then.
    """
    in_force = [value for value in PERIODS if value.name == name and value.since <= on]
    if not in_force:
        raise NotFound(f"no period {name!r} was in force on {on.isoformat()}")
    return max(in_force, key=lambda value: value.since)


def strict_end(start: datetime, length: timedelta) -> datetime:
    """The end counted from the instant itself: what alarms follow."""
    return start + length


def legal_end(start: datetime, length: timedelta, *, zone: tzinfo = UTC) -> datetime:
    """The end by the counting rule for Union acts: what accusations follow.

    A period in hours begins with the next full hour; one in whole days begins with the next day and
    ends with the last hour of its last day. Holidays are not counted here.

    Args:
        start: The instant of the event.
        length: Whole hours, or whole days where it is a multiple of 24 h of at least two days.
        zone: The time zone of the party that has to act.

    Source: Regulation (EEC, Euratom) No 1182/71, Art. 3(1) and (2).
    """
    local = start.astimezone(zone)
    if length >= timedelta(days=2) and not length % timedelta(days=1):
        last = (local + length).date() + timedelta(days=1)
        return datetime(last.year, last.month, last.day, tzinfo=zone).astimezone(UTC)
    hour = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return hour + timedelta(hours=1) + length
