"""The register of periods: every one has its article, its length and its rule; and how lengths are counted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staydown.core.errors import Invalid, NotFound
from staydown.law import holidays
from staydown.law.counting import (
    Day,
    Ends,
    Length,
    Rule,
    Unit,
    days,
    ends,
    hours,
    months,
    read_length,
    weeks,
    years,
)
from staydown.law.periods import ACT, APPROVAL, HOUSE, Counts, Party, Ring
from staydown.law.register import ASK_SCRUTINY, INFORM, PERIODS, REGISTER, REMOVE, SECRET, period
from support import law

INSTANTS = st.datetimes(min_value=datetime(2022, 1, 1), max_value=datetime(2060, 1, 1))
LENGTHS = st.one_of(
    st.integers(1, 2000).map(hours),
    st.integers(1, 400).map(days),
    st.integers(1, 60).map(weeks),
    st.integers(1, 30).map(months),
    st.integers(1, 10).map(years),
)
STATES = st.sampled_from(["", *sorted(holidays.ZONES)])


# --- the register ---------------------------------------------------------------------------------------


def test_the_register_holds_c01_to_c29_each_with_its_article() -> None:
    numbers = {one.id.split("-")[0] for one in REGISTER}
    assert numbers == {f"C{number:02}" for number in range(1, 30)}
    assert len({one.name for one in PERIODS}) == len({one.id or one.name for one in PERIODS}) == len(PERIODS)
    assert all(one.source and one.title for one in PERIODS)


def test_what_has_no_figure_in_the_law_is_a_reminder_or_left_to_national_law() -> None:
    assert [one.name for one in REGISTER if one.length is None and one.counts is not Counts.REMINDER] == [
        "appeal"
    ]
    assert all(one.reminder is not None for one in REGISTER if one.counts is Counts.REMINDER)


@law("Recommendation (EU) 2018/334, point 35")
def test_a_referral_starts_no_legal_clock() -> None:
    assert not ACT.binding
    assert not any(one.binding for one in HOUSE)


def test_a_period_holds_from_its_day_on() -> None:
    assert period("remove", date(2022, 6, 7)) is period("C02", date(2022, 6, 7)) is REMOVE
    with pytest.raises(NotFound, match="was in force on 2022-06-06"):
        period("remove", date(2022, 6, 6))
    with pytest.raises(Invalid, match="no period 'removal'"):
        period("removal", date(2026, 1, 1))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


ENDS = Ends(strict=at("2026-11-23T11:20:00"), legal=at("2026-11-23T12:00:00"))


@law("Regulation (EU) 2021/784, Art. 3(3)")
def test_a_duty_of_others_alarms_at_the_strict_end_and_lapses_at_the_later() -> None:
    assert REMOVE.rings(ENDS, Party.PROVIDER) == ((ENDS.strict, Ring.ALARM), (ENDS.legal, Ring.LAPSE))


@law("Regulation (EU) 2021/784, Art. 3(2)", "Regulation (EU) 2021/784, Art. 4(4)")
@pytest.mark.parametrize("kind", [INFORM, ASK_SCRUTINY])
def test_a_wait_and_a_right_of_others_end_at_the_later(kind: object) -> None:
    assert kind.rings(ENDS, kind.party) == ((ENDS.legal, Ring.END),)  # type: ignore[attr-defined]


@law("Regulation (EU) 2021/784, Art. 11(3)")
def test_non_disclosure_warns_three_days_before_it_ends_at_the_earlier() -> None:
    rings = SECRET.rings(ENDS, Party.AGENCY)
    assert rings == ((ENDS.strict - timedelta(days=3), Ring.WARN), (ENDS.strict, Ring.END))


def test_rules_of_the_house_end_at_their_strict_end() -> None:
    assert ACT.rings(ENDS, Party.PROVIDER) == ((ENDS.strict, Ring.LAPSE),)
    assert APPROVAL.span == timedelta(hours=24)
    with pytest.raises(TypeError, match="no plain length"):
        _ = period("commission", date(2026, 1, 1)).span


# --- counting -------------------------------------------------------------------------------------------


@law("Regulation (EEC, Euratom) No 1182/71, Art. 3(1)", "Regulation (EEC, Euratom) No 1182/71, Art. 3(2)")
@given(INSTANTS, LENGTHS, STATES, st.sampled_from(Rule))
def test_the_legal_end_is_never_before_the_strict_one(
    start: datetime, length: Length, state: str, rule: Rule
) -> None:
    found = ends(start.replace(tzinfo=UTC), length, state=state, rule=rule)
    assert found.legal >= found.strict > start.replace(tzinfo=UTC)
    assert found.legal - found.strict <= timedelta(days=12), (
        "weekends and holidays in a row are never that many"
    )
    assert found.strict.utcoffset() == found.legal.utcoffset() == timedelta(0)


@law("Regulation (EEC, Euratom) No 1182/71, Art. 3(3)")
@given(INSTANTS, st.integers(1, 200), STATES)
def test_an_hour_is_an_hour_that_passes(start: datetime, count: int, state: str) -> None:
    begun = start.replace(tzinfo=UTC)
    found = ends(begun, hours(count), state=state)
    assert found.strict - begun == timedelta(hours=count)
    assert timedelta(0) < found.legal - found.strict <= timedelta(hours=1)


@law("Regulation (EEC, Euratom) No 1182/71, Art. 3(4)")
@given(
    INSTANTS, LENGTHS.filter(lambda one: one.unit is not Unit.HOURS), st.sampled_from(sorted(holidays.ZONES))
)
def test_what_is_not_in_hours_ends_with_a_working_day(start: datetime, length: Length, state: str) -> None:
    found = ends(start.replace(tzinfo=UTC), length, state=state).legal.astimezone(holidays.zone_of(state))
    assert (found.hour, found.minute, found.second) == (0, 0, 0)
    assert holidays.is_working((found - timedelta(hours=12)).date(), state)


@given(LENGTHS)
def test_a_length_reads_back_as_it_is_written(length: Length) -> None:
    assert read_length(length.iso) == length


@pytest.mark.parametrize(
    "text", ["", "PT", "P", "1H", "P1.5D", "P-1D", "PT1H30M", "P1M1D", "P9999999D", "P1W "[:-1] + "x"]
)
def test_a_length_of_no_one_unit_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as error:
        read_length(text)
    assert "PT48H" in error.value.hint


@pytest.mark.parametrize(("count", "unit"), [(-1, Unit.HOURS), (100_001, Unit.DAYS)])
def test_a_length_beyond_all_law_is_refused(count: int, unit: Unit) -> None:
    with pytest.raises(Invalid):
        Length(count=count, unit=unit)


def test_an_end_outside_all_calendars_is_refused() -> None:
    for start, length in (
        (datetime.max.replace(tzinfo=UTC), hours(1)),
        (at("2026-01-01T00:00:00"), years(9000)),
        (at("2199-12-30T00:00:00"), years(2)),
    ):
        with pytest.raises(Invalid, match="calendar"):
            ends(start, length, state="NL")


def test_an_instant_without_an_offset_is_refused() -> None:
    with pytest.raises(Invalid, match="no time zone"):
        ends(datetime(2026, 1, 1), hours(1))


@pytest.mark.parametrize("state", ["US", "EU", "XX", "DEU", "germany", "1"])
def test_a_state_without_a_calendar_is_refused(state: str) -> None:
    with pytest.raises(Invalid) as error:
        ends(at("2026-01-01T00:00:00"), days(3), state=state)
    assert "NL" in error.value.hint


def test_greece_is_called_by_both_names() -> None:
    assert ends(ENDS.strict, days(3), state="el") == ends(ENDS.strict, days(3), state="GR")


def test_the_rule_and_the_version_of_the_calendar_are_named() -> None:
    assert ends(ENDS.strict, hours(1), state="NL").rule == "1182/71"
    assert ends(ENDS.strict, days(3), state="NL").rule == f"1182/71 {holidays.version()} NL"
    assert ends(ENDS.strict, days(3)).rule == "1182/71 weekends"


@law("Regulation (EEC, Euratom) No 1182/71, Art. 2(1)")
def test_every_state_has_a_zone_and_new_years_day_off() -> None:
    assert len(holidays.ZONES) == 27 + 3
    for state, zone in holidays.ZONES.items():
        assert ZoneInfo(zone).utcoffset(datetime(2026, 1, 1)) is not None
        assert not holidays.is_working(date(2026, 1, 1), state), state
        assert holidays.holiday_name(date(2026, 1, 1), state)


@law("Regulation (EEC, Euratom) No 1182/71, Art. 5")
def test_a_fixed_day_is_not_moved_by_a_weekend() -> None:
    before, by = Day(month=3, day=1, included=False), Day(month=3, day=31, included=True)
    assert (str(before), str(by)) == ("before 1 March", "by 31 March")
    assert before.in_year(2027, state="NL").legal == at("2027-02-28T23:00:00")
    with pytest.raises(Invalid, match="year 1900"):
        before.in_year(1900, state="NL")
