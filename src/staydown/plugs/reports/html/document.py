"""Read the figures of `publish` into typed nouns, once, so that pages and pictures need not doubt them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import NoReturn

from staydown.core.errors import Invalid
from staydown.core.time import parse

Pairs = Mapping[str, int]
ALWAYS: Mapping[str, tuple[str, ...]] = {
    "counts": (
        *(
            "items",
            "sightings",
            "agency_items",
            "duplicates",
            "assessed",
            "items_referred",
            "verified_offline",
        ),
        *("refused", "geo_blocked", "items_held", "holds", "exempt", "unsure", "gone"),
        *("returned", "reappeared", "withdrawn", "reinstated"),
    ),
    "dispatches": ("dispatches", "repeats"),
    "clocks": ("clocks_running", "clocks_missed", "clocks_lapsed"),
}
"""Counts without which there is no report; others may come and go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """The operation that the figures are about."""

    id: str
    title: str
    lead: str
    agencies: tuple[str, ...]
    opens_at: datetime
    closes_at: datetime
    hour_h: datetime | None  #: when everything planned was to fall together
    released_at: datetime | None  #: when its requests were set free to leave


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """A sample of hours, in three numbers; both quantiles are None of an empty one."""

    n: int
    median: float | None
    p90: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One step of the survival curve."""

    days: float  #: since the removal
    share: float  #: of removals still without a return, just after `days`
    at_risk: int  #: still watched and not yet returned, just before `days`


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """All figures of one report."""

    action: Action | None  #: None: everything in the store
    made_at: datetime
    exercise: bool
    origin: str  #: the name under which the ledger signs
    ledger_size: int
    checkpoint: str
    counts: Pairs
    share_offline: float | None
    commands: Mapping[str, str]  #: figure -> the command that lists what it counts
    by_state: Pairs
    by_provider: Pairs
    by_kind: Pairs
    by_provider_and_state: Mapping[str, Pairs]
    agencies: Mapping[str, Pairs]
    requests: Pairs
    dispatches: Pairs
    clocks: Pairs
    hours: Spread
    hours_by_provider: Mapping[str, Spread]
    removals_by_day: Mapping[date, int]
    survival: tuple[Point, ...]


def read(figures: Mapping[str, object]) -> Document:
    """The figures, typed.

    Raises:
        Invalid: A figure is missing, or is not of the sort it should be.
    """
    ledger, counts = _map(figures, "ledger"), dict(_map(figures, "counts"))
    share = counts.pop("share_offline", None)
    for group, names in ALWAYS.items():
        for name in names:
            _needed(_map(figures, group), name)
    return Document(
        action=_action(figures),
        made_at=parse(_text(figures, "made_at")),
        exercise=bool(_needed(figures, "exercise")),
        origin=_text(figures, "origin"),
        ledger_size=_whole(_needed(ledger, "size"), "ledger size"),
        checkpoint=_text(ledger, "checkpoint"),
        counts=_whole_by_name(counts, "counts"),
        share_offline=_number(share, "share_offline"),
        commands={name: str(command) for name, command in _map(figures, "commands").items()},
        by_state=_pairs(figures, "by_state"),
        by_provider=_pairs(figures, "by_provider"),
        by_kind=_pairs(figures, "by_kind"),
        by_provider_and_state=_nested(figures, "by_provider_and_state"),
        agencies=_nested(figures, "agencies"),
        requests=_pairs(figures, "requests"),
        dispatches=_pairs(figures, "dispatches"),
        clocks=_pairs(figures, "clocks"),
        hours=_spread(_map(figures, "hours_to_removal")),
        hours_by_provider={
            name: _spread(_as_map(part, name))
            for name, part in _map(figures, "hours_to_removal_by_provider").items()
        },
        removals_by_day={
            parse(day).date(): n for day, n in sorted(_pairs(figures, "removals_by_day").items())
        },
        survival=tuple(_point(point) for point in _list(figures, "survival")),
    )


def _action(figures: Mapping[str, object]) -> Action | None:
    if _needed(figures, "operation") is None:
        return None
    found = _map(figures, "operation")
    hour_h, released_at = found.get("hour_h"), found.get("released_at")
    return Action(
        id=_text(found, "id"),
        title=_text(found, "title"),
        lead=_text(found, "lead"),
        agencies=tuple(str(code) for code in _list(found, "agencies")),
        opens_at=parse(_text(found, "opens_at")),
        closes_at=parse(_text(found, "closes_at")),
        hour_h=parse(str(hour_h)) if hour_h else None,
        released_at=parse(str(released_at)) if released_at else None,
    )


def _spread(found: Mapping[str, object]) -> Spread:
    return Spread(
        n=_whole(_needed(found, "n"), "n"),
        median=_number(found.get("median"), "median"),
        p90=_number(found.get("p90"), "p90"),
    )


def _point(found: object) -> Point:
    point = _as_map(found, "survival")
    days, share = _number(_needed(point, "days"), "days"), _number(_needed(point, "share"), "share")
    if days is None or share is None:
        _malformed("survival")
    return Point(days=days, share=share, at_risk=_whole(_needed(point, "at_risk"), "at_risk"))


def _malformed(name: str) -> NoReturn:
    raise Invalid(
        f"the figures have no readable {name!r}",
        hint="Have them made by `staydown report OPERATION --to json`.",
    )


def _needed(found: Mapping[str, object], name: str) -> object:
    if name not in found:
        _malformed(name)
    return found[name]


def _as_map(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        _malformed(name)
    return {str(key): part for key, part in value.items()}


def _map(found: Mapping[str, object], name: str) -> Mapping[str, object]:
    return _as_map(_needed(found, name), name)


def _list(found: Mapping[str, object], name: str) -> list[object]:
    value = _needed(found, name)
    if not isinstance(value, list | tuple):
        _malformed(name)
    return list(value)


def _text(found: Mapping[str, object], name: str) -> str:
    value = _needed(found, name)
    if not isinstance(value, str):
        _malformed(name)
    return value


def _whole(value: object, name: str) -> int:
    if not isinstance(value, int):
        _malformed(name)
    return value


def _number(value: object, name: str) -> float | None:
    if value is not None and not isinstance(value, int | float):
        _malformed(name)
    return value


def _whole_by_name(found: Mapping[str, object], name: str) -> Pairs:
    return {key: _whole(value, f"{name}: {key}") for key, value in found.items()}


def _pairs(found: Mapping[str, object], name: str) -> Pairs:
    return _whole_by_name(_map(found, name), name)


def _nested(found: Mapping[str, object], name: str) -> Mapping[str, Pairs]:
    return {
        key: _whole_by_name(_as_map(part, name), f"{name}: {key}") for key, part in _map(found, name).items()
    }
