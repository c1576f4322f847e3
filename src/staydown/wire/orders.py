"""Instruments on legal forms: footing, drawing up, signature, what is said of orders, letters, offices, authorities."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from staydown.core.order import Asker, Competence, Reach, Task
from staydown.core.states import LetterState, OrderState, RequestState, ScrutinyState
from staydown.law.footing import Standing
from staydown.law.matter import Force, Layer
from staydown.wire.base import Given, Instant, Key, Name, Number, OperationName, Spoken, Text, Told, Yes
from staydown.wire.cases import Digest, RequestClock

Long = Annotated[str, StringConstraints(max_length=100_000)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
State = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Values = Annotated[dict[str, Any], Field(max_length=200, description="Fields of the form by their keys.")]


class Said(Given):
    """What only a person can say when an instrument is chosen."""

    reach: Reach = Reach.UNKNOWN
    layer: Layer | None = Field(default=None, description="Null: as the provider's room has it.")
    serves_union: Yes | None = None
    threat_to_life: Yes = False
    emergency: Long = ""
    whole: Long = Field(default="", description="Reasons that cover the whole account, channel or site.")
    again: Long = ""
    reasons: Long = ""
    basis: Long = ""
    scope: Long = ""
    good_faith: Yes = False
    language: Annotated[str, StringConstraints(pattern=r"^([a-z]{2,3})?$")] = ""
    secret_from: Instant | None = None
    secret_until: Instant | None = None
    secret_reasons: Long = ""


class NewFooting(Given):
    """Items for which the fitting instrument is asked."""

    items: Annotated[list[Key], Field(min_length=1, max_length=100)]
    said: Said = Said()


class Finding(Told):
    """What one rule says."""

    rule: str
    force: Force
    source: str
    text: str


class Option(Told):
    """One instrument as it stands for an item, the least intrusive first."""

    item: int
    instrument: str
    standing: Standing
    why: list[str]
    findings: list[Finding]


class Options(Told):
    """All instruments for all items that were asked about."""

    rows: list[Option]


class NewOrder(Given):
    """An instrument to be drawn up on its form, for items of one provider."""

    items: Annotated[list[Key], Field(min_length=1, max_length=100)]
    instrument: Name
    said: Said = Said()
    values: Values = Field(default={})
    representative: Annotated[str, StringConstraints(max_length=500)] = Field(
        default="", description="Name, post and grade of whoever certifies an order."
    )
    file: Annotated[str, StringConstraints(max_length=200)] = ""
    operation: OperationName | None = None
    issue_at: Instant | None = None


class DrawnOrder(Told):
    """An instrument that was drawn up, and what still stands in its way."""

    reference: str
    instrument: str
    state: RequestState
    issued_at: Instant
    language: str
    findings: list[Finding]


class Paper(Told):
    """One rendition."""

    name: str
    sha256: str


class PlannedClock(Told):
    """A period that would start."""

    name: str
    source: str


class Consideration(Told):
    """All that the second and the third person have to see."""

    reference: str
    state: RequestState
    digest: str
    papers: list[Paper]
    missing: list[str]
    errors: list[str]
    findings: list[Finding]
    stopped: bool
    grounds: list[str]
    items: int
    evidence_kept: int
    wait: bool
    clocks: list[PlannedClock]
    persons: list[str]
    letters: list[str]
    text: str = Field(description="As it will leave; DRAFT, NOT AN ORDER stands above it until it may.")


class NewSignature(Given):
    """A signature over what was read."""

    digest: Digest
    reasons: Long = Field(default="", description="For what the law discourages, such as a second order.")


class Signed(Told):
    """An order that was signed; it leaves at its instant of issuing."""

    reference: str
    state: RequestState
    issued_at: Instant


class NewReceipt(Given):
    """By what it is proved that something arrived; a mail server's 250 is no proof."""

    at: Instant
    how: Spoken


class Feedback(Given):
    """Annex II or III as it came back."""

    values: Values


class Judged(Given):
    """What the authority makes of the provider's claim."""

    event: Literal["judged"]
    accepted: Yes
    reason: Spoken


class Resumed(Given):
    """The grounds ended, or the clarification was received."""

    event: Literal["resumed"]
    at: Instant
    reason: Spoken


class Informed(Given):
    """A content provider was informed."""

    event: Literal["informed"]
    at: Instant
    party: Name


class ScrutinyAsked(Given):
    """Somebody asked for scrutiny, or the authority of establishment began one."""

    event: Literal["scrutiny-asked"]
    asked_by: Asker
    party: Name
    at: Instant
    reason: Spoken


class ScrutinyNoticed(Given):
    """The authority of establishment told of its intention."""

    event: Literal["scrutiny-noticed"]
    scrutiny: Number
    at: Instant
    reason: Spoken


