"""Reading RDAP answers: what a registry says about a domain, a network or an autonomous system.

Answers come from strangers. What is not of the right shape is left out, and no answer raises; texts are cut and
stripped of control characters. Nothing here touches the network.

Source: RFC 9083 (answers), RFC 7095 (jCard), RFC 8605 (contact-uri), RFC 9537 (redaction).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import ip_address, ip_network, summarize_address_range

from staydown.core.errors import Invalid
from staydown.core.time import parse

MAX_DEPTH = 6
"""Entities within entities; real answers have three."""
MAX_PARTS = 100
"""Of anything of which an answer may have many; more are left out."""
MAX_CHARS = 300

Table = Mapping[str, object]

_MAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{1,62}"
)
_PHONE = re.compile(r"\+?[0-9][0-9 ().,/-]{4,40}[0-9](?:;ext=[0-9]{1,10})?")
_PAGE = re.compile(r"https?://[!-~]{4,2000}", re.IGNORECASE)
_NUMBER = re.compile(r"(?:AS)?([0-9]{1,10})", re.IGNORECASE)
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


class Of(StrEnum):
    """What an answer is about."""

    DOMAIN = "domain"
    NETWORK = "ip network"
    AUTNUM = "autnum"
    ENTITY = "entity"
    NAMESERVER = "nameserver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where more is."""

    href: str
    rel: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Who somebody is, and how they are reached: the parts of a jCard that we use."""

    name: str = ""
    organisation: str = ""
    kind: str = ""
    mails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()  #: web forms (`contact-uri`) and web sites


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """Somebody, in a role."""

    handle: str = ""
    roles: tuple[str, ...] = ()
    card: Card = Card()
    public_ids: tuple[tuple[str, str], ...] = ()  #: (sort, id), such as ("IANA Registrar ID", "9999")
    entities: tuple[Entity, ...] = ()
    links: tuple[Link, ...] = ()

    @property
    def title(self) -> str:
        """What to call them."""
        return self.card.organisation or self.card.name or self.handle


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, such as `registration`."""

    action: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Words of the registry about its answer."""

    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a registry says."""

    of: Of
    handle: str = ""
    name: str = ""  #: of a domain: in ASCII, small
    unicode_name: str = ""
    status: tuple[str, ...] = ()  #: small, such as `client hold`
    events: tuple[Event, ...] = ()
    nameservers: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    entities: tuple[Entity, ...] = ()
    public_ids: tuple[tuple[str, str], ...] = ()
    notices: tuple[Notice, ...] = ()  #: remarks too
    ranges: tuple[str, ...] = ()  #: of a network, such as `192.0.2.0/24`
    numbers: tuple[int, int] | None = None  #: of an autonomous system, both ends included
    origins: tuple[int, ...] = ()  #: AS numbers that a network's answer names, in its registry's own way
    country: str = ""
    is_redacted: bool = False  #: parts were left out for privacy

    def role(self, role: str) -> tuple[Entity, ...]:
        """Who has a role, at the top of the answer."""
        return tuple(one for one in self.entities if role in one.roles)

    @property
    def registrar(self) -> Entity | None:
        """The registrar of a domain, where the answer names one."""
        return next(iter(self.role("registrar")), None)

    @property
    def registrars_own(self) -> str:
        """Where the registrar's own answer about the same domain is; empty where the registry says nothing."""
        fitting = [one for one in self.links if one.rel == "related" and "/domain/" in one.href.lower()]
        typed = [one for one in fitting if "rdap" in one.type]
        return next((one.href for one in typed or fitting), "")

    def happened(self, action: str) -> datetime | None:
        """When something happened last."""
        return max((one.at for one in self.events if one.action == action), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An answer of the protocol that says no (RFC 9083, section 6)."""

    code: int
    title: str


def read_answer(raw: bytes) -> Answer | Failure | None:
    """Read one answer; None where it is not RDAP at all."""
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    code = found.get("errorCode")
    if isinstance(code, int) and not isinstance(code, bool) and 100 <= code <= 999:
        return Failure(code=code, title=_text(found.get("title")))
    sort = found.get("objectClassName")
    if not isinstance(sort, str) or sort not in set(Of):
        return None
    return _answer(found, Of(sort))


def with_role(entities: tuple[Entity, ...], role: str, depth: int = 0) -> Iterator[Entity]:
    """Everybody in a role, those inside others too, outermost first."""
    yield from (one for one in entities if role in one.roles)
    if depth < MAX_DEPTH:
        for one in entities:
            yield from with_role(one.entities, role, depth + 1)


def _answer(found: Table, of: Of) -> Answer:
    notices = (_notice(one) for name in ("notices", "remarks") for one in _tables(found.get(name)))
    name = _text(found.get("ldhName")).lower().rstrip(".") if of is Of.DOMAIN else _text(found.get("name"))
    return Answer(
        of=of,
        handle=_text(found.get("handle")),
        name=name,
        unicode_name=_text(found.get("unicodeName")),
        status=_words(found.get("status")),
        events=tuple(one for part in _tables(found.get("events")) if (one := _event(part))),
        nameservers=_nameservers(found),
        links=_links(found),
        entities=_entities(found, 0),
        public_ids=_public_ids(found),
        notices=tuple(one for one in notices if one.title or one.text),
        ranges=_ranges(found) if of is Of.NETWORK else (),
        numbers=_numbers(found) if of is Of.AUTNUM else None,
        origins=_origins(found),
        country=_text(found.get("country"))[:2].upper(),
        is_redacted=bool(_tables(found.get("redacted"))) or _speaks_of_redaction(found),
    )


# --- parts -----------------------------------------------------------------------------------------


def _entities(found: Table, depth: int) -> tuple[Entity, ...]:
    if depth >= MAX_DEPTH:
        return ()
    return tuple(
        Entity(
            handle=_text(one.get("handle")),
            roles=_words(one.get("roles")),
            card=_card(one.get("vcardArray")),
            public_ids=_public_ids(one),
            entities=_entities(one, depth + 1),
            links=_links(one),
        )
        for one in _tables(found.get("entities"))
    )


def _card(value: object) -> Card:
    """A jCard: `["vcard", [[name, parameters, type, value, ...], ...]]`."""
    lines = value[1] if isinstance(value, list) and len(value) == 2 and value[0] == "vcard" else []
    texts: dict[str, list[str]] = {}
    for line in _list(lines):
        if isinstance(line, list) and len(line) >= 4 and isinstance(line[0], str) and not _is_fax(line[1]):
            texts.setdefault(line[0].lower(), []).extend(one for part in line[3:] if (one := _joined(part)))
    mails = [_bare(one, "mailto:") for one in texts.get("email", [])]
    phones = [_bare(one, "tel:") for one in texts.get("tel", [])]
    pages = [*texts.get("contact-uri", []), *texts.get("url", [])]
    return Card(
        name=next(iter(texts.get("fn", [])), ""),
        organisation=next(iter(texts.get("org", [])), ""),
        kind=next(iter(texts.get("kind", [])), ""),
        mails=_once(
            one for one in [*mails, *(_bare(page, "mailto:") for page in pages)] if _MAIL.fullmatch(one)
        ),
        phones=_once(one for one in phones if _PHONE.fullmatch(one)),
        pages=_once(one for one in pages if _PAGE.fullmatch(one)),
    )


def _is_fax(parameters: object) -> bool:
    sort = parameters.get("type") if isinstance(parameters, dict) else None
    return "fax" in (sort if isinstance(sort, list) else [sort])


def _joined(value: object) -> str:
    """A jCard value, which may be a list of texts."""
    if isinstance(value, list):
        return ", ".join(one for part in _list(value) if (one := _text(part)))[:MAX_CHARS]
    return _text(value)


def _links(found: Table) -> tuple[Link, ...]:
    return tuple(
        Link(href=href, rel=_text(one.get("rel")).lower(), type=_text(one.get("type")).lower())
        for one in _tables(found.get("links"))
        if isinstance(href := one.get("href"), str) and _PAGE.fullmatch(href)
    )


def _event(found: Table) -> Event | None:
    action, at = _text(found.get("eventAction")).lower(), found.get("eventDate")
    try:
        return Event(action=action, at=parse(at)) if action and isinstance(at, str) else None
    except Invalid:
        return None


def _notice(found: Table) -> Notice:
    lines = found.get("description")
    words = " ".join(_text(one) for one in (_list(lines) if isinstance(lines, list) else [lines]))
    return Notice(title=_text(found.get("title")), text=words.strip()[: MAX_CHARS * 4])


def _nameservers(found: Table) -> tuple[str, ...]:
    names = (_text(one.get("ldhName")).lower().rstrip(".") for one in _tables(found.get("nameservers")))
    return _once(one for one in names if _NAME.fullmatch(one))


def _public_ids(found: Table) -> tuple[tuple[str, str], ...]:
    pairs = (
        (_text(one.get("type")), _text(one.get("identifier"))) for one in _tables(found.get("publicIds"))
    )
    return tuple(pair for pair in pairs if all(pair))


def _ranges(found: Table) -> tuple[str, ...]:
    """The prefixes of a network: as given (extension cidr0), or from its first and last address."""
    given = []
    for one in _tables(found.get("cidr0_cidrs")):
        prefix = one.get("v4prefix") or one.get("v6prefix")
        try:
            given.append(str(ip_network(f"{prefix}/{one.get('length')}")))
        except ValueError:
            continue
    if given:
        return _once(given)
    try:
        first, last = ip_address(_text(found.get("startAddress"))), ip_address(_text(found.get("endAddress")))
        whole = summarize_address_range(first, last)
        return tuple(str(one) for one, _ in zip(whole, range(MAX_PARTS), strict=False))
    except (ValueError, TypeError):
        return ()


def _numbers(found: Table) -> tuple[int, int] | None:
    first, last = _number(found.get("startAutnum")), _number(found.get("endAutnum"))
    if first is None:
        first = _number(found.get("handle"))
    if first is None:
        return None
    return (first, first if last is None or last < first else last)


def _origins(found: Table) -> tuple[int, ...]:
    """AS numbers as ARIN, LACNIC and registro.br name them; the other registries name none."""
    names = ("arin_originas0_originautnums", "lacnic_originAutnum", "nicbr_autnum")
    values = [one for name in names for one in (_list(found.get(name)) or [found.get(name)])]
    return tuple(dict.fromkeys(one for value in values if (one := _number(value))))


def _speaks_of_redaction(found: Table) -> bool:
    return any(
        "redact" in f"{one.title} {one.text}".lower() for one in map(_notice, _tables(found.get("remarks")))
    )


# --- shapes ----------------------------------------------------------------------------------------


def _tables(value: object) -> list[Table]:
    return [one for one in _list(value) if isinstance(one, dict)]


def _list(value: object) -> list[object]:
    return value[:MAX_PARTS] if isinstance(value, list) else []


def _words(value: object) -> tuple[str, ...]:
    return _once(one for part in _list(value) if (one := _text(part).lower()))


def _text(value: object) -> str:
    if not isinstance(value, str):
        return ""
    plain = "".join(sign if sign.isprintable() else " " for sign in value[: MAX_CHARS * 4])
    return " ".join(plain.split())[:MAX_CHARS]


def _number(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 <= value < 1 << 32 else None
    found = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    return _number(int(found[1])) if found else None


def _bare(text: str, scheme: str) -> str:
    return text[len(scheme) :].partition("?")[0] if text.lower().startswith(scheme) else text


def _once(texts: Iterator[str] | list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
