"""The ladder of a site: who stands between a reader and the content, nearest to it first.

What each layer can be asked for, on what footing and to what effect is a table. `suggest` names the nearest layer
that can be asked, with the reason; it decides nothing, a person does.

Source: Regulation (EU) 2021/784, Art. 2(1), recital 13; Regulation (EU) 2022/2065, Art. 4-6, 9, 16.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from staydown.reason.rooms import Fit


class Layer(StrEnum):
    """The layers, nearest to the content first."""

    PAGE = "page"  #: the page on a platform, or the site itself
    HOST = "host"  #: who runs the machine on which it lies
    NETWORK = "network"  #: the autonomous system through which the host is reached
    CDN = "cdn"  #: who passes the traffic on
    DNS = "dns"  #: who answers for the name
    REGISTRAR = "registrar"
    REGISTRY = "registry"


class ContactKind(StrEnum):
    """How a contact is reached."""

    MAIL = "mail"
    PHONE = "phone"
    FORM = "form"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One way to reach somebody, with what it stands for."""

    layer: Layer
    party: str  #: who is reached
    address: str
    kind: ContactKind
    scope: str  #: what it stands for, such as `abuse of network 192.0.2.0/24`
    source: str  #: the answer or table that says so
    is_guess: bool = False  #: nobody published it (RFC 2142)
    warns: bool = False  #: whoever runs the site reads it too


@dataclass(frozen=True, slots=True, kw_only=True)
class Footing:
    """What a layer can be asked for."""

    fits: tuple[Fit, ...]
    arguable: tuple[Fit, ...] = ()  #: of them: only after a lawyer has looked
    words: str
    request: str
    effect: str


FOOTINGS: Mapping[Layer, Footing] = {
    Layer.PAGE: Footing(
        fits=(Fit.REFERRAL, Fit.TCO_ORDER, Fit.DSA_NOTICE, Fit.DSA_ORDER),
        words="hosting service: Regulation (EU) 2021/784, Art. 3; Regulation (EU) 2022/2065, Art. 9 and 16",
        request="first choice: referral or order for the item alone",
        effect="the item is removed, and nothing else",
    ),
    Layer.HOST: Footing(
        fits=(Fit.ABUSE_REPORT, Fit.DSA_NOTICE, Fit.DSA_ORDER, Fit.TCO_ORDER),
        arguable=(Fit.TCO_ORDER,),
        words="hosting at the request of the site's owner: Regulation (EU) 2022/2065, Art. 9 and 16; whether an order "
        "under Regulation (EU) 2021/784 fits is arguable where the owner is the content provider",
        request="a notice with evidence, then an order",
        effect="the site is gone from this machine",
    ),
    Layer.NETWORK: Footing(
        fits=(Fit.DSA_ORDER, Fit.ABUSE_REPORT),
        words="mere conduit: Regulation (EU) 2022/2065, Art. 4 and 9; outside Regulation (EU) 2021/784",
        request="escalation, if the host is silent",
        effect="the host is urged, or its route is cut, with everything behind it",
    ),
    Layer.CDN: Footing(
        fits=(Fit.DSA_ORDER, Fit.ABUSE_REPORT),
        words="caching: Regulation (EU) 2022/2065, Art. 5 and 9; outside Regulation (EU) 2021/784, recital 13",
        request="forward the report to the host, and name the host to police",
        effect="the host becomes known; the site stays",
    ),
    Layer.DNS: Footing(
        fits=(Fit.DSA_ORDER, Fit.ABUSE_REPORT),
        words="mere conduit: Regulation (EU) 2022/2065, Art. 4 and 9; outside Regulation (EU) 2021/784",
        request="as to a CDN",
        effect="the name no longer leads anywhere, with all its pages and mail",
    ),
    Layer.REGISTRAR: Footing(
        fits=(Fit.DSA_ORDER, Fit.ABUSE_REPORT),
        words="mere conduit: Regulation (EU) 2022/2065, Art. 4 and 9; outside Regulation (EU) 2021/784, recital 13; "
        "acts on its terms, national law or an order: say which",
        request="abuse report; police of its own state: the contact it keeps for them day and night",
        effect="the whole name is put on hold (client hold), with all its pages; the site may move to another name",
    ),
    Layer.REGISTRY: Footing(
        fits=(Fit.DSA_ORDER,),
        words="mere conduit: Regulation (EU) 2022/2065, Art. 4 and 9",
        request="national order, court order or an understanding",
        effect="the whole name is put on hold (server hold), with all its pages",
    ),
}


