"""Cases a jurist can read: the event, the period, the two ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staydown.core.errors import NotFound
from staydown.law.periods import ACT, PERIODS, REMOVE, Party, legal_end, period, strict_end
from support import law


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@law("Regulation (EEC, Euratom) No 1182/71, Art. 3(1)", "Regulation (EU) 2021/784, Art. 3(3)")
@pytest.mark.parametrize(
    ("received", "strict", "legal"),
    [
        ("2026-11-23T10:20:00", "2026-11-23T11:20:00", "2026-11-23T12:00:00"),
        ("2026-11-23T10:00:00", "2026-11-23T11:00:00", "2026-11-23T12:00:00"),
        ("2026-11-23T10:59:59", "2026-11-23T11:59:59", "2026-11-23T12:00:00"),
        ("2026-12-31T23:30:00", "2027-01-01T00:30:00", "2027-01-01T01:00:00"),
    ],
)
def test_one_hour_from_receipt(received: str, strict: str, legal: str) -> None:
    assert strict_end(at(received), REMOVE.length) == at(strict)
    assert legal_end(at(received), REMOVE.length) == at(legal)


@law("Regulation (EEC, Euratom) No 1182/71, Art. 3(2)")
def test_days_end_with_the_last_hour_of_the_last_day() -> None:
    amsterdam = ZoneInfo("Europe/Amsterdam")
    end = legal_end(at("2026-03-27T10:20:00"), timedelta(days=3), zone=amsterdam)
    assert end == at("2026-03-30T22:00:00"), "summer time began meanwhile: midnight is two hours from UTC"


@given(
    st.datetimes(min_value=datetime(2022, 1, 1), max_value=datetime(2040, 1, 1)),
    st.integers(min_value=1, max_value=72),
)
def test_the_legal_end_is_never_before_the_strict_one(start: datetime, hours: int) -> None:
    start, length = start.replace(tzinfo=UTC), timedelta(hours=hours)
    assert legal_end(start, length) >= strict_end(start, length)
    assert legal_end(start, length) - strict_end(start, length) <= timedelta(hours=24)


@law("Recommendation (EU) 2018/334, point 35")
def test_a_referral_starts_no_legal_clock() -> None:
    assert not ACT.binding
    assert [p.name for p in PERIODS if p.binding and p.party is Party.PROVIDER] == ["remove"]


def test_a_period_holds_from_its_day_on() -> None:
    assert period("remove", date(2022, 6, 7)) is REMOVE
    with pytest.raises(NotFound):
        period("remove", date(2022, 6, 6))


def test_every_period_names_its_source() -> None:
    assert all(p.source and p.length > timedelta(0) for p in PERIODS)
