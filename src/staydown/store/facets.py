"""What a figure counts and what its list shows, said once: so that the two cannot differ."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, exists

from staydown.core.check import Sight
from staydown.core.ids import OperationId
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
    withdrawal_items,
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


def facets(now: datetime) -> dict[str, ColumnElement[bool]]:
    """Conditions on items by the name under which they are counted and listed."""
    referred = exists().where(
        request_items.c.item == items.c.id,
        request_items.c.dropped_at.is_(None),
        requests.c.id == request_items.c.request,
        requests.c.sent_at.is_not(None),
    )
    holding = exists().where(
        holds.c.item == items.c.id,
        holds.c.state.in_([state.value for state in HOLD_IN_FORCE]),
        holds.c.until > now,
    )
    came_back = exists().where(returns.c.child == items.c.id, returns.c.state == ReturnState.CONFIRMED.value)
    blocked = exists().where(checks.c.item == items.c.id, checks.c.sight == Sight.BLOCKED.value)
    return {
        "assessed": exists().where(assessments.c.item == items.c.id),
        "exempt": items.c.state == ItemState.EXEMPT.value,
        "unsure": items.c.state == ItemState.UNSURE.value,
        "gone": items.c.state == ItemState.GONE.value,
        "referred": referred,
        "verified": items.c.removed_at.is_not(None) & referred,
        "refused": items.c.state == ItemState.REFUSED.value,
        "blocked": referred & blocked & items.c.removed_at.is_(None),
        "matched": exists().where(matches.c.item == items.c.id),
        "held": exists().where(holds.c.item == items.c.id),
        "holding": holding,
        "returned": came_back,
        "reappeared": items.c.state == ItemState.RETURNED.value,
        "withdrawn": exists().where(withdrawal_items.c.item == items.c.id),
        "reinstated": items.c.state == ItemState.REINSTATED.value,
    }
