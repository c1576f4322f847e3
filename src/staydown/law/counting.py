"""How periods run: the two ends of each, and why they lie where they lie. Pure.

Whether the rule for Union acts governs the hour, the twelve, 48 and 72 hours of Regulation (EU) 2021/784 is a question
for counsel. So both ends are always kept, and each kind of period says which of them counts for what
(docs/decisions/0022).

Source: Regulation (EEC, Euratom) No 1182/71, Art. 2, 3 and 5.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

from staydown.core.errors import Invalid
from staydown.core.time import utc
from staydown.law import holidays

ACT = "Regulation (EEC, Euratom) No 1182/71"
TWO_DAYS = 2
"""From so many days on a period has at least so many working days."""
_MOST = 100_000


class Unit(StrEnum):
    """In what a length is expressed: the law counts each of them differently."""

    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"
    YEARS = "years"


_LETTER = {Unit.HOURS: "H", Unit.DAYS: "D", Unit.WEEKS: "W", Unit.MONTHS: "M", Unit.YEARS: "Y"}
_WRITTEN = re.compile(r"P(?:T(\d{1,6})H|(\d{1,6})([DWMY]))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """How long a period is, in the unit in which the law says it: 48 hours are not two days.

    Raises:
        Invalid: The count is negative or beyond all periods of law.
    """

    count: int
    unit: Unit

    def __post_init__(self) -> None:
        if not 0 <= self.count <= _MOST:
            raise Invalid(
                f"a period of {self.count} {self.unit.value} cannot be", hint="Write a whole number from 0."
            )

    def __str__(self) -> str:
        return f"{self.count} {self.unit.value.removesuffix('s') if self.count == 1 else self.unit.value}"

    @property
    def iso(self) -> str:
        """As ISO 8601 writes a duration: `PT48H`, `P6W`."""
        return f"P{'T' if self.unit is Unit.HOURS else ''}{self.count}{_LETTER[self.unit]}"

    @property
    def span(self) -> timedelta:
        """The same as a plain duration.

        Raises:
            Invalid: Months and years are of no one duration.
        """
        if self.unit in {Unit.MONTHS, Unit.YEARS}:
            raise Invalid(f"{self} are of no one duration", hint="Count them from an instant with `ends`.")
        return timedelta(**{self.unit.value: self.count})


def hours(count: int) -> Length:
    """So many hours."""
    return Length(count=count, unit=Unit.HOURS)


def days(count: int) -> Length:
    """So many days."""
    return Length(count=count, unit=Unit.DAYS)


def weeks(count: int) -> Length:
    """So many weeks."""
    return Length(count=count, unit=Unit.WEEKS)


def months(count: int) -> Length:
    """So many months."""
    return Length(count=count, unit=Unit.MONTHS)


def years(count: int) -> Length:
    """So many years."""
    return Length(count=count, unit=Unit.YEARS)


def read_length(text: str) -> Length:
    """Read what `Length.iso` writes.

    Raises:
        Invalid: It is no such duration of one unit.
    """
    found = _WRITTEN.fullmatch(text.strip().upper())
    if not found:
        raise Invalid(f"{text[:20]!r} is no length of a period", hint="Write PT48H, P14D, P6W, P3M or P1Y.")
    if found[1]:
        return hours(int(found[1]))
    units = {letter: unit for unit, letter in _LETTER.items()}
    return Length(count=int(found[2]), unit=units[found[3]])


class Rule(StrEnum):
    """By which rule the legal end is counted."""

    UNION = "1182/71"  #: Regulation 1182/71; Art. 3(5) does not stretch periods in hours
    UNION_STRETCHED = "1182/71-stretched"  #: the same, and 48 hours or more hold two working days (Art. 3(5))
    PLAIN = "plain"  #: from the instant itself: a contract, or a rule of the house


def read_rule(text: str) -> Rule:
    """Read the word of a rule.

    Raises:
        Invalid: There is no such rule.
    """
    try:
        return Rule(text.strip())
    except ValueError as error:
        raise Invalid(
            f"periods cannot be counted by {text[:40]!r}",
            hint=f"Set `counting` to one of: {', '.join(Rule)}.",
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Both ends of one period, as instants in UTC; a period is over at the instant, not before it."""

    strict: datetime  #: counted from the instant of the event: what alarms follow
    legal: datetime  #: counted by the rule for Union acts: what accusations follow
    why: tuple[str, ...] = ()  #: one sentence for each step of the reckoning, with its article
    rule: str = Rule.UNION.value  #: the rule and, where a calendar was asked, its version and state

    @property
    def earlier(self) -> datetime:
        """Where a power of ours ends, and alarms ring."""
        return min(self.strict, self.legal)

    @property
    def later(self) -> datetime:
        """Until when others keep a right, and before which nobody is late."""
        return max(self.strict, self.legal)


def ends(start: datetime, length: Length, *, state: str = "", rule: Rule = Rule.UNION) -> Ends:
    """Both ends of a period that an event sets going.

    Args:
        start: The instant of the event, aware.
        length: How long, in the unit of the law; nought ends at once.
        state: The state of whoever has to act, two letters: its time zone and its holidays count. Without one the
            hours are those of UTC and only weekends are no working days.
        rule: By which rule the legal end is counted.

    Raises:
        Invalid: The instant has no offset, no such state is known, or the end lies outside all calendars.
    """
    start, zone = utc(start), holidays.zone_of(state)
    try:
        local = start.astimezone(zone)
        strict = _shifted(local, length).astimezone(UTC)
        if rule is Rule.PLAIN or length.count == 0:
            return Ends(
                strict=strict, legal=strict, why=("counted from the instant itself",), rule=Rule.PLAIN.value
            )
        if length.unit is Unit.HOURS:
            return _in_hours(local, length, strict, state, rule)
        return _in_days(local, length, strict, state, rule)
    except OverflowError as error:
        raise Invalid(f"{length} from {start.isoformat()} lie outside all calendars") from error


