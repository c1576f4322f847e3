"""The figures of an exercise: what the flow says, held against what is true in the world."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from staydown.core.ids import OperationId
from staydown.core.item import Identity
from staydown.core.states import RequestState, ReturnState
from staydown.core.time import parse
from staydown.exercise.host import Host
from staydown.exercise.scenario import Scenario
from staydown.ports import Catalogue
from staydown.ports.work import Work
from staydown.reason.statistics import quantile

MONTH = timedelta(days=30)
CAN_BE_ASKED = frozenset({"api", "webform"})
"""Ways on which a receiver says what it has: nothing need go out twice."""


@dataclass(frozen=True, slots=True)
class Score:
    """Figures for printing, and what is wrong, in words."""

    figures: Mapping[str, object]
    wrong: tuple[str, ...]


def score(work: Work, host: Host, catalogue: Catalogue, scenario: Scenario, operation: OperationId) -> Score:
    """Hold store, providers' record and truth against each other."""
    truth = _by_key(catalogue, host.truth())
    by_address = {row["address"]: row for row in truth.values()}
    items = {one.key: one for one in work.items.listed()}
    counts = work.figures.counts(operation)
    clocks = work.figures.clocks(operation)
    found = _returns(work, truth)
    referred = {one.key for one in work.items.listed(facet="referred")}
    hours = [hour for part in work.figures.hours_to_removal(operation).values() for hour in part]
    record = host.record()
    twice, lost = _record(work, record)
    again = Counter(str(row["via"]) for row in record if row["set_aside"])
    before = host.posts(scenario.hour_h - MONTH, scenario.hour_h)
    after = host.posts(scenario.hour_h, scenario.hour_h + MONTH)
    counted = [scenario.messenger] if scenario.messenger else sorted(before)
    elsewhere = [provider for provider in sorted({*before, *after}) if provider not in counted]
    figures: dict[str, object] = {
        "sightings": counts["sightings"],
        "items_unique": counts["items"],
        "duplicates": counts["agency_items"] - counts["items"],
        "assessed": counts["assessed"],
        "exempt": counts["exempt"],
        "held": counts["items_held"],
        "requests": sum(work.figures.requests(operation).values()),
        "dispatches": work.figures.dispatches(operation)["dispatches"],
        "posted_twice": len(twice),
        "lost": len(lost),
        "arrived_again": dict(sorted(again.items())),
        "items_referred": counts["items_referred"],
        "verified_offline": counts["verified_offline"],
        "share_offline": round(counts["verified_offline"] / counts["items_referred"], 4)
        if counts["items_referred"]
        else None,
        "wrongly_referred": sum(1 for key in referred if truth.get(key, {}).get("role") != "terrorist"),
        **found,
        "median_hours_to_removal": quantile(sorted(hours), 0.5),
        "posts_drop_30_days": _drop(before, after, counted),
        "posts_drop_elsewhere": _drop(before, after, elsewhere),
        "migrated": sum(
            1
            for row in truth.values()
            if row["parent"] is not None and row["provider"] != by_address[row["parent"]]["provider"]
        ),
        "clocks_missed": clocks["clocks_missed"],
        "clocks_lapsed": clocks["clocks_lapsed"],
        "matches": counts["matched"],
        "refused": counts["refused"],
        "geo_blocked": counts["geo_blocked"],
        "withdrawn": counts["withdrawn"],
        "reinstated": counts["reinstated"],
    }
    wrong = [f"{reference} was taken in twice" for reference in twice]
    wrong += [
        f"{reference} arrived again, though {via} can be asked" for reference, via in twice_sent(record)
    ]
    wrong += [f"{reference} never arrived" for reference in lost]
    wrong += _false_removals(work, truth, list(items))
    return Score(figures, tuple(wrong))


def _drop(before: Mapping[str, float], after: Mapping[str, float], providers: Sequence[str]) -> float | None:
    """By which share the posts at some providers fell from the month before hour H to the month after it."""
    was = sum(before.get(provider, 0.0) for provider in providers)
    return round(1 - sum(after.get(provider, 0.0) for provider in providers) / was, 4) if was else None


def _by_key(catalogue: Catalogue, truth: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    found = {}
    for row in truth:
        one = catalogue.identify(row["address"])
        if isinstance(one, Identity):
            found[str(one.key)] = {**row, "key": one.key}
    return found


def truth_rows(catalogue: Catalogue, host: Host) -> list[dict[str, Any]]:
    """The rows of truth.jsonl."""
    return list(_by_key(catalogue, host.truth()).values())


def _record(work: Work, record: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """References that a provider took in twice, and approved ones that no provider ever got."""
    taken = Counter(row["reference"] for row in record if not row["set_aside"])
    sent = {
        RequestState.DISPATCHED,
        RequestState.RUNNING,
        RequestState.ANSWERED,
        RequestState.CLOSED,
        RequestState.APPROVED,
    }
    due = [
        one.reference
        for one in work.requests.listed()
        if one.state in sent and (one.state is not RequestState.APPROVED or _is_due(work, one.operation))
    ]
    return [name for name, times in taken.items() if times > 1], [name for name in due if not taken[name]]


def twice_sent(record: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """References that were sent a second time to a receiver that would have told, had it been asked."""
    return sorted(
        {
            (str(row["reference"]), str(row["via"]))
            for row in record
            if row["set_aside"] and row["via"] in CAN_BE_ASKED
        }
    )


def _is_due(work: Work, operation: OperationId | None) -> bool:
    if operation is None:
        return True
    hour_h = work.operations.get(operation).hour_h
    return hour_h is not None and hour_h <= work.now


def _returns(work: Work, truth: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Returns that happened, those that were found, and confirmed ones that are none."""
    by_address = {row["address"]: key for key, row in truth.items()}
    real = {key for key, row in truth.items() if row["parent"] is not None}
    confirmed = work.returns.listed(ReturnState.CONFIRMED)
    keys = {
        one.id: str(one.key)
        for one in work.items.get([i for one in confirmed for i in (one.parent, one.child)])
    }
    right = 0
    for one in confirmed:
        child, parent = truth.get(keys[one.child], {}), truth.get(keys[one.parent], {})
        same = (
            child.get("operator") == parent.get("operator")
            and by_address.get(child.get("address", "")) in real
        )
        right += bool(same)
    return {"returns_true": len(real), "returns_found": right, "returns_wrong": len(confirmed) - right}


def _false_removals(work: Work, truth: Mapping[str, Mapping[str, Any]], removed: Sequence[str]) -> list[str]:
    """Items we call removed that were there when we said so."""
    ids = work.items.find(removed)
    at = work.items.removed_before(list(ids.values()))
    by_address = {row["address"]: row for row in truth.values()}
    wrong = []
    for key, item in ids.items():
        row = truth.get(key)
        if item in at and (row is None or not _was_away(row, by_address, at[item])):
            wrong.append(f"{key} is called removed at {at[item].isoformat()} and was not")
    return wrong


def _was_away(row: Mapping[str, Any], by_address: Mapping[str, Mapping[str, Any]], at: datetime) -> bool:
    for since, until, why in row["away"]:
        if why != "region" and parse(since) <= at and (until is None or at < parse(until)):
            return True
    inside = by_address.get(row["container"]) if row["container"] else None
    return inside is not None and _was_away(inside, by_address, at)
