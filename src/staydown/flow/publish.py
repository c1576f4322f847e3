"""publish: the figures of an operation, each with the command that lists what it counts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from staydown.core.errors import Invalid, Outside
from staydown.core.ids import AgencyCode, OperationId
from staydown.core.time import iso
from staydown.ports import Report
from staydown.ports.work import Figures, Work
from staydown.reason.statistics import kaplan_meier, quantile


def _counted(work: Work, operation: OperationId | None, to: AgencyCode | None) -> Figures:
    """Where to count; for an agency only what those did who take part, and what of holds it may know."""
    members = work.operations.get(operation).agencies if operation is not None else (to,)
    return work.figures if to is None else work.figures.to(to, among=[one for one in members if one])


def status(
    work: Work, operation: OperationId | None = None, *, to: AgencyCode | None = None
) -> dict[str, object]:
    """The few numbers that say where things stand; to an agency without what is only others'."""
    counted = _counted(work, operation, to)
    counts = counted.counts(operation)
    clocks = counted.clocks(operation)
    return {
        "items": counts["items"],
        "by_state": counted.by_state(operation),
        "by_provider": counted.by_provider(operation),
        "requests": counted.requests(operation),
        "verified_offline": counts["verified_offline"],
        "returned": counts["returned"] + counts["reappeared"],
        "holds": counts["holds"],
        "clocks_running": clocks["clocks_running"],
        "clocks_missed": clocks["clocks_missed"],
        "clocks_lapsed": clocks["clocks_lapsed"],
    }


def figures(
    work: Work, operation: OperationId | None = None, *, to: AgencyCode | None = None
) -> dict[str, object]:
    """Everything a report shows, with the way to each list; to an agency without what is only others'."""
    counted = _counted(work, operation, to)
    counts = counted.counts(operation)
    hours = counted.hours_to_removal(operation)
    back, quiet = counted.days_to_return(operation)
    scope = f" --operation {operation}" if operation else ""
    found: dict[str, object] = {
        "operation": _operation(work, operation),
        "made_at": iso(work.now),
        "exercise": work.exercise,
        "origin": work.origin,
        "ledger": {"size": work.ledger.size(), "checkpoint": work.ledger.head()},
        "counts": {
            **counts,
            "duplicates": counts["agency_items"] - counts["items"],
            "share_offline": _share(counts["verified_offline"], counts["items_referred"]),
        },
        "commands": _commands(scope) if to is None else {},
        "by_state": counted.by_state(operation),
        "by_provider": counted.by_provider(operation),
        "by_kind": counted.by_kind(operation),
        "by_provider_and_state": counted.by_provider_and_state(operation),
        "agencies": counted.agencies(operation),
        "requests": counted.requests(operation),
        "dispatches": counted.dispatches(operation),
        "clocks": counted.clocks(operation),
        "hours_to_removal": _spread([hour for part in hours.values() for hour in part]),
        "hours_to_removal_by_provider": {provider: _spread(part) for provider, part in hours.items()},
        "removals_by_day": counted.removals_by_day(operation),
        "survival": [
            {"days": day, "share": share, "at_risk": at_risk}
            for day, share, at_risk in kaplan_meier(
                [*((d, True) for d in back), *((d, False) for d in quiet)]
            )
        ],
    }
    return found


def _operation(work: Work, name: OperationId | None) -> dict[str, object] | None:
    if name is None:
        return None
    operation = work.operations.get(name)
    return {
        "id": operation.id,
        "title": operation.title,
        "lead": operation.lead,
        "agencies": list(operation.agencies),
        "opens_at": iso(operation.opens_at),
        "closes_at": iso(operation.closes_at),
        "hour_h": iso(operation.hour_h) if operation.hour_h else None,
        "released_at": iso(operation.released_at) if operation.released_at else None,
    }


def _spread(hours: Sequence[float]) -> dict[str, float | int | None]:
    ordered = sorted(hours)
    return {"n": len(ordered), "median": quantile(ordered, 0.5), "p90": quantile(ordered, 0.9)}


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _commands(scope: str) -> Mapping[str, str]:
    """How to list what each number counts."""
    every = f"staydown items{scope}"
    return {
        "items": every,
        "sightings": f"staydown sightings{scope}",
        "duplicates": f"staydown sightings{scope}",
        "assessed": f"{every} --facet assessed",
        "exempt": f"{every} --state exempt",
        "unsure": f"{every} --state unsure",
        "gone": f"{every} --state gone",
        "items_referred": f"{every} --facet referred",
        "verified_offline": f"{every} --facet verified",
        "refused": f"{every} --state refused",
        "geo_blocked": f"{every} --facet blocked",
        "matched": f"{every} --facet matched",
        "items_held": f"{every} --facet held",
        "holds": f"{every} --facet holding",
        "returned": f"staydown returns{scope} --state confirmed",
        "reappeared": f"{every} --state returned",
        "withdrawn": f"{every} --facet withdrawn",
        "reinstated": f"{every} --state reinstated",
        "requests": f"staydown requests{scope}",
        "clocks_running": f"staydown clocks{scope} --state running",
        "clocks_missed": f"staydown clocks{scope} --state lapsed --party agency",
        "clocks_lapsed": f"staydown clocks{scope} --state lapsed --party provider",
    }


def write_report(
    work: Work,
    reports: Mapping[str, Report],
    operation: OperationId | None,
    *,
    to: str,
    out: Path,
    language: str = "en",
) -> dict[str, object]:
    """Render the figures and write them to a file; gives its place, its SHA-256 and the figures.

    Raises:
        Invalid: There is no such rendering, or not in that language.
        Outside: The file cannot be written.
        NotFound: There is no such operation.
    """
    if to not in reports:
        raise Invalid(f"there is no report as {to!r}", hint=f"There is: {', '.join(sorted(reports))}.")
    found = figures(work, operation)
    body = reports[to].render(found, language=language)
    part = out.with_name(out.name + ".part")
    try:
        part.write_bytes(body)
        part.replace(out)
    except OSError as error:
        raise Outside(
            f"{out} cannot be written: {error.strerror}", hint="Name a place you may write to."
        ) from error
    return {"out": str(out), "sha256": hashlib.sha256(body).hexdigest(), "figures": found}
