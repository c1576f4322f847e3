"""Contacts out of RDAP answers, security.txt and curated tables, each with what it stands for.

A registrar, a network and whoever runs a site can each do something different, so none is merged with another and
none is dropped for a better one. Nothing here touches the network.

Source: RFC 9083, section 10.2.4 (roles); RFC 2142, section 2 and 4 (abuse@).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from staydown.reason.fronts import Front, Registry
from staydown.reason.rdap import Answer, Card, with_role
from staydown.reason.rooms import Room
from staydown.reason.rungs import Contact, ContactKind, Layer
from staydown.reason.securitytxt import SecurityText

INSTEAD = ("noc", "technical", "administrative")
"""Roles that are better than nothing where nobody is named for abuse."""
_FORMS = frozenset({"webform", "api"})


def of_network(answer: Answer, layer: Layer, party: str, source: str) -> tuple[Contact, ...]:
    """Who takes word of abuse of a network or an autonomous system; without one: its technical contacts, and a guess."""
    what = (
        f"network {', '.join(answer.ranges[:3]) or answer.handle}" if not answer.numbers else _system(answer)
    )
    named = [one.card for one in with_role(answer.entities, "abuse")]
    if found := once(_of_cards(named, layer, party, f"abuse of {what}", source)):
        return found
    others = [one.card for role in INSTEAD for one in with_role(answer.entities, role)]
    found = once(
        _of_cards(others, layer, party, f"technical contact of {what}, which names nobody for abuse", source)
    )
    hosts = dict.fromkeys(one.address.rpartition("@")[2] for one in found if one.kind is ContactKind.MAIL)
    return (*found, *(guess(host, layer, party) for host in [*hosts][:2]))


def of_registrar(answer: Answer, party: str, source: str) -> tuple[Contact, ...]:
    """Who takes word of abuse at the registrar: named inside it, beside it, or only its general address."""
    inside = [
        (one, tuple(with_role(one.entities, "abuse"))) for one in with_role(answer.entities, "registrar")
    ]
    named = [abuse.card for _, people in inside for abuse in people]
    own = _of_cards(named, Layer.REGISTRAR, party, "abuse of registrar", source)
    beside = [one.card for one in answer.role("abuse")]
    if found := once(
        [*own, *_of_cards(beside, Layer.REGISTRAR, party, f"abuse of domain {answer.name}", source)]
    ):
        return found
    general = [one.card for one, _ in inside]
    words = "registrar's general address; it names nobody for abuse"
    return once(_of_cards(general, Layer.REGISTRAR, party, words, source))


def of_front(front: Front, layer: Layer = Layer.CDN) -> tuple[Contact, ...]:
    """Where a front takes reports, and where authorities reach it."""
    source = front.source or "cdns.toml"
    form = Contact(
        layer=layer,
        party=front.name,
        address=front.form,
        kind=ContactKind.FORM,
        scope=f"reports to {front.name}",
        source=source,
    )
    police = Contact(
        layer=layer,
        party=front.name,
        address=front.police,
        kind=ContactKind.MAIL,
        scope=f"authorities only, at {front.name}",
        source=source,
    )
    return tuple(one for one in (form, police) if one.address)


def of_registry(registry: Registry) -> tuple[Contact, ...]:
    """What a registry publishes."""
    page = Contact(
        layer=Layer.REGISTRY,
        party=registry.name,
        address=registry.page,
        kind=ContactKind.FORM,
        scope="what the registry says of unlawful use",
        source=registry.source,
    )
    if not registry.mail:
        return (page,)
    mail = Contact(
        layer=Layer.REGISTRY,
        party=registry.name,
        address=registry.mail,
        kind=ContactKind.MAIL,
        scope=f"abuse of registry, for {registry.mail_for}",
        source=registry.source,
    )
    return (mail, page)


def of_room(room: Room) -> tuple[Contact, ...]:
    """A platform's contact points, as its room names them."""
    return tuple(
        Contact(
            layer=Layer.PAGE,
            party=room.title,
            address=one.address,
            kind=ContactKind.FORM if one.courier in _FORMS else ContactKind.MAIL,
            scope=f"takes {', '.join(sorted(one.instruments))} for items on {room.title}",
            source=one.source or f"room {room.name}",
        )
        for one in room.contacts
    )


def of_site(text: SecurityText, host: str, source: str, *, is_expired: bool) -> tuple[Contact, ...]:
    """Whom the site itself names for word of weaknesses: its own people, who are not an abuse desk."""
    late = f", expired {text.expires:%Y-%m-%d}" if is_expired and text.expires else ""
    return tuple(
        Contact(
            layer=Layer.PAGE,
            party=f"the site {host}",
            address=address.partition(":")[2] if kind is not ContactKind.FORM else address,
            kind=kind,
            scope=f"security of site {host}, not abuse{late}",
            source=source,
            warns=True,
        )
        for address in text.contacts
        for kind in [_KINDS[address.partition(":")[0].lower()]]
    )


_KINDS = {"mailto": ContactKind.MAIL, "tel": ContactKind.PHONE, "https": ContactKind.FORM}


def guess(domain: str, layer: Layer, party: str, *, warns: bool = False) -> Contact:
    """The address every operator is meant to read, which nobody published here."""
    return Contact(
        layer=layer,
        party=party,
        address=f"abuse@{domain}",
        kind=ContactKind.MAIL,
        scope=f"RFC 2142 guess for {domain}",
        source="RFC 2142",
        is_guess=True,
        warns=warns,
    )


def _of_cards(cards: Iterable[Card], layer: Layer, party: str, scope: str, source: str) -> Iterator[Contact]:
    for card in cards:
        for kind, addresses in (
            (ContactKind.MAIL, card.mails),
            (ContactKind.FORM, card.pages),
            (ContactKind.PHONE, card.phones),
        ):
            for address in addresses:
                yield Contact(
                    layer=layer,
                    party=card.organisation or card.name or party,
                    address=address,
                    kind=kind,
                    scope=scope,
                    source=source,
                )


def once(contacts: Iterable[Contact]) -> tuple[Contact, ...]:
    """Each address once by scope; what came first stays."""
    seen: dict[tuple[str, str], Contact] = {}
    for one in contacts:
        seen.setdefault((one.address.lower(), one.scope), one)
    return tuple(seen.values())


def _system(answer: Answer) -> str:
    first, last = answer.numbers or (0, 0)
    return f"AS{first}" if first == last else f"AS{first}-AS{last}"
