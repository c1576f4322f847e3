"""What a rule of footing may ask about one item at one provider for one agency, and what it says; pure.

Source: Regulation (EU) 2021/784 (TCO), Regulation (EU) 2022/2065 (DSA), Directive (EU) 2016/680 (LED).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from staydown.core.assessment import Ground, Verdict
from staydown.core.item import ItemKind
from staydown.core.order import Competence, Reach
from staydown.law.states import EU

TCO = "Regulation (EU) 2021/784"
DSA = "Regulation (EU) 2022/2065"
LED = "Directive (EU) 2016/680"
HOUSE = "house rule, docs/decisions/0023"

REFERRAL, ABUSE_REPORT, NOTICE = "referral", "xarf", "dsa-art-16"
TCO_ORDER, NATIONAL_ORDER = "tco-annex-1", "dsa-art-9"
LADDER = (REFERRAL, ABUSE_REPORT, NOTICE, TCO_ORDER, NATIONAL_ORDER)
"""The instruments, the least intrusive first."""
ORDERS = frozenset({TCO_ORDER, NATIONAL_ORDER})
"""Those that bind: they take a signatory."""
WHOLE = frozenset(
    {ItemKind.ACCOUNT, ItemKind.CHANNEL, ItemKind.GROUP, ItemKind.BOT, ItemKind.SITE, ItemKind.APP}
)
"""Kinds that hold more than one thing: an order reaches content, so it takes reasons that cover the whole."""
SECRET_AT_MOST = timedelta(weeks=6)
"""How long a content provider may be left uninformed by one decision (TCO, Art. 11(3))."""
ENOUGH = 40
"""Reasons shorter than this, in characters, are taken for no "sufficiently detailed" statement."""


class Layer(StrEnum):
    """What a provider does with the item (TCO, Art. 2(1) and recitals 13 and 14; DSA, recital 29)."""

    HOSTING = "hosting"  #: stores it at the request of whoever provides it, and spreads it to the public
    CACHING = "caching"  #: content delivery, reverse proxy
    CONDUIT = "conduit"  #: the network it is carried over
    REGISTRAR = "registrar"
    REGISTRY = "registry"
    NAMES = "names"  #: name servers
    PAYMENT = "payment"
    SHIELD = "shield"  #: protection against overload
    MESSAGING = "messaging"  #: interpersonal communication
    CLOUD = "cloud"  #: infrastructure that the content provider did not order
    MEDIA = "media"  #: audiovisual media service


class Force(StrEnum):
    """What a finding does."""

    FORBIDS = "forbids"  #: cannot be approved
    WAITS = "waits"  #: cannot be signed before a wait is over, or is justified away
    NEEDS = "needs"  #: something is lacking that can be supplied
    DISCOURAGES = "discourages"  #: only with the signatory's reasons
    ADVISES = "advises"  #: stops nothing


class Outcome(StrEnum):
    """What became of an instrument that was used before for the item, or again and again at the provider."""

    OPEN = "open"  #: its answer is waited for
    REFUSED = "refused"
    SILENT = "silent"
    RETURNED = "returned"  #: it was removed, and came back there


class FirstContact(StrEnum):
    """How it stands with the information before an authority's first order to a provider (TCO, Art. 3(2))."""

    NONE = "none"
    WAITING = "waiting"  #: it has it; the twelve hours are not over
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """All that a rule may ask about one item at one provider, for one agency."""

    kind: ItemKind = ItemKind.POST
    reach: Reach = Reach.PUBLIC
    verdict: Verdict | None = Verdict.TERRORIST
    limbs: frozenset[Ground] = frozenset({Ground.INCITES})
    protected: bool = False  #: somebody found a protected purpose, or is in doubt about one
    held: bool = False
    kept: bool = True  #: evidence is kept, or its lack reasoned
    threat_to_life: bool = False
    provider: str = "the provider"
    layer: Layer = Layer.HOSTING
    serves_union: bool | None = True
    establishment: str | None = "IE"
    representative: str | None = None
    languages: tuple[str, ...] = ("en",)
    contacts: frozenset[str] = frozenset(LADDER)  #: instruments for which it has named a contact point
    is_small: bool | None = None  #: micro or small, so without duties of platforms (DSA, Art. 19)
    state: str = "BE"  #: of the agency
    competences: frozenset[Competence] = frozenset({Competence.REFER, Competence.TCO_ISSUE})
    language: str = "en"  #: in which it would go out
    forms: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  #: languages each form exists in; {}: all
    before: Mapping[str, Outcome] = field(default_factory=dict)
    order_in_force: bool = False  #: of whatever authority, on the same matter
    contact: FirstContact = FirstContact.DONE
    emergency: str = ""  #: why the twelve hours cannot be waited for
    whole: str = ""  #: reasons that cover the whole account, channel or site
    again: str = ""  #: reasons for what the law discourages
    reasons: str = "It calls by name for attacks on a made-up city and praises those who did."
    authority_known: bool = True  #: of establishment, with a confirmed contact point
    redress_known: bool = True
    basis: str = ""  #: provision of national law
    scope: str = ""  #: territorial, of a national order
    good_faith: bool = True
    secret_from: datetime | None = None
    secret_until: datetime | None = None

    @property
    def home(self) -> str | None:
        """The state whose authority has jurisdiction over the provider (TCO, Art. 16)."""
        return self.establishment if self.establishment in EU else self.representative

    @property
    def crosses_border(self) -> bool:
        """Whether a copy has to go to another state's authority (TCO, Art. 4(1))."""
        return self.home is not None and self.home != self.state


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one rule says."""

    rule: str
    force: Force
    source: str
    text: str  #: for a person who has to act on it


Rule = Callable[[Matter], Iterator[Finding]]


def said(rule: str, force: Force, source: str, text: str) -> Finding:
    return Finding(rule=rule, force=force, source=source, text=text)
