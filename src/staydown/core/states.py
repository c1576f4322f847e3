"""Every state table: item, request, hold, clock, presence (from checks) and return.

Whatever changes a state is here. Buttons, CHECK constraints, API docs and the diagrams in
docs/reference/states.md are drawn from these tables (`make states`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from staydown.core.errors import IllegalStep


class ItemState(StrEnum):
    """Where an item stands between its first sighting and its removal."""

    RECORDED = "recorded"  #: seen by an agency, not yet assessed
    UNSURE = "unsure"  #: somebody was in doubt: the item stops here until it is assessed again
    CLEARED = "cleared"  #: assessed as not terrorist content
    EXEMPT = "exempt"  #: journalism, research, art, education or counter-speech: protected
    ASSESSED = "assessed"  #: assessed as terrorist content, in no request
    PROPOSED = "proposed"  #: in a request that has not left
    GONE = "gone"  #: was offline before we asked; never credited to us
    REFERRED = "referred"  #: in a request that has left
    REFUSED = "refused"  #: the provider said no
    REMOVED = "removed"  #: offline by enough checks
    RETURNED = "returned"  #: was removed and is online again at the same address
    WITHDRAWN = "withdrawn"  #: the request was an error; the provider was told
    REINSTATED = "reinstated"  #: online again after a withdrawal
    MERGED = "merged"  #: proved to be another item, which now carries its sightings


class ItemEvent(StrEnum):
    """What can happen to an item."""

    FIND_TERRORIST = "find_terrorist"  #: a person found terrorist content and its ground
    FIND_CLEAR = "find_clear"  #: a person found nothing of the kind
    FIND_EXEMPT = "find_exempt"  #: a person found a protected purpose
    DOUBT = "doubt"  #: a person was unsure
    PROPOSE = "propose"  #: put into a request
    DROP = "drop"  #: taken out of a request that has not left
    VANISH = "vanish"  #: found offline before anything was sent
    REFER = "refer"  #: its request was sent
    REFUSE = "refuse"  #: the provider refused it
    VERIFY = "verify"  #: enough checks agree that it is offline
    REAPPEAR = "reappear"  #: a removed item was seen online again
    WITHDRAW = "withdraw"  #: the request for it was withdrawn after it left
    REINSTATE = "reinstate"  #: seen online again after the withdrawal
    MERGE = "merge"  #: proved to be another item, before anybody was asked for it
    SPLIT = "split"  #: the merge was an error: its assessments in force say where it stands


_I, _IE = ItemState, ItemEvent
_ASSESS: Mapping[ItemEvent, ItemState] = {
    _IE.FIND_TERRORIST: _I.ASSESSED,
    _IE.FIND_CLEAR: _I.CLEARED,
    _IE.FIND_EXEMPT: _I.EXEMPT,
    _IE.DOUBT: _I.UNSURE,
}

ITEM: Mapping[ItemState, Mapping[ItemEvent, ItemState]] = {
    _I.RECORDED: {**_ASSESS, _IE.VANISH: _I.GONE, _IE.MERGE: _I.MERGED},
    _I.UNSURE: {**_ASSESS, _IE.VANISH: _I.GONE, _IE.MERGE: _I.MERGED},
    _I.CLEARED: {**_ASSESS, _IE.MERGE: _I.MERGED},
    _I.EXEMPT: {**_ASSESS, _IE.MERGE: _I.MERGED},
    _I.ASSESSED: {**_ASSESS, _IE.PROPOSE: _I.PROPOSED, _IE.VANISH: _I.GONE, _IE.MERGE: _I.MERGED},
    _I.PROPOSED: {
        _IE.DROP: _I.ASSESSED,
        _IE.DOUBT: _I.UNSURE,
        _IE.FIND_EXEMPT: _I.EXEMPT,
        _IE.VANISH: _I.GONE,
        _IE.REFER: _I.REFERRED,
    },
    _I.GONE: {_IE.REAPPEAR: _I.RECORDED, _IE.MERGE: _I.MERGED},
    _I.REFERRED: {_IE.REFUSE: _I.REFUSED, _IE.VERIFY: _I.REMOVED, _IE.WITHDRAW: _I.WITHDRAWN},
    _I.REFUSED: {
        **_ASSESS,
        _IE.PROPOSE: _I.PROPOSED,
        _IE.VERIFY: _I.REMOVED,
        _IE.WITHDRAW: _I.WITHDRAWN,
    },
    _I.REMOVED: {_IE.REAPPEAR: _I.RETURNED, _IE.WITHDRAW: _I.WITHDRAWN},
    _I.RETURNED: {**_ASSESS, _IE.WITHDRAW: _I.WITHDRAWN, _IE.VERIFY: _I.REMOVED},
    _I.WITHDRAWN: {_IE.REINSTATE: _I.REINSTATED},
    _I.REINSTATED: {**_ASSESS},
    _I.MERGED: {_IE.SPLIT: _I.RECORDED},
}


class RequestState(StrEnum):
    """Where a request stands."""

    DRAFTED = "drafted"  #: being written, or sent back
    PROPOSED = "proposed"  #: waits for the second person
    APPROVED = "approved"  #: may leave while the approval is valid
    DISPATCHED = "dispatched"  #: sent; arrival not yet proved
    RUNNING = "running"  #: received by the provider
    ANSWERED = "answered"  #: the provider has answered every line
    CLOSED = "closed"  #: ended without a complete answer, by a person
    WITHDRAWN = "withdrawn"  #: taken back; an error is put right even after removal


class RequestEvent(StrEnum):
    """What can happen to a request."""

    PROPOSE = "propose"  #: put before the second person
    SEND_BACK = "send_back"  #: the second person wants it changed
    APPROVE = "approve"  #: the second person consents
    EXPIRE = "expire"  #: the approval ran out before it left
    DISPATCH = "dispatch"  #: it left
    BOUNCE = "bounce"  #: it could not be delivered
    RECEIVE = "receive"  #: arrival is proved
    ANSWER = "answer"  #: the last line was answered
    CLOSE = "close"  #: a person ends the wait
    WITHDRAW = "withdraw"  #: taken back


_R, _RE = RequestState, RequestEvent

REQUEST: Mapping[RequestState, Mapping[RequestEvent, RequestState]] = {
    _R.DRAFTED: {_RE.PROPOSE: _R.PROPOSED, _RE.WITHDRAW: _R.WITHDRAWN},
    _R.PROPOSED: {_RE.APPROVE: _R.APPROVED, _RE.SEND_BACK: _R.DRAFTED, _RE.WITHDRAW: _R.WITHDRAWN},
    _R.APPROVED: {_RE.DISPATCH: _R.DISPATCHED, _RE.EXPIRE: _R.PROPOSED, _RE.WITHDRAW: _R.WITHDRAWN},
    _R.DISPATCHED: {_RE.RECEIVE: _R.RUNNING, _RE.BOUNCE: _R.PROPOSED, _RE.WITHDRAW: _R.WITHDRAWN},
    _R.RUNNING: {_RE.ANSWER: _R.ANSWERED, _RE.CLOSE: _R.CLOSED, _RE.WITHDRAW: _R.WITHDRAWN},
    _R.ANSWERED: {_RE.WITHDRAW: _R.WITHDRAWN},
    _R.CLOSED: {_RE.WITHDRAW: _R.WITHDRAWN},
    _R.WITHDRAWN: {},
}
REQUEST_SENT = frozenset({_R.DISPATCHED, _R.RUNNING, _R.ANSWERED, _R.CLOSED})
"""States in which the provider has, or may have, the request."""


class HoldState(StrEnum):
    """Where a hold stands."""

    OPEN = "open"  #: others wait
    DISPUTED = "disputed"  #: both heads have been told; others still wait
    RELEASED = "released"  #: the holding agency let go
    EXPIRED = "expired"  #: its instant came
    OVERRULED = "overruled"  #: a signatory decided with written reasons


class HoldEvent(StrEnum):
    """What can happen to a hold."""

    DISPUTE = "dispute"  #: another agency disagrees
    UPHOLD = "uphold"  #: the disagreement ended in favour of the holder
    RELEASE = "release"  #: the holder lets go
    EXPIRE = "expire"  #: its instant came
    OVERRULE = "overrule"  #: a signatory decides otherwise, in writing


_H, _HE = HoldState, HoldEvent

HOLD: Mapping[HoldState, Mapping[HoldEvent, HoldState]] = {
    _H.OPEN: {_HE.DISPUTE: _H.DISPUTED, _HE.RELEASE: _H.RELEASED, _HE.EXPIRE: _H.EXPIRED},
    _H.DISPUTED: {
        _HE.UPHOLD: _H.OPEN,
        _HE.RELEASE: _H.RELEASED,
        _HE.EXPIRE: _H.EXPIRED,
        _HE.OVERRULE: _H.OVERRULED,
    },
    _H.RELEASED: {},
    _H.EXPIRED: {},
    _H.OVERRULED: {},
}
HOLD_IN_FORCE = frozenset({_H.OPEN, _H.DISPUTED})
"""States in which others wait."""


class ClockState(StrEnum):
    """Where a clock stands."""

    RUNNING = "running"  #: the period is not over
    MET = "met"  #: what it waited for came in time
    LAPSED = "lapsed"  #: its deadline passed first
    CANCELLED = "cancelled"  #: its request was withdrawn


class ClockEvent(StrEnum):
    """What can happen to a clock."""

    MEET = "meet"  #: what it waited for came
    LAPSE = "lapse"  #: its deadline passed
    CANCEL = "cancel"  #: nobody waits any more


_C, _CE = ClockState, ClockEvent

CLOCK: Mapping[ClockState, Mapping[ClockEvent, ClockState]] = {
    _C.RUNNING: {_CE.MEET: _C.MET, _CE.LAPSE: _C.LAPSED, _CE.CANCEL: _C.CANCELLED},
    _C.MET: {},
    _C.LAPSED: {},
    _C.CANCELLED: {},
}


class Presence(StrEnum):
    """What the checks of an item say together."""

    UNSEEN = "unseen"  #: nobody has looked
    ONLINE = "online"  #: the last telling check saw it
    DOUBTED = "doubted"  #: one check did not find it
    OFFLINE = "offline"  #: two checks apart in time agree


class PresenceEvent(StrEnum):
    """What one check can add."""

    SEE = "see"  #: online
    MISS = "miss"  #: offline
    MISS_AGAIN = "miss_again"  #: offline, long enough after the check that first missed it


_P, _PE = Presence, PresenceEvent

CHECK: Mapping[Presence, Mapping[PresenceEvent, Presence]] = {
    _P.UNSEEN: {_PE.SEE: _P.ONLINE, _PE.MISS: _P.DOUBTED},
    _P.ONLINE: {_PE.SEE: _P.ONLINE, _PE.MISS: _P.DOUBTED},
    _P.DOUBTED: {_PE.SEE: _P.ONLINE, _PE.MISS: _P.DOUBTED, _PE.MISS_AGAIN: _P.OFFLINE},
    _P.OFFLINE: {_PE.SEE: _P.ONLINE, _PE.MISS: _P.OFFLINE, _PE.MISS_AGAIN: _P.OFFLINE},
}


class ReturnState(StrEnum):
    """Where a suggested return stands."""

    SUGGESTED = "suggested"  #: a machine named signals and a score
    CONFIRMED = "confirmed"  #: a person says it is the same thing come back
    REJECTED = "rejected"  #: a person says it is not


class ReturnEvent(StrEnum):
    """What can happen to a suggested return."""

    CONFIRM = "confirm"  #: a person confirms
    REJECT = "reject"  #: a person rejects, also after a confirmation that was an error


_T, _TE = ReturnState, ReturnEvent

RETURN: Mapping[ReturnState, Mapping[ReturnEvent, ReturnState]] = {
    _T.SUGGESTED: {_TE.CONFIRM: _T.CONFIRMED, _TE.REJECT: _T.REJECTED},
    _T.CONFIRMED: {_TE.REJECT: _T.REJECTED},
    _T.REJECTED: {_TE.CONFIRM: _T.CONFIRMED},
}

State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)

TABLES: Mapping[str, Mapping[StrEnum, Mapping[StrEnum, StrEnum]]] = {
    "item": ITEM,  # type: ignore[dict-item]  # Mapping is invariant in its key; read-only here
    "request": REQUEST,  # type: ignore[dict-item]
    "hold": HOLD,  # type: ignore[dict-item]
    "clock": CLOCK,  # type: ignore[dict-item]
    "check": CHECK,  # type: ignore[dict-item]
    "return": RETURN,  # type: ignore[dict-item]
}
"""All tables by name, for the drawings and the schema."""


def step(table: Mapping[State, Mapping[Event, State]], state: State, event: Event) -> State:
    """The state after `event`.

    Raises:
        IllegalStep: The table has no such step; nothing changes.
    """
    row = table[state]
    if event not in row:
        open_steps = ", ".join(sorted(row)) or "none: this state is final"
        raise IllegalStep(
            f"{event.value!r} is not possible in {state.value!r}", hint=f"Open steps: {open_steps}."
        )
    return row[event]


def allows(table: Mapping[State, Mapping[Event, State]], state: State, event: Event) -> bool:
    """Whether `step` would succeed."""
    return event in table[state]


def sources(table: Mapping[State, Mapping[Event, State]], event: Event) -> frozenset[State]:
    """Every state from which `event` is possible: what a set-based update may touch."""
    return frozenset(state for state, row in table.items() if event in row)
