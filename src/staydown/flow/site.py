"""Who can remove a site: from its address to the ladder of those who stand between it and its readers.

Everything is asked through the one guarded way out. What cannot be learnt is said, and never raised: a ladder with
holes is still a ladder. Nothing is chosen by machine; `suggest` gives a suggestion with its reason.

Source: RFC 9083 (answers), RFC 9116 (security.txt), RFC 2142 (abuse@).
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote, urlsplit

from staydown.core.errors import Invalid
from staydown.core.item import Refusal
from staydown.flow import layers, registries
from staydown.flow.asking import Heard, Search, addresses_of, ask_all, names_of, registrars_own
from staydown.ports import Catalogue
from staydown.ports.tools import Tools
from staydown.reason.rooms import Room
from staydown.reason.rungs import Ladder, suggest
from staydown.reason.web import WEB


def ladder(tools: Tools, address: str, *, whole: bool = False, touch: bool = True) -> Ladder:
    """Find who stands between a site and its readers, nearest to the content first.

    Args:
        whole: Also below a platform that is known; otherwise the platform alone is shown.
        touch: Ask the site itself for its security.txt. Whoever runs it can see that somebody asked.

    Raises:
        Invalid: The address names nothing on the web.
    """
    identity = tools.catalogue.identify(address)
    if isinstance(identity, Refusal):
        raise Invalid(f"{address[:200]} names no site: {identity.reason}", hint="Give a web address.")
    host = urlsplit(identity.address).hostname or ""
    if not host:
        raise Invalid(f"{identity.address} names no host", hint="Give a web address.")
    room = _keeper(tools.catalogue, identity.provider, host)
    platform = (layers.of_platform(room, host),) if room else ()
    names = names_of(host)
    bare = Ladder(address=identity.address, host=host, domain=names.domain, rungs=platform)
    if platform and not whole:
        return bare
    search = Search(tools, names, registries.guide(tools.settings.home))
    return _climb(search, bare, touch=touch)


def _keeper(catalogue: Catalogue, provider: str, host: str) -> Room | None:
    """The room of the service that keeps what stands at a host, also where the room cannot read the page's address."""
    rooms = [catalogue.room(provider)] if provider != WEB.name else catalogue
    return next((room for room in rooms if layers.is_at_home(room, host)), None)


def _climb(search: Search, bare: Ladder, *, touch: bool) -> Ladder:
    for used in search.guide.files.values():
        if used.refused:
            search.trouble(f"{used.bootstrap.sort}.json", used.refused, "The shipped file is used instead.")
    addresses = addresses_of(search)
    name = search.names.domain
    about_name = (f"domain/{name}", search.guide.for_name(name) if name else ())
    about_ips = [(f"ip/{quote(ip, safe=':')}", search.guide.for_address(ip)) for ip in addresses]
    domain, *networks = ask_all(search, [about_name, *about_ips])
    if not name:
        domain = Heard(why_not=search.names.why_not)
    own = registrars_own(search, domain)
    page = bare.rungs or (layers.page(search, touch=touch),)
    status = domain.answer.status if domain.answer else ()
    return replace(
        bare,
        addresses=addresses,
        status=tuple(dict.fromkeys((*status, *(own.answer.status if own.answer else ())))),
        rungs=(
            *page,
            *layers.of_networks(search, dict(zip(addresses, networks, strict=True))),
            *layers.of_nameservers(search, domain),
            layers.of_registrar(search, domain, own),
            layers.of_registry(search, domain),
        ),
        snags=tuple(dict.fromkeys(search.snags)),
    )


__all__ = ["ladder", "suggest"]