class ScrutinyDecided(Given):
    """The authority of establishment decided."""

    event: Literal["scrutiny-decided"]
    scrutiny: Number
    infringement: Yes
    at: Instant
    reason: Spoken


class Appealed(Given):
    """Somebody challenged it before a court."""

    event: Literal["appealed"]
    at: Instant
    court: Spoken
    by_provider: bool = Field(default=False, description="The hosting service provider brought it itself.")


class Reinstated(Given):
    """The provider says that it has put everything back."""

    event: Literal["reinstated"]
    at: Instant


class NewEvent(Given):
    """Something that was said or done about an order."""

    happened: Annotated[
        Judged
        | Resumed
        | Informed
        | ScrutinyAsked
        | ScrutinyNoticed
        | ScrutinyDecided
        | Appealed
        | Reinstated,
        Field(discriminator="event"),
    ]


class SilenceExtended(Given):
    """Non-disclosure, once more by six weeks."""

    decision: Literal["extend-silence"]
    reason: Spoken


class CourtDecided(Given):
    """What a court decided."""

    decision: Literal["court"]
    confirmed: Yes
    at: Instant
    reason: Spoken


class Finalised(Given):
    """The time to challenge it is over."""

    decision: Literal["final"]


class NewDecision(Given):
    """What a signatory says of an order that was issued."""

    decided: Annotated[SilenceExtended | CourtDecided | Finalised, Field(discriminator="decision")]


class OrderStanding(Told):
    """An order after something happened."""

    reference: str
    order: OrderState
    scrutiny: int | None = None


class Happened(Told):
    """One thing that happened."""

    event: str
    at: Instant
    by: str | None
    form: str | None


class Scrutiny(Told):
    """One scrutiny."""

    id: int
    asked_by: Asker
    party: str
    asked_at: Instant
    state: ScrutinyState
    noticed_at: Instant | None
    decided_at: Instant | None


class Order(Told):
    """How an order stands in law."""

    reference: str
    instrument: str
    order: OrderState
    issuing_state: str
    establishment_state: str | None
    appeal_until: Instant | None
    secret_until: Instant | None
    final_at: Instant | None
    history: list[Happened]
    scrutinies: list[Scrutiny]
    clocks: list[RequestClock]


class NewLetter(Given):
    """A letter to be drawn up; what follows from the record is filled in."""

    form: Name
    about: Name | None = Field(default=None, description="The order it is about.")
    to: Name | None = Field(default=None, description="A provider, where it is about no order.")
    state: State | None = Field(default=None, description="A state, whose authority it goes to.")
    values: Values = Field(default={})


class Letter(Told):
    """A letter."""

    reference: str
    form: str
    about: str | None
    addressee: str
    contact_point: str
    courier: str
    language: str
    state: LetterState
    by: str
    approved_by: str | None
    signed_by: str | None
    sent_at: Instant | None
    received_at: Instant | None
    digest: str
    text: str = Field(description="As it will leave; empty in a list.")


class Letters(Told):
    """Letters of the own agency."""

    rows: list[Letter]


class NewLetterConsent(Given):
    """Consent to, or signature of, a letter as it was read."""

    digest: Digest


class NewOffice(Given):
    """What stands on an agency's forms."""

    state: State
    kind: Literal["judicial", "law_enforcement", "other"]
    name: Name
    address: Text = ""
    tel: Text = ""
    fax: Text = ""
    email: Text = ""
    feedback: Text = ""
    competences: list[Competence] = Field(default=[Competence.REFER])
    redress_body: Text = ""
    redress_deadline: Text = ""
    redress_days: Annotated[int, Field(strict=True, ge=0, le=3650)] = 0
    redress_law: Text = ""
    legal_basis: Text = ""
    coordinator: Text = ""
    flagger_id: Text = ""
    expertise: Text = ""


class Office(Told):
    """What stands on an agency's forms."""

    agency: str
    state: str
    kind: str
    name: str
    address: str
    tel: str
    fax: str
    email: str
    feedback: str
    competences: list[Competence]
    redress_body: str
    redress_deadline: str
    redress_days: int
    redress_law: str
    legal_basis: str
    coordinator: str
    flagger_id: str
    expertise: str


class NewAuthority(Given):
    """The competent authority of a state and its address."""

    state: State
    task: Task = Task.SCRUTINISE
    name: Name
    contact_point: Name
    courier: Name = "mail"
    language: Language = "en"


class Authority(Told):
    """An authority; used once a second person has confirmed it."""

    id: int
    state: str
    task: Task
    name: str
    contact_point: str
    confirmed: bool


class Authorities(Told):
    """All that stand or wait."""

    rows: list[Authority]


class Confirmed(Told):
    """An address that a second person confirmed."""

    authority: int
    confirmed: bool
