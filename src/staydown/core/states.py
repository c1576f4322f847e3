"""Every state table: item, request, order, scrutiny, letter, hold, clock, presence (from checks) and return.

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
    CONSENTED = "consented"  #: the second person consented; an order waits for its signatory
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
    APPROVE = "approve"  #: the second person consents, and no third is needed
    CONSENT = "consent"  #: the second person consents to an order
    SIGN = "sign"  #: the signatory, a third person, issues the order
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
    _R.PROPOSED: {
        _RE.APPROVE: _R.APPROVED,
        _RE.CONSENT: _R.CONSENTED,
        _RE.SEND_BACK: _R.DRAFTED,
        _RE.WITHDRAW: _R.WITHDRAWN,
    },
    _R.CONSENTED: {
        _RE.SIGN: _R.APPROVED,
        _RE.EXPIRE: _R.PROPOSED,
        _RE.SEND_BACK: _R.DRAFTED,
        _RE.WITHDRAW: _R.WITHDRAWN,
    },
    _R.APPROVED: {_RE.DISPATCH: _R.DISPATCHED, _RE.EXPIRE: _R.PROPOSED, _RE.WITHDRAW: _R.WITHDRAWN},
    _R.DISPATCHED: {_RE.RECEIVE: _R.RUNNING, _RE.BOUNCE: _R.PROPOSED, _RE.WITHDRAW: _R.WITHDRAWN},
    _R.RUNNING: {_RE.ANSWER: _R.ANSWERED, _RE.CLOSE: _R.CLOSED, _RE.WITHDRAW: _R.WITHDRAWN},
    _R.ANSWERED: {_RE.WITHDRAW: _R.WITHDRAWN},
    _R.CLOSED: {_RE.WITHDRAW: _R.WITHDRAWN},
    _R.WITHDRAWN: {},
}
REQUEST_SENT = frozenset({_R.DISPATCHED, _R.RUNNING, _R.ANSWERED, _R.CLOSED})
"""States in which the provider has, or may have, the request."""


class OrderState(StrEnum):
    """Where an order stands in law, beside the way of its request."""

    DRAWN = "drawn"  #: drawn up; it has not been issued
    ISSUED = "issued"  #: signed and sent; receipt is not proved
    RUNNING = "running"  #: received: its hour runs
    IMPEDED = "impeded"  #: the provider says that it cannot execute it, or lacks something
    EXECUTED = "executed"  #: the provider says that it has removed or disabled
    APPEALED = "appealed"  #: challenged before a court
    FINAL = "final"  #: the time to challenge it is over, or a court has confirmed it
    CEASED = "ceased"  #: without legal effect: an infringement was found, or a court annulled it
    REVOKED = "revoked"  #: taken back by the authority that issued it
    REINSTATED = "reinstated"  #: what it had removed is there again


class OrderEvent(StrEnum):
    """What can happen to an order."""

    ISSUE = "issue"  #: it left, signed
    RECEIVE = "receive"  #: receipt is proved
    IMPEDE = "impede"  #: Annex III came: it cannot be executed, or something is wrong or lacking
    RESUME = "resume"  #: the grounds ended, or the clarification was received: the hour begins anew
    EXECUTE = "execute"  #: Annex II came
    APPEAL = "appeal"  #: somebody challenged it before a court
    CONFIRM = "confirm"  #: the court confirmed it
    ANNUL = "annul"  #: the court annulled it
    FINALISE = "finalise"  #: the time to challenge it ran out
    CEASE = "cease"  #: the authority of establishment found an infringement
    REVOKE = "revoke"  #: the issuing authority takes it back
    REINSTATE = "reinstate"  #: what it had removed was put back


_O, _OE = OrderState, OrderEvent
_VOID: Mapping[OrderEvent, OrderState] = {_OE.CEASE: _O.CEASED, _OE.REVOKE: _O.REVOKED}

ORDER: Mapping[OrderState, Mapping[OrderEvent, OrderState]] = {
    _O.DRAWN: {_OE.ISSUE: _O.ISSUED, _OE.REVOKE: _O.REVOKED},
    _O.ISSUED: {_OE.RECEIVE: _O.RUNNING, **_VOID},
    _O.RUNNING: {
        _OE.EXECUTE: _O.EXECUTED,
        _OE.IMPEDE: _O.IMPEDED,
        _OE.APPEAL: _O.APPEALED,
        _OE.FINALISE: _O.FINAL,
        **_VOID,
    },
    _O.IMPEDED: {
        _OE.IMPEDE: _O.IMPEDED,
        _OE.RESUME: _O.RUNNING,
        _OE.EXECUTE: _O.EXECUTED,
        _OE.APPEAL: _O.APPEALED,
        _OE.FINALISE: _O.FINAL,
        **_VOID,
    },
    _O.EXECUTED: {_OE.APPEAL: _O.APPEALED, _OE.FINALISE: _O.FINAL, **_VOID},
    _O.APPEALED: {
        _OE.EXECUTE: _O.APPEALED,
        _OE.IMPEDE: _O.APPEALED,
        _OE.RESUME: _O.APPEALED,
        _OE.CONFIRM: _O.FINAL,
        _OE.ANNUL: _O.CEASED,
        **_VOID,
    },
    _O.FINAL: {_OE.EXECUTE: _O.FINAL, _OE.ANNUL: _O.CEASED, **_VOID},
    _O.CEASED: {_OE.REINSTATE: _O.REINSTATED},
    _O.REVOKED: {_OE.REINSTATE: _O.REINSTATED},
    _O.REINSTATED: {},
}


class ScrutinyState(StrEnum):
    """Where the scrutiny of an order by the authority of establishment stands."""

    ASKED = "asked"  #: the provider or a content provider asked, or the authority began by itself
    NOTICED = "noticed"  #: the issuing authority was told of the intention and its reasons
    UPHELD = "upheld"  #: no infringement was found
    INFRINGED = "infringed"  #: an infringement was found: the order has no legal effect


class ScrutinyEvent(StrEnum):
    """What can happen to a scrutiny."""

    GIVE_NOTICE = "give_notice"  #: tell the issuing authority before an infringement is found
    UPHOLD = "uphold"  #: decide that there is none
    FIND = "find"  #: decide that there is one; only after notice


_S, _SE = ScrutinyState, ScrutinyEvent

SCRUTINY: Mapping[ScrutinyState, Mapping[ScrutinyEvent, ScrutinyState]] = {
    _S.ASKED: {_SE.GIVE_NOTICE: _S.NOTICED, _SE.UPHOLD: _S.UPHELD},
    _S.NOTICED: {_SE.UPHOLD: _S.UPHELD, _SE.FIND: _S.INFRINGED},
    _S.UPHELD: {},
    _S.INFRINGED: {},
}


class LetterState(StrEnum):
    """Where a letter stands: what leaves beside a request, such as first-contact information."""

    PROPOSED = "proposed"  #: waits for the second person
    CONSENTED = "consented"  #: a letter that decides waits for its signatory
    APPROVED = "approved"  #: may leave
    SENT = "sent"  #: handed over
    RECEIVED = "received"  #: arrival is proved
    DROPPED = "dropped"  #: not sent: a person said no, or it could not be delivered


class LetterEvent(StrEnum):
    """What can happen to a letter."""

    APPROVE = "approve"  #: the second person consents
    CONSENT = "consent"  #: the second person consents to a decision
    SIGN = "sign"  #: the signatory signs a decision
    SEND = "send"  #: it left
    RECEIVE = "receive"  #: arrival is proved
    DROP = "drop"  #: it will not be sent


_L, _LE = LetterState, LetterEvent

LETTER: Mapping[LetterState, Mapping[LetterEvent, LetterState]] = {
    _L.PROPOSED: {_LE.APPROVE: _L.APPROVED, _LE.CONSENT: _L.CONSENTED, _LE.DROP: _L.DROPPED},
    _L.CONSENTED: {_LE.SIGN: _L.APPROVED, _LE.DROP: _L.DROPPED},
    _L.APPROVED: {_LE.SEND: _L.SENT, _LE.DROP: _L.DROPPED},
    _L.SENT: {_LE.RECEIVE: _L.RECEIVED},
    _L.RECEIVED: {},
    _L.DROPPED: {},
}


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
    SUSPENDED = "suspended"  #: the provider claims that it does not run, and nobody has rejected that
    MET = "met"  #: what it waited for came in time
    LAPSED = "lapsed"  #: it was not done in time
    ENDED = "ended"  #: the period is over, and nobody was late: a wait, a power, a right
    CANCELLED = "cancelled"  #: its request was withdrawn


class ClockEvent(StrEnum):
    """What can happen to a clock."""

    MEET = "meet"  #: what it waited for came
    LAPSE = "lapse"  #: its deadline passed first
    END = "end"  #: its time is over
    SUSPEND = "suspend"  #: the provider claims impossibility, an error, or too little information
    RESTART = "restart"  #: it runs again: the grounds ended, a clarification was received, or the claim was rejected
    CANCEL = "cancel"  #: nobody waits any more


_C, _CE = ClockState, ClockEvent

CLOCK: Mapping[ClockState, Mapping[ClockEvent, ClockState]] = {
    _C.RUNNING: {
        _CE.MEET: _C.MET,
        _CE.LAPSE: _C.LAPSED,
        _CE.END: _C.ENDED,
        _CE.SUSPEND: _C.SUSPENDED,
        _CE.RESTART: _C.RUNNING,
        _CE.CANCEL: _C.CANCELLED,
    },
    _C.SUSPENDED: {_CE.MEET: _C.MET, _CE.RESTART: _C.RUNNING, _CE.CANCEL: _C.CANCELLED},
    _C.MET: {
        _CE.LAPSE: _C.LAPSED
    },  # a claim is rejected afterwards: by the authority's view it came too late
    _C.LAPSED: {
        _CE.SUSPEND: _C.SUSPENDED,
        _CE.RESTART: _C.RUNNING,
        _CE.MEET: _C.MET,
    },  # a claim comes late, or is accepted
    _C.ENDED: {},
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
    "order": ORDER,  # type: ignore[dict-item]
    "scrutiny": SCRUTINY,  # type: ignore[dict-item]
    "letter": LETTER,  # type: ignore[dict-item]
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
