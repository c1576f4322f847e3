"""The rungs of a site's ladder, made of what registries answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from staydown.flow import registries
from staydown.flow.asking import MAX_ADDRESSES, Heard, Search, ask_all, names_of
from staydown.ports import Ask
from staydown.reason import contacts
from staydown.reason.fronts import Front, recognise
from staydown.reason.rdap import Answer
from staydown.reason.rooms import Fit, Room
from staydown.reason.rungs import FOOTINGS, OWN_SITE, Contact, Layer, Rung
from staydown.reason.securitytxt import PLACES, read_security_text
from staydown.reason.web import WEB

ROOT = "https://www.iana.org/domains/root/db/{}.html"
"""Where IANA says who runs an ending."""


def is_at_home(room: Room, host: str) -> bool:
    """Whether a room stands for a service of its own at a host, not for software that others run."""
    if room.name == WEB.name or room.anywhere:
        return False
    above = {f"*.{host.split('.', at)[at]}" for at in range(1, host.count(".") + 1)}
    return (
        host in room.hosts
        or bool(above & room.hosts)
        or any(one.fullmatch(host) for one in room.host_patterns)
    )


def of_platform(room: Room, host: str) -> Rung:
    """A platform that is known, with its contact points."""
    footing = FOOTINGS[Layer.PAGE]
    if room.instruments:
        footing = replace(footing, fits=tuple(fit for fit in Fit if fit in room.instruments))
    found = contacts.of_room(room)
    return Rung(
        layer=Layer.PAGE,
        who=room.title,
        notes=(
            f"{host} is one of its hosts",
            *((f"established in {room.establishment}",) if room.establishment else ()),
        ),
        why_not="" if found else "where it takes mail of this kind is not known yet",
        found=tuple(one for one in (room.source or f"room {room.name}",) if one),
        contacts=found,
        footing=footing,
    )


def page(search: Search, *, touch: bool) -> Rung:
    """The site itself; or whoever gives out names and keeps what stands under them."""
    names = search.names
    if names.giver:
        return Rung(
            layer=Layer.PAGE,
            who=names.giver,
            notes=(f"gives out names below its own; {names.host} is one of them",),
            found=("Public Suffix List, private part",),
            contacts=(contacts.guess(names.giver, Layer.PAGE, names.giver),),
            footing=FOOTINGS[Layer.PAGE],
        )
    found, notes = _security_text(search) if touch else ((), ("the site itself was not asked",))
    fallback = [names.domain] if names.domain else []
    return Rung(
        layer=Layer.PAGE,
        who=f"the site {names.host}",
        notes=(*notes, "its own people read this: no address for a site that terrorists run"),
        found=tuple(dict.fromkeys(one.source for one in found)),
        contacts=(
            *found,
            *(contacts.guess(one, Layer.PAGE, f"the site {names.host}", warns=True) for one in fallback),
        ),
        footing=OWN_SITE,
        is_own=True,
    )


def _security_text(search: Search) -> tuple[tuple[Contact, ...], tuple[str, ...]]:
    host = search.names.host
    if host.endswith(".onion"):
        return (), ()
    for place in PLACES:
        (reply,) = search.tools.fetch.many([Ask(address=f"https://{host}{place}", max_bytes=64 * 1024)])
        text = read_security_text(reply.body) if reply.status == 200 else None
        if text is None:
            continue
        is_expired = text.is_expired(reply.at)
        notes = [f"security.txt policy: {text.policy}"] if text.policy else []
        if is_expired:
            notes.append(f"its security.txt expired on {text.expires:%Y-%m-%d}")
        return contacts.of_site(text, host, reply.address, is_expired=is_expired), tuple(notes)
    return (), ("it has no security.txt",)


@dataclass(frozen=True, slots=True)
class _Network:
    """One network in which a host has addresses."""

    ips: tuple[str, ...]
    answer: Answer
    source: str
    front: Front | None
    known_by: str = ""

    @property
    def holder(self) -> str:
        """Who holds it."""
        named = [one.title for role in ("registrant", "administrative") for one in self.answer.role(role)]
        return next((one for one in named if one), self.answer.name or self.answer.handle)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the answer says."""
        ranges = ", ".join(self.answer.ranges[:3])
        country = f", {self.answer.country}" if self.answer.country else ""
        return (
            f"{', '.join(self.ips)} in {self.answer.name or self.answer.handle} {ranges}{country}".strip(),
        )