def _shifted(local: datetime, length: Length) -> datetime:
    """The instant that far on: hours as they pass, all else by the calendar, at the same time of day."""
    if length.unit is Unit.HOURS:
        return (local.astimezone(UTC) + length.span).astimezone(local.tzinfo)
    return datetime.combine(last_day(local.date(), length), local.time(), tzinfo=local.tzinfo)


def last_day(day: date, length: Length) -> date:
    """The same weekday, or the same date, of the last week, month or year; a month without that date ends earlier.

    Source: Regulation (EEC, Euratom) No 1182/71, Art. 3(2)(b) and (c).
    """
    if length.unit in {Unit.DAYS, Unit.WEEKS}:
        return day + length.span
    whole = length.count * (12 if length.unit is Unit.YEARS else 1) + day.month - 1
    year, month = day.year + whole // 12, whole % 12 + 1
    if year > date.max.year:
        raise OverflowError(year)
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _in_hours(local: datetime, length: Length, strict: datetime, state: str, rule: Rule) -> Ends:
    """From the next full hour on; weekends and holidays count like any other hour.

    Source: Regulation (EEC, Euratom) No 1182/71, Art. 3(3).
    """
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    full = local.astimezone(UTC) - past + timedelta(hours=1)  # in UTC: an hour that comes twice is two hours
    legal = full + length.span
    first = full.astimezone(local.tzinfo)
    why = [
        f"the clock hour of the event is not counted: the period begins at {first:%H:%M}, {ACT}, Art. 3(1)",
        f"it ends with its last hour: {legal.astimezone(local.tzinfo):%d.%m.%Y %H:%M}, {ACT}, Art. 3(2)(a)",
    ]
    named = rule.value
    if rule is Rule.UNION_STRETCHED and length.count >= TWO_DAYS * 24:
        named = _named(rule, state)
        last = _two_working_days(
            first.date(), (legal - timedelta(microseconds=1)).astimezone(local.tzinfo).date(), state
        )
        if last is not None:
            legal = _end_of(last, local.tzinfo)
            why.append(f"it holds two working days: it ends with {last:%d.%m.%Y}, {ACT}, Art. 3(5)")
    return Ends(strict=strict, legal=legal, why=tuple(why), rule=named)


def _in_days(local: datetime, length: Length, strict: datetime, state: str, rule: Rule) -> Ends:
    """From the day after the event to the last hour of its last day, which is a working day."""
    first, last = local.date() + timedelta(days=1), last_day(local.date(), length)
    why = [f"the day of the event is not counted: the period begins on {first:%d.%m.%Y}, {ACT}, Art. 3(1)"]
    article = "3(2)(b)" if length.unit is Unit.DAYS else "3(2)(c)"
    why.append(f"it ends with the last hour of {last:%d.%m.%Y}, {ACT}, Art. {article}")
    if not holidays.is_working(last, state):
        off = holidays.holiday_name(last, state) or f"{last:%A}"
        last = holidays.next_working(last, state)
        why.append(f"that is no working day ({off}): it ends with {last:%d.%m.%Y}, {ACT}, Art. 3(4)")
    if (length.unit is not Unit.DAYS or length.count >= TWO_DAYS) and (
        moved := _two_working_days(first, last, state)
    ):
        last = moved
        why.append(f"it holds two working days: it ends with {last:%d.%m.%Y}, {ACT}, Art. 3(5)")
    return Ends(strict=strict, legal=_end_of(last, local.tzinfo), why=tuple(why), rule=_named(rule, state))


def _two_working_days(first: date, last: date, state: str) -> date | None:
    """The day on which the second working day from `first` on falls, where that is later than `last`."""
    day, found = first - timedelta(days=1), 0
    while found < TWO_DAYS:
        day = holidays.next_working(day, state)
        found += 1
    return day if day > last else None


def _end_of(day: date, zone: tzinfo | None) -> datetime:
    """The expiry of the last hour of a day: the first instant of the next."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)


def _named(rule: Rule, state: str) -> str:
    return (
        f"{rule.value} {holidays.version()} {holidays.state_of(state)}" if state else f"{rule.value} weekends"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A fixed day of each year, such as "before 1 March"."""

    month: int
    day: int
    included: bool  #: "by 31 March" includes the day, "before 1 March" does not

    def __str__(self) -> str:
        return f"{'by' if self.included else 'before'} {self.day} {calendar.month_name[self.month]}"

    def after(self, start: datetime, *, state: str) -> Ends:
        """Both ends of the next such day that is over after an instant."""
        year = start.astimezone(holidays.zone_of(state)).year
        this = self.in_year(year, state=state)
        return this if this.legal > start else self.in_year(year + 1, state=state)

    def in_year(self, year: int, *, state: str) -> Ends:
        """Both ends in a year: a fixed date is no period, so neither weekend nor holiday moves it (Art. 5).

        Source: Regulation (EEC, Euratom) No 1182/71, Art. 5.
        """
        if not holidays.FIRST_YEAR <= year <= holidays.LAST_YEAR:
            raise Invalid(f"no calendar is known for the year {year}")
        end = date(year, self.month, self.day) - timedelta(days=0 if self.included else 1)
        at = _end_of(end, holidays.zone_of(state))
        return Ends(
            strict=at, legal=at, why=(f"a fixed date is not moved, {ACT}, Art. 5",), rule=Rule.UNION.value
        )
