"""Duties that come back each year: computed when asked for, so that no row has to be kept for them.

Source: Regulation (EU) 2021/784, Art. 7(2), 8(1) and 21(1); Regulation (EU) 2022/2065, Art. 22(3).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from staydown.law.counting import Day, Ends, Length, ends
from staydown.law.holidays import zone_of
from staydown.law.periods import Period, Start
from staydown.law.register import REGISTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Yearly:
    """A duty of one year, about the calendar year before it."""

    period: Period
    about: int  #: the year reported on
    ends: Ends


def yearly(now: datetime, *, state: str) -> list[Yearly]:
    """What comes back each year, each with its next end after an instant, what ends first on top.

    Args:
        state: Of whoever has to act, two letters; empty: in UTC.

    Raises:
        Invalid: No such state is known.
    """
    found = [_next(one, now, state) for one in REGISTER if one.starts is Start.YEAR]
    return sorted(found, key=lambda one: (one.ends.strict, one.period.id))


def _next(period: Period, now: datetime, state: str) -> Yearly:
    wanted = period.length or period.reminder
    if isinstance(wanted, Day):
        due = wanted.after(now, state=state)
        return Yearly(period=period, about=due.strict.astimezone(zone_of(state)).year - 1, ends=due)
    if not isinstance(wanted, Length):
        raise TypeError(f"{period.name!r} has neither a day nor a length")
    year = now.astimezone(zone_of(state)).year - 2
    while True:  # from the end of each year; the first that is not over
        over = datetime(year + 1, 1, 1, tzinfo=zone_of(state)).astimezone(UTC)
        due = ends(over, wanted, state=state)
        if due.later > now:
            return Yearly(period=period, about=year, ends=due)
        year += 1
