"""Orders and what belongs to them: the office that issues, the facts of its footing, papers, scrutiny, letters."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from staydown.core.ids import AgencyCode, LetterId, PersonId, RequestId
from staydown.core.states import LetterState, OrderState, ScrutinyState


class PaperName(StrEnum):
    """One rendition of a form."""

    PDF = "pdf"
    JSON = "json"
    TEXT = "txt"
    SIGNED = "pdf-signed"  #: the PDF with the signature and its time stamp; outside what is approved


class Competence(StrEnum):
    """What the law lets an agency do."""

    REFER = "refer"  #: ask a provider to check against its own terms
    TCO_ISSUE = "tco-issue"  #: issue removal orders (Regulation (EU) 2021/784, Art. 12(1)(a))
    TCO_SCRUTINISE = "tco-scrutinise"  #: scrutinise those of others (Art. 12(1)(b))
    NATIONAL_ORDER = "national-order"  #: order under national law, in the form of DSA Art. 9
    TRUSTED_FLAGGER = "trusted-flagger"  #: DSA Art. 22


class Task(StrEnum):
    """What a competent authority of a state is there for (Regulation (EU) 2021/784, Art. 12(1))."""

    ISSUE = "issue"
    SCRUTINISE = "scrutinise"
    OVERSEE = "oversee"  #: specific measures; is told of final orders
    PENALISE = "penalise"


class Reach(StrEnum):
    """Who can see an item (Regulation (EU) 2021/784, Art. 2(3), recital 14)."""

    PUBLIC = "public"  #: a potentially unlimited number of persons
    OPEN_GROUP = "open-group"  #: whoever registers is let in without a person's decision
    CLOSED_GROUP = "closed-group"  #: a person decides who comes in
    PRIVATE = "private"  #: between a finite number of persons whom the sender chose
    UNKNOWN = "unknown"


class Asker(StrEnum):
    """Who set a scrutiny going (Regulation (EU) 2021/784, Art. 4(3) and (4))."""

    PROVIDER = "provider"
    CONTENT_PROVIDER = "content-provider"
    AUTHORITY = "authority"  #: the authority of establishment, by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What stands on the forms of an agency, and what it may do."""

    agency: AgencyCode
    state: str  #: ISO 3166-1 alpha-2
    kind: str  #: judicial, law_enforcement or other, as Annex I section E has it
    name: str
    address: str = ""
    tel: str = ""
    fax: str = ""
    email: str = ""
    feedback: str = ""  #: where a provider tells the time of removal, or asks
    competences: frozenset[Competence] = frozenset({Competence.REFER})
    redress_body: str = ""  #: before which an order can be challenged
    redress_deadline: str = ""  #: such as "30 days from receipt"
    redress_days: int = 0  #: the same in days; 0: not known
    redress_law: str = ""  #: link to the provisions
    legal_basis: str = ""  #: of national orders
    coordinator: str = ""  #: the Digital Services Coordinator that gets copies of national orders
    flagger_id: str = ""
    expertise: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A competent authority of a state, and where it takes mail; an agency uses it once two of its own persons named it."""

    id: int
    agency: AgencyCode
    state: str
    task: Task
    name: str
    contact_point: str
    courier: str
    language: str
    by: PersonId
    confirmed_by: PersonId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """One rendition, as it leaves."""

    name: PaperName
    media_type: str
    body: bytes

    @property
    def sha256(self) -> str:
        """In hex."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The law's side of a request that binds."""

    request: RequestId
    state: OrderState
    version: int
    issuing_state: str
    establishment_state: str | None  #: None: the provider has named none in the Union (Art. 16(2))
    facts: Mapping[str, object] = field(default_factory=dict)
    appeal_until: datetime | None = None
    secret_from: datetime | None = None  #: the decision that nobody tells the content provider
    secret_until: datetime | None = None
    secret_extended: bool = False
    final_at: datetime | None = None

    @property
    def crosses_border(self) -> bool:
        """Whether a copy goes to the authority of establishment (Art. 4(1))."""
        return self.establishment_state is not None and self.establishment_state != self.issuing_state


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One thing that happened to an order."""

    request: RequestId
    event: str
    at: datetime
    by: PersonId | None
    form: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrutiny:
    """One scrutiny of an order."""

    id: int
    request: RequestId
    asked_by: Asker
    party: str
    asked_at: datetime
    reasons: str
    state: ScrutinyState
    noticed_at: datetime | None = None
    decided_at: datetime | None = None
    decision: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A signatory's act over exactly what was approved."""

    id: int
    request: RequestId
    by: PersonId
    at: datetime
    digest: str
    reasons: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What leaves beside a request: first-contact information, a copy, a decision, a notice."""

    id: LetterId
    reference: str
    agency: AgencyCode
    request: RequestId | None
    form: str
    party: str
    addressee: str
    contact_point: str
    courier: str
    language: str
    subject: str
    text: str
    values: str
    pdf: bytes
    digest: str
    state: LetterState
    version: int
    by: PersonId
    at: datetime
    decides: bool = False
    enclosed: str = ""
    approved_by: PersonId | None = None
    signed_by: PersonId | None = None
    tried_at: datetime | None = None
    sent_at: datetime | None = None
    received_at: datetime | None = None


def papers_digest(papers: Sequence[Paper]) -> str:
    """SHA-256, in hex, over the name and hash of every rendition that was approved; none gives an empty text.

    A signed PDF is left out: the signature lies outside what is approved, over the very bytes of the PDF.
    """
    own = sorted((one.name.value, one.sha256) for one in papers if one.name is not PaperName.SIGNED)
    if not own:
        return ""
    return hashlib.sha256("".join(f"{name} {sha256}\n" for name, sha256 in own).encode()).hexdigest()


def letter_digest(letter: Letter) -> str:
    """What consent to a letter binds: text, PDF, values, addressee, contact point, courier, what is enclosed."""
    told = (
        letter.reference,
        letter.agency,
        letter.form,
        letter.addressee,
        letter.contact_point,
        letter.courier,
    )
    parts = [part.encode() for part in (*told, letter.subject, letter.text, letter.values, letter.enclosed)]
    digest = hashlib.sha256(b"staydown letter 1\n")
    for part in (*parts, letter.pdf):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