def of_networks(search: Search, heard: Mapping[str, Heard]) -> list[Rung]:
    """Host, upstream network and front, from where the host's addresses lie."""
    networks = _networks(heard)
    silent = [f"{ip}: {one.why_not}" for ip, one in heard.items() if one.answer is None]
    hosts = [_host(one) for one in networks if one.front is None]
    if not hosts:
        names = " and ".join(dict.fromkeys(one.front.name for one in networks if one.front))
        why = (
            f"hidden behind {names}"
            if names
            else "; ".join(silent) or "the host has no IP address that could be found"
        )
        hosts = [Rung(layer=Layer.HOST, why_not=why, footing=FOOTINGS[Layer.HOST])]
    elif silent:
        hosts.append(Rung(layer=Layer.HOST, why_not="; ".join(silent), footing=FOOTINGS[Layer.HOST]))
    return [*hosts, *_upstream(search, [one for one in networks if one.front is None]), *_in_front(networks)]


def _networks(heard: Mapping[str, Heard]) -> list[_Network]:
    found: dict[object, _Network] = {}
    for ip, one in heard.items():
        if one.answer is None:
            continue
        key = (one.answer.handle, one.answer.ranges)
        if key in found:
            found[key] = replace(found[key], ips=(*found[key].ips, ip))
            continue
        titles = [
            entity.title for role in ("registrant", "administrative") for entity in one.answer.role(role)
        ]
        known = recognise(
            registries.fronts(), network=one.answer.name, holders=titles, numbers=one.answer.origins
        )
        front, known_by = known or (None, "")
        found[key] = _Network((ip,), one.answer, one.source, front, known_by)
    return list(found.values())


def _host(network: _Network) -> Rung:
    found = contacts.of_network(network.answer, Layer.HOST, network.holder, network.source)
    return Rung(
        layer=Layer.HOST,
        who=network.holder,
        notes=network.notes,
        why_not="" if found else "its network names no contact",
        found=(network.source,),
        contacts=found,
        footing=FOOTINGS[Layer.HOST],
    )


def _upstream(search: Search, networks: Sequence[_Network]) -> list[Rung]:
    """The autonomous systems that the networks' answers name."""
    footing = FOOTINGS[Layer.NETWORK]
    numbers = tuple(dict.fromkeys(number for one in networks for number in one.answer.origins))[
        :MAX_ADDRESSES
    ]
    if not numbers:
        why = "no answer names the autonomous system: look it up in routing data"
        return [
            Rung(layer=Layer.NETWORK, why_not=why if networks else "the host is not known", footing=footing)
        ]
    heard = ask_all(search, [(f"autnum/{one}", search.guide.for_number(one)) for one in numbers])
    rungs = []
    for number, one in zip(numbers, heard, strict=True):
        if one.answer is None:
            rungs.append(
                Rung(
                    layer=Layer.NETWORK,
                    who=f"AS{number}",
                    why_not=one.why_not,
                    found=_sources(one),
                    footing=footing,
                )
            )
            continue
        holder = next((entity.title for entity in one.answer.role("registrant")), one.answer.name)
        rungs.append(
            Rung(
                layer=Layer.NETWORK,
                who=holder or f"AS{number}",
                notes=(f"AS{number} {one.answer.name}".strip(),),
                found=(one.source,),
                contacts=contacts.of_network(one.answer, Layer.NETWORK, holder or f"AS{number}", one.source),
                footing=footing,
            )
        )
    return rungs


def _in_front(networks: Sequence[_Network]) -> list[Rung]:
    fronted = [one for one in networks if one.front]
    if not fronted:
        why = (
            "none of the known ones holds the host's addresses"
            if networks
            else "the host's network is not known"
        )
        return [Rung(layer=Layer.CDN, why_not=why, footing=FOOTINGS[Layer.CDN])]
    rungs: dict[str, Rung] = {}
    for one in fronted:
        assert one.front is not None
        front = one.front
        published = contacts.of_network(one.answer, Layer.CDN, front.name, one.source)
        notes = [*one.notes, f"recognised by {one.known_by}", *([front.note] if front.note else [])]
        if front.shared:
            notes.append("its networks hold sites of their own as well: it may be the host itself")
        before = rungs.get(front.name)
        rungs[front.name] = Rung(
            layer=Layer.CDN,
            who=front.name,
            notes=tuple(dict.fromkeys((*(before.notes if before else ()), *notes))),
            found=(*(before.found if before else ()), one.source),
            contacts=contacts.once(
                (*contacts.of_front(front), *(before.contacts if before else ()), *published)
            ),
            footing=FOOTINGS[Layer.CDN],
            hides=True,
            may_host=front.shared,
        )
    return list(rungs.values())


