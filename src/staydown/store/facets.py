"""What a figure counts and what its list shows, said once: so that the two cannot differ."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, or_, true

from staydown.core.check import Sight
from staydown.core.ids import AgencyCode, OperationId
from staydown.core.states import HOLD_IN_FORCE, ItemState, ReturnState
from staydown.store.tables import (
    assessments,
    checks,
    holds,
    items,
    matches,
    operation_items,
    request_items,
    requests,
    returns,
    sightings,
    withdrawal_items,
    withdrawals,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Eyes:
    """For whom something is counted: others' sightings, assessments, requests and holds are no part of it."""

    agency: AgencyCode  #: who is told
    among: Collection[AgencyCode]  #: whose doings are counted


def of_ours(column: ColumnElement[str], eyes: Eyes | None) -> ColumnElement[bool]:
    """Rows of those whose doings are counted; without eyes of everybody."""
    return true() if eyes is None else column.in_(sorted(eyes.among))


def sees_wait(agency: AgencyCode) -> ColumnElement[bool]:
    """Items that an agency has sighted and assessed: of these it may know whether somebody asks to wait."""
    return and_(
        exists().where(sightings.c.item == items.c.id, sightings.c.agency == agency),
        exists().where(
            assessments.c.item == items.c.id,
            assessments.c.agency == agency,
            assessments.c.closed_at.is_(None),
        ),
    )


def on_list(operation: OperationId | None, *, merged: bool = False) -> ColumnElement[bool]:
    """Items of an operation, or all; what was merged into another item is none any more.

    Args:
        merged: Those that were merged, in place of the others.
    """
    is_item = items.c.merged_into.is_not(None) if merged else items.c.merged_into.is_(None)
    if operation is None:
        return is_item
    return is_item & exists().where(
        operation_items.c.item == items.c.id, operation_items.c.operation == operation
    )


def _holding(now: datetime) -> ColumnElement[bool]:
    return and_(
        holds.c.item == items.c.id,
        holds.c.state.in_([state.value for state in HOLD_IN_FORCE]),
        holds.c.until > now,
    )


def _held(now: datetime, eyes: Eyes | None) -> dict[str, ColumnElement[bool]]:
    """Items on hold once, and now; to an agency only its own holds, and what `wait` tells it."""
    held, holding = exists().where(holds.c.item == items.c.id), exists().where(_holding(now))
    if eyes is None:
        return {"held": held, "holding": holding}
    own = holds.c.agency == eyes.agency
    waits = holding & sees_wait(eyes.agency)
    return {
        "held": or_(exists().where(holds.c.item == items.c.id, own), waits),
        "holding": or_(exists().where(_holding(now), own), waits),
    }


def facets(now: datetime, eyes: Eyes | None = None) -> dict[str, ColumnElement[bool]]:
    """Conditions on items by the name under which they are counted and listed."""
    referred = exists().where(
        request_items.c.item == items.c.id,
        request_items.c.dropped_at.is_(None),
        requests.c.id == request_items.c.request,
        requests.c.sent_at.is_not(None),
        of_ours(requests.c.agency, eyes),
    )
    came_back = exists().where(returns.c.child == items.c.id, returns.c.state == ReturnState.CONFIRMED.value)
    blocked = exists().where(checks.c.item == items.c.id, checks.c.sight == Sight.BLOCKED.value)
    return {
        "assessed": exists().where(assessments.c.item == items.c.id, of_ours(assessments.c.agency, eyes)),
        "exempt": items.c.state == ItemState.EXEMPT.value,
        "unsure": items.c.state == ItemState.UNSURE.value,
        "gone": items.c.state == ItemState.GONE.value,
        "referred": referred,
        "verified": items.c.removed_at.is_not(None) & referred,
        "refused": items.c.state == ItemState.REFUSED.value,
        "blocked": referred & blocked & items.c.removed_at.is_(None),
        "matched": exists().where(matches.c.item == items.c.id),
        **_held(now, eyes),
        "returned": came_back,
        "reappeared": items.c.state == ItemState.RETURNED.value,
        "withdrawn": exists().where(
            withdrawal_items.c.item == items.c.id,
            withdrawals.c.id == withdrawal_items.c.withdrawal,
            requests.c.id == withdrawals.c.request,
            of_ours(requests.c.agency, eyes),
        ),
        "reinstated": items.c.state == ItemState.REINSTATED.value,
    }
