"""Requests and what belongs to them: approval, dispatch, receipt, answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from staydown.core.ids import AgencyCode, ApprovalId, DispatchId, ItemId, OperationId, PersonId, RequestId
from staydown.core.states import RequestState


class DispatchState(StrEnum):
    """How far one attempt to deliver got; the intent is written before anything leaves."""

    INTENDED = "intended"  #: written; whether it left is not known
    SENT = "sent"  #: handed over; arrival not proved
    RECEIVED = "received"  #: arrival proved
    FAILED = "failed"  #: did not arrive, for certain


class Decision(StrEnum):
    """What a provider says about one item."""

    REMOVED = "removed"
    RESTRICTED = "restricted"  #: still there for some, such as outside a region
    REFUSED = "refused"
    PENDING = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One item of a request, as it will stand in the text."""

    item: ItemId
    number: int  #: counts from 1 and never changes, also when other lines drop out
    address: str
    digest: str  #: SHA-256 of the rendered line, in hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of one provider: one instrument, some items."""

    id: RequestId
    reference: str  #: names the request towards the provider; also the idempotency key
    provider: str
    instrument: str
    agency: AgencyCode
    operation: OperationId | None
    state: RequestState
    version: int
    proposed_by: PersonId
    proposed_at: datetime
    addressee: str
    contact_point: str
    courier: str
    cover: str  #: the text that stands above the lines
    cover_digest: str
    language: str
    issued_at: datetime | None = None  #: fixed before approval
    subject: str = ""
    sent_at: datetime | None = None
    received_at: datetime | None = None
    binding: bool = False  #: an order: it takes a third person, and is void whole
    papers_digest: str = ""  #: of its renditions, where it has some beside its text
    parent: RequestId | None = None  #: the order that this one takes the place of, on the same matter


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """The second person's consent to exactly these bytes."""

    id: ApprovalId
    request: RequestId
    by: PersonId
    at: datetime
    expires_at: datetime
    digest: str
    signature: int | None = None  #: of the third person, over the same digest; an order leaves only with one
    signed_by: PersonId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """A file that travels with a parcel."""

    name: str
    media_type: str
    body: bytes = field(repr=False)


def at_any_time() -> bool:
    """Nobody waits for it to begin."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What a courier carries: the approved text, less lines that dropped out."""

    reference: str
    contact_point: str
    sender: str  #: the issuing agency, never another one
    addressee: str
    subject: str
    text: str
    lines: tuple[Line, ...]
    message_id: str
    repeat: bool = False  #: a possible repeat of something that may have arrived
    exercise: bool = False
    withdrawal: bool = False
    enclosures: tuple[Enclosure, ...] = ()
    form: str = ""  #: the form it is drawn on, where it is on one
    may_begin: Callable[[], bool] = field(default=at_any_time, compare=False, repr=False)
    """Asked at the last moment before something leaves; after a no the courier sends nothing and says `begun=False`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the courier brought back."""

    state: DispatchState
    at: datetime | None = None  #: when the receiver says it arrived
    detail: str = ""
    temporary: bool = False  #: it did not arrive, but may if sent again as it is
    begun: bool = True  #: False: `may_begin` said no, and nothing left


NOT_BEGUN = Receipt(
    state=DispatchState.FAILED, detail="not begun: its turn came too late", temporary=True, begun=False
)
"""What a courier brings back where `may_begin` said no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """One attempt to deliver."""

    id: DispatchId
    request: RequestId
    attempt: int
    state: DispatchState
    intent_at: datetime
    message_id: str
    approval: ApprovalId | None = None  #: under which consent it was meant to leave


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAnswer:
    """What the provider said about one line."""

    number: int
    decision: Decision
    reason: str = ""
    at: datetime | None = None
    on_terms: bool = False  #: it acted on the ground of its own terms, not of law


def line_digest(number: int, address: str, ground: str) -> str:
    """SHA-256, in hex, of one line as it is rendered."""
    return hashlib.sha256(f"{number}\t{address}\t{ground}".encode()).hexdigest()


def approval_digest(request: Request, lines: Sequence[Line]) -> str:
    """What an approval binds: every text and paper that leaves, each line, sender, addressee, contact point, courier.

    Lines may drop out later, never be added or changed: each has its own hash under the approval.
    Every part is preceded by its length, so no two different sets of parts read alike.
    """
    told = (request.reference, request.agency, request.subject, request.cover, request.addressee)
    parts = [text.encode() for text in (*told, request.contact_point, request.courier)]
    for line in sorted(lines, key=lambda line: line.number):
        parts += [f"{line.number}:{line.item}:{line.digest}".encode(), line.address.encode()]
    if request.papers_digest:
        parts += [request.papers_digest.encode(), request.instrument.encode(), request.language.encode()]
    digest = hashlib.sha256(b"staydown approval 1\n")
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
