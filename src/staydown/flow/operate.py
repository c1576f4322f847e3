"""operate: agencies act in one window, and approved requests are released together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from staydown.core.errors import Invalid, NotFound
from staydown.core.ids import AgencyCode, ItemId, OperationId
from staydown.core.network import Operation
from staydown.core.people import Person
from staydown.core.rights import Relation, Verb
from staydown.core.states import RequestState
from staydown.core.time import iso
from staydown.ports.work import Work, WorkKind


def begin(
    work: Work,
    person: Person,
    name: OperationId,
    *,
    title: str,
    agencies: Sequence[AgencyCode],
    opens_at: datetime,
    closes_at: datetime,
    hour_h: datetime | None = None,
) -> Operation:
    """Set up an operation under the person's agency as its lead.

    Raises:
        NotEntitled: The person is no coordinator.
        Invalid: The window ends before it begins, hour H lies outside it, or the name is taken.
    """
    person.require(Verb.BEGIN_OPERATION)
    if closes_at <= opens_at:
        raise Invalid("the window ends before it begins")
    if hour_h is not None and not opens_at <= hour_h <= closes_at:
        raise Invalid("hour H lies outside the window")
    members = tuple(sorted({person.agency, *agencies}))
    operation = Operation(
        id=name,
        title=title,
        lead=person.agency,
        agencies=members,
        opens_at=opens_at,
        closes_at=closes_at,
        hour_h=hour_h,
    )
    for code in work.people.add_agencies(members):
        work.ledger.append("agency:code:added", f"agency:{code}", {"code": code})
    work.operations.add(operation)
    detail = {
        "agencies": list(members),
        "by": person.id,
        "hour_h": iso(hour_h) if hour_h else None,
        "lead": person.agency,
    }
    work.ledger.append("operation:window:opened", f"operation:{name}", detail)
    return operation


def joint(work: Work, person: Person, name: str) -> Operation:
    """An operation in which the person's agency takes part.

    Raises:
        NotFound: No such operation, or only others take part: both read alike.
    """
    operation = work.operations.get(OperationId(name))
    if person.agency not in operation.agencies:
        raise NotFound(f"there is no operation {name!r}", hint="staydown operation list shows them.")
    return operation


def add_items(work: Work, person: Person, name: OperationId, ids: Sequence[ItemId]) -> int:
    """Put items on an operation's list.

    Raises:
        NotEntitled: Neither analyst nor coordinator.
        NotFound: No such operation, or only others take part: both read alike.
    """
    person.require(Verb.ADD_TO_OPERATION, Relation.SHARED)
    joint(work, person, name)
    work.operations.add_items(name, ids)
    work.ledger.append("operation:items:added", f"operation:{name}", {"by": person.id, "items": list(ids)})
    return len(ids)


def release(work: Work, person: Person, name: OperationId) -> int:
    """Let everything that is approved leave now; what is approved later leaves at once. Gives how many.

    Raises:
        NotEntitled: The person does not coordinate for the lead agency.
        NotFound: No such operation.
    """
    operation = work.operations.get(name)
    person.require(Verb.RELEASE_OPERATION, within=operation.lead)
    with work.across():
        approved = [one.id for one in work.requests.listed(state=RequestState.APPROVED, operation=name)]
    work.operations.set_hour(name, work.now, released_at=work.now)
    work.queue.add(WorkKind.DISPATCH, approved, due_at=work.now, priority=1)
    work.ledger.append(
        "operation:requests:released", f"operation:{name}", {"by": person.id, "requests": approved}
    )
    return len(approved)
