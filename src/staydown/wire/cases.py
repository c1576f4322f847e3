"""Holds and requests."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from staydown.core.request import Decision, DispatchState
from staydown.core.states import ClockState, HoldState, RequestState
from staydown.wire.base import Given, Instant, Key, Keys, Name, Number, OperationName, Spoken, Text, Told

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class NewHold(Given):
    """Items that others shall wait for."""

    items: Keys
    reason: Spoken
    until: Instant


class PlacedHolds(Told):
    """Holds that were placed, and the items for which they came too late."""

    holds: list[int]
    too_late_for: list[int]


class Hold(Told):
    """A hold, as deconfliction officers and its own agency see it; of others' not who placed it, nor why."""

    id: int
    item: int
    agency: str
    by: str | None
    reason: str | None
    placed_at: Instant
    until: Instant
    state: HoldState


class Reasoned(Given):
    """A decision with its reason."""

    reason: Spoken


class EndedHold(Told):
    """A hold after a decision about it."""

    id: int
    state: HoldState


class NewQuestion(Given):
    """Whether an item has to wait."""

    item: Key


class QuestionAnswer(Told):
    """The answer; whose hold it is does not come with it."""

    wait: bool


class Question(Told):
    """A question that another agency asked about an item the own one holds."""

    item: int
    agency: str
    at: Instant


class NewDispute(Given):
    """A disagreement with the holds on an item."""

    item: Key
    reason: Spoken


class Disputed(Told):
    """How many holds it concerns."""

    holds: int


class NewRequest(Given):
    """Assessed items to be put into requests, one provider each."""

    items: Annotated[list[Key], Field(max_length=1000)] = Field(
        default=[], description="Default: all that is ready."
    )
    instrument: Name = "referral"
    operation: OperationName | None = None
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")] = "en"


class LeftOut(Told):
    """An item that came into no request, and why."""

    item: int
    reason: str


class Proposed(Told):
    """A request that was made."""

    reference: str
    provider: str
    items: int


class Proposal(Told):
    """What became of the items."""

    requests: list[Proposed]
    left_out: list[LeftOut]


class RequestRow(Told):
    """A request in a list."""

    reference: str
    provider: str
    instrument: str
    agency: str
    operation: str | None
    state: RequestState
    version: int
    lines: int
    open: int = Field(description="Lines for which something is still asked.")
    proposed_at: Instant
    sent_at: Instant | None
    received_at: Instant | None


class RequestLine(Told):
    """One item of a request."""

    number: int
    item: int
    address: str
    open: bool
    dropped: bool
    decision: Decision | None


class RequestClock(Told):
    """A period that runs or ran."""

    kind: str
    party: str
    place: str
    state: ClockState
    started_at: Instant
    strict_end: Instant
    legal_end: Instant
    source: str


class RequestApproval(Told):
    """The second person's consent, in force."""

    by: str
    at: Instant
    expires_at: Instant
    digest: str


class RequestAttempt(Told):
    """One attempt to deliver."""

    attempt: int
    state: DispatchState
    intent_at: Instant
    message_id: str


class RequestAnswer(Told):
    """What the provider said about one line."""

    number: int
    decision: Decision
    reason: str
    at: Instant
    noted_at: Instant


class Request(RequestRow):
    """A request with all that belongs to it."""

    proposed_by: str | None = Field(description="Null for the provider's officer.")
    addressee: str
    contact_point: str
    courier: str
    subject: str
    language: str
    digest: str = Field(description="What an approval of it binds.")
    approval: RequestApproval | None
    items: list[RequestLine]
    clocks: list[RequestClock]
    attempts: list[RequestAttempt]
    answers: list[RequestAnswer]


class RequestText(Told):
    """The exact text that leaves."""

    reference: str
    subject: str
    cover: str
    lines: list[str] = Field(description="As they stand below the cover, those that dropped out left away.")
    digest: str
    exercise: bool


class NewApproval(Given):
    """The consent to exactly what was read."""

    digest: Digest
    looked: Annotated[list[Number], Field(max_length=10_000)] | None = Field(
        default=None,
        description="Numbers of the lines that were looked at, where not all: a look stands for another line only in a"
        " referral, where both have byte for byte the same media.",
    )


class Approval(Told):
    """A consent that was given."""

    reference: str
    state: RequestState
    digest: str
    expires_at: Instant


class NewWithdrawal(Given):
    """What is taken back, and why."""

    reason: Spoken
    items: Annotated[list[Key], Field(max_length=1000)] = Field(
        default=[], description="Default: the whole request."
    )


class Withdrawn(Told):
    """What was taken back."""

    reference: str
    state: RequestState
    items: int


class NewLineAnswer(Given):
    """What the provider says about one line."""

    number: Number
    decision: Decision
    reason: Text = ""
    at: Instant | None = Field(default=None, description="When it was decided; default: now.")
    on_terms: bool = Field(
        default=False,
        description="It acted on the ground of its own terms, not of law (for DSA, Art. 15(1)(b)).",
    )


class NewAnswer(Given):
    """What the provider says about lines of a request."""

    lines: Annotated[list[NewLineAnswer], Field(min_length=1, max_length=1000)]


class Standing(Told):
    """How a request stands."""

    reference: str
    state: RequestState
    version: int