def of_nameservers(search: Search, domain: Heard) -> list[Rung]:
    """Who answers for the name."""
    footing = FOOTINGS[Layer.DNS]
    servers = domain.answer.nameservers if domain.answer else ()
    if not servers:
        why = domain.why_not or "the registry names no name servers: the name leads nowhere"
        return [Rung(layer=Layer.DNS, why_not=why, footing=footing)]
    rungs: dict[str, Rung] = {}
    for server in servers:
        front = next((one for one in registries.fronts() if one.answers(server)), None)
        zone = names_of(server).domain or server
        who = front.name if front else zone
        if who in rungs:
            rungs[who] = replace(rungs[who], notes=(f"{rungs[who].notes[0]}, {server}",))
            continue
        is_own = zone == search.names.domain
        known = contacts.of_front(front, Layer.DNS) if front else ()
        rungs[who] = Rung(
            layer=Layer.DNS,
            who=who,
            notes=(server,),
            why_not="the site's own name servers" if is_own else "",
            found=(domain.source,),
            contacts=known or (contacts.guess(zone, Layer.DNS, who, warns=is_own),),
            footing=footing,
            is_own=is_own,
        )
    return list(rungs.values())


def of_registrar(search: Search, domain: Heard, own: Heard) -> Rung:
    """Through whom the name was registered."""
    footing = FOOTINGS[Layer.REGISTRAR]
    heard = [one for one in (domain, own) if one.answer]
    registrar = next((who for one in heard if one.answer and (who := one.answer.registrar)), None)
    party = registrar.title if registrar else ""
    found = contacts.once(
        contact
        for one in heard
        if one.answer
        for contact in contacts.of_registrar(one.answer, party, one.source)
    )
    sure = [one for one in found if one.scope.startswith("abuse ")]
    if registrar is None and not found:
        why = domain.why_not or "the registry's answer names no registrar: ask the registry which one it is"
        return Rung(layer=Layer.REGISTRAR, why_not=why, found=_sources(domain), footing=footing)
    number = next(
        (known[1] for known in (registrar.public_ids if registrar else ()) if "iana" in known[0].lower()), ""
    )
    return Rung(
        layer=Layer.REGISTRAR,
        who=party or f"the registrar of {search.names.domain}",
        notes=(*((f"IANA id {number}",) if number else ()), *_of_domain(search, heard)),
        why_not="" if found else "its answer names no contact",
        found=tuple(one.source for one in heard),
        contacts=tuple(sure) or found,
        footing=footing,
    )


def _of_domain(search: Search, heard: Sequence[Heard]) -> list[str]:
    """What the answers say about the name itself."""
    notes = []
    first = heard[0].answer if heard else None
    if first and (registered := first.happened("registration")):
        notes.append(f"registered {registered:%Y-%m-%d}")
    if first and first.status:
        notes.append(f"status: {', '.join(first.status)}")
    if any(one.answer and one.answer.is_redacted for one in heard):
        notes.append("the registrant is withheld for privacy")
    if search.names.giver:
        notes.append(f"stands for {search.names.domain} as a whole, with the names of everybody below it")
    return notes


def of_registry(search: Search, domain: Heard) -> Rung:
    """Who runs the ending."""
    footing = FOOTINGS[Layer.REGISTRY]
    if not search.names.domain:
        return Rung(layer=Layer.REGISTRY, why_not=search.names.why_not, footing=footing)
    tld = search.names.domain.rpartition(".")[2]
    known = registries.registries().get(tld)
    if known is not None:
        return Rung(
            layer=Layer.REGISTRY,
            who=f"{known.name}, registry of .{tld}",
            notes=(f"{known.says} (looked up {known.looked_up})",),
            found=tuple(dict.fromkeys((known.source, *_sources(domain)))),
            contacts=contacts.of_registry(known),
            footing=footing,
        )
    return Rung(
        layer=Layer.REGISTRY,
        who=f"registry of .{tld}",
        notes=(f"who runs it stands at {ROOT.format(tld)}",),
        why_not="no contact of it is known here",
        found=_sources(domain),
        footing=footing,
    )


def _sources(heard: Heard) -> tuple[str, ...]:
    return (heard.source,) if heard.source else ()