OWN_SITE = Footing(
    fits=(Fit.DSA_NOTICE, Fit.REFERRAL, Fit.DSA_ORDER, Fit.TCO_ORDER),
    arguable=(Fit.DSA_NOTICE, Fit.TCO_ORDER),
    words="hosting service only for what others put there: Regulation (EU) 2022/2065, Art. 3(g), 16",
    request="only where others misuse a lawful site, such as a forum or after a break-in; never where terrorists run it",
    effect="the page is removed; or whoever runs the site is warned",
)
"""What the site itself can be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One layer of one site."""

    layer: Layer
    who: str = ""  #: empty where it could not be found
    notes: tuple[str, ...] = ()  #: what the answers say about it
    why_not: str = ""  #: why it could not be found, or cannot be asked
    found: tuple[str, ...] = ()  #: addresses of the answers, or the table, that say so
    contacts: tuple[Contact, ...] = ()
    footing: Footing
    is_own: bool = False  #: whoever runs the site itself: not to be asked where terrorists run it
    hides: bool = False  #: it stands before the host, which is not known
    may_host: bool = False  #: it stands before sites, and keeps sites as well

    @property
    def can_be_asked(self) -> bool:
        """Whether it is known, somebody else than the site, and has an address."""
        return bool(self.who and self.contacts) and not self.is_own

    @property
    def is_sure(self) -> bool:
        """Whether one of its contacts was published."""
        return any(not one.is_guess for one in self.contacts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snag:
    """Something that could not be learnt, and what to do about it."""

    source: str
    what: str
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """All that was found about a site."""

    address: str  #: canonical
    host: str
    domain: str = ""  #: the registrable one; empty where there is none
    addresses: tuple[str, ...] = ()
    status: tuple[str, ...] = ()  #: of the domain, as its registry says
    rungs: tuple[Rung, ...] = ()
    snags: tuple[Snag, ...] = ()

    def of(self, layer: Layer) -> tuple[Rung, ...]:
        """The rungs of a layer."""
        return tuple(rung for rung in self.rungs if rung.layer is layer)

    @property
    def contacts(self) -> tuple[Contact, ...]:
        """All contacts, nearest first; each with its scope."""
        return tuple(contact for rung in self.rungs for contact in rung.contacts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """The nearest rung that can be asked, and why; a person decides."""

    rung: Rung | None
    reason: str


HOLDS = ("client hold", "server hold")
"""Status of a domain that its registrar, or registry, took out of the DNS (RFC 8056)."""


def suggest(ladder: Ladder) -> Suggestion:
    """The layer nearest to the content that can be asked, with the reason in one sentence."""
    held = [one for one in ladder.status if one in HOLDS]
    if held:
        words = f"{ladder.domain} is on {' and '.join(held)}: its name leads nowhere already, so look again before asking"
        return Suggestion(rung=None, reason=words)
    page = next((rung for rung in ladder.of(Layer.PAGE) if rung.who and not rung.is_own), None)
    if page is not None:
        silent = "" if page.contacts else "; where it takes mail of this kind is not known yet"
        return Suggestion(rung=page, reason=f"{page.who} can remove this alone{silent}")
    for rung in ladder.of(Layer.HOST):
        if rung.can_be_asked:
            return Suggestion(rung=rung, reason=_host_words(rung, ladder))
    return _farther(ladder)


def _farther(ladder: Ladder) -> Suggestion:
    """What is left where no host can be asked."""
    front = next((rung for rung in ladder.of(Layer.CDN) if rung.hides), None)
    if front is not None:
        silent = "" if front.can_be_asked else ", by the way it publishes"
        does = (
            "only passes traffic on" if not front.may_host else "passes traffic on, or keeps the site itself"
        )
        wish = "name the host" if not front.may_host else "say which, and to name the host"
        words = f"{front.who} {does}: ask it{silent} to {wish}; the host is nearest but not known yet"
        return Suggestion(rung=front, reason=words)
    for layer, words in _FARTHER.items():
        rung = next((one for one in ladder.of(layer) if one.can_be_asked), None)
        if rung is not None:
            lost = (
                "the host could not be found"
                if not _is_known(ladder, Layer.HOST)
                else "the host has no contact"
            )
            return Suggestion(rung=rung, reason=f"{lost}; {rung.who} {words}{_guessed(rung)}")
    return Suggestion(
        rung=None, reason="nobody who could be asked was found; the troubles say what to do next"
    )


_FARTHER: Mapping[Layer, str] = {
    Layer.NETWORK: "carries it, and knows the host",
    Layer.REGISTRAR: "can put the whole name on hold, with all its pages",
    Layer.DNS: "answers for the whole name, with all its pages",
    Layer.REGISTRY: "can put the whole name on hold, which takes an order",
}
"""Whom to ask next, and why, where neither host nor front can be asked."""


def _host_words(rung: Rung, ladder: Ladder) -> str:
    more = len([one for one in ladder.of(Layer.HOST) if one.can_be_asked]) - 1
    others = f"; {more} more host{'s' if more > 1 else ''} must be asked as well" if more else ""
    return (
        f"{rung.who} keeps the content: it can take this site down and nothing else{others}{_guessed(rung)}"
    )


def _guessed(rung: Rung) -> str:
    return "" if rung.is_sure else "; its contact is only a guess"


def _is_known(ladder: Ladder, layer: Layer) -> bool:
    return any(rung.who for rung in ladder.of(layer))
