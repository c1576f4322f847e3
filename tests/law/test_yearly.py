"""Duties that come back each year: cases a jurist can read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from staydown.core.errors import Invalid
from staydown.law.yearly import yearly
from support import law


def due(at: str, state: str = "NL") -> dict[str, tuple[int, str]]:
    found = yearly(datetime.fromisoformat(at).replace(tzinfo=UTC), state=state)
    return {one.period.name: (one.about, one.ends.strict.isoformat()) for one in found}


@law("Regulation (EU) 2021/784, Art. 7(2)", "Regulation (EU) 2021/784, Art. 21(1)")
@pytest.mark.parametrize(
    ("now", "report", "sent"),
    [
        ("2026-12-31T22:59:59", (2026, "2027-02-28T23:00:00+00:00"), (2026, "2027-03-31T22:00:00+00:00")),
        ("2027-02-28T22:59:59", (2026, "2027-02-28T23:00:00+00:00"), (2026, "2027-03-31T22:00:00+00:00")),
        ("2027-02-28T23:00:00", (2027, "2028-02-29T23:00:00+00:00"), (2026, "2027-03-31T22:00:00+00:00")),
        ("2027-03-31T22:00:00", (2027, "2028-02-29T23:00:00+00:00"), (2027, "2028-03-31T22:00:00+00:00")),
    ],
)
def test_before_1_march_and_by_31_march(now: str, report: tuple[int, str], sent: tuple[int, str]) -> None:
    assert due(now)["provider-report"] == report
    assert due(now)["commission"] == sent


@law("Regulation (EU) 2021/784, Art. 8(1)", "Regulation (EU) 2022/2065, Art. 22(3)")
def test_reports_without_a_day_in_the_law_are_told_too() -> None:
    found = due("2026-11-26T12:00:00")
    assert found["flagger-report"] == (2025, "2026-12-31T23:00:00+00:00")
    assert found["authority-report"][0] == 2026
    ends = [one.ends.strict for one in yearly(datetime(2026, 11, 26, tzinfo=UTC), state="NL")]
    assert ends == sorted(ends)


def test_a_state_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid):
        yearly(datetime(2026, 1, 1, tzinfo=UTC), state="ZZ")
