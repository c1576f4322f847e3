"""Instants and periods of time: aware, in UTC, with whole microseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from staydown.core.errors import Invalid

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def utc(instant: datetime) -> datetime:
    """The same instant in UTC.

    Raises:
        Invalid: The instant carries no offset, so nobody can say when it was.
    """
    if instant.tzinfo is None:
        raise Invalid(f"{instant.isoformat()} has no time zone", hint="Write it as 2026-11-22T10:20:00Z.")
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


def micros(instant: datetime) -> int:
    """Microseconds since 1970 in UTC: how the store keeps an instant."""
    return (instant - EPOCH) // _MICROSECOND


def from_micros(count: int) -> datetime:
    """The instant that `micros` wrote."""
    return EPOCH + timedelta(microseconds=count)


def iso(instant: datetime) -> str:
    """The instant as RFC 3339 text with a Z, seconds unless there are fractions."""
    return utc(instant).isoformat()[:-6] + "Z"


def parse(text: str) -> datetime:
    """Read an ISO 8601 instant or date; a date is its first second, in UTC.

    Raises:
        Invalid: It is neither.
    """
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise Invalid(
            f"{text[:40]!r} is no date or time", hint="Write 2026-11-22 or 2026-11-22T10:20:00Z."
        ) from error
    try:
        return utc(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
    except OverflowError as error:
        raise Invalid(f"{text[:40]!r} lies outside all calendars") from error
