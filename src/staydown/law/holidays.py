"""Working days, by the state whose party has to act: weekends, and the public holidays of that state.

The days come from the package `holidays` at its locked version, whose name and version stand beside every deadline
that was computed with it. It is imported when a period in days or longer is counted, never before.

Source: Regulation (EEC, Euratom) No 1182/71, Art. 2(1) and (2).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, timedelta, tzinfo
from functools import lru_cache
from importlib import metadata
from zoneinfo import ZoneInfo

from staydown.core.errors import Invalid

ZONES: Mapping[str, str] = {
    "AT": "Europe/Vienna", "BE": "Europe/Brussels", "BG": "Europe/Sofia", "HR": "Europe/Zagreb",
    "CY": "Asia/Nicosia", "CZ": "Europe/Prague", "DK": "Europe/Copenhagen", "EE": "Europe/Tallinn",
    "FI": "Europe/Helsinki", "FR": "Europe/Paris", "DE": "Europe/Berlin", "GR": "Europe/Athens",
    "HU": "Europe/Budapest", "IE": "Europe/Dublin", "IT": "Europe/Rome", "LV": "Europe/Riga",
    "LT": "Europe/Vilnius", "LU": "Europe/Luxembourg", "MT": "Europe/Malta", "NL": "Europe/Amsterdam",
    "PL": "Europe/Warsaw", "PT": "Europe/Lisbon", "RO": "Europe/Bucharest", "SK": "Europe/Bratislava",
    "SI": "Europe/Ljubljana", "ES": "Europe/Madrid", "SE": "Europe/Stockholm",
    "IS": "Atlantic/Reykjavik", "LI": "Europe/Vaduz", "NO": "Europe/Oslo",
}  # fmt: skip
"""The states of the Union and of the European Economic Area, each with the time of its capital."""
FIRST_YEAR, LAST_YEAR = 1971, 2200
"""Years whose calendars can be asked for; the rule itself dates from 1971."""
_SATURDAY = 5


def state_of(text: str) -> str:
    """A state's two letters as the tables have them; the Union's own `EL` is Greece.

    Raises:
        Invalid: It is no state of the Union or of the European Economic Area.
    """
    code = text.strip().upper()
    code = "GR" if code == "EL" else code
    if code not in ZONES:
        raise Invalid(
            f"{text[:20]!r} is no state whose calendar we know",
            hint=f"Name the state of whoever has to act, as two letters: {', '.join(sorted(ZONES))}.",
        )
    return code


def zone_of(state: str) -> tzinfo:
    """The time zone of a state's capital; UTC where no state is named."""
    return ZoneInfo(ZONES[state_of(state)]) if state else UTC


def is_working(day: date, state: str) -> bool:
    """Whether a day is no Saturday, no Sunday and no public holiday of the state; without a state weekends alone count."""
    return day.weekday() < _SATURDAY and (not state or day not in _days(state_of(state), day.year))


def holiday_name(day: date, state: str) -> str:
    """What a public holiday is called, in the words of its state; empty where it is none."""
    return _days(state_of(state), day.year).get(day, "") if state else ""


def next_working(day: date, state: str) -> date:
    """The first working day after a day."""
    day += timedelta(days=1)
    while not is_working(day, state):
        day += timedelta(days=1)
    return day


@lru_cache(maxsize=1)
def version() -> str:
    """Name and version of the calendars, for the record."""
    return f"holidays-{metadata.version('holidays')}"


@lru_cache(maxsize=256)
def _days(state: str, year: int) -> Mapping[date, str]:
    import holidays

    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Invalid(
            f"no calendar is known for the year {year}",
            hint=f"Deadlines can be counted from {FIRST_YEAR} to {LAST_YEAR}.",
        )
    return dict(holidays.country_holidays(state, years=[year]))
