"""Asking registries: each question once, politely, and what cannot be learnt is said and never raised.

Source: RFC 9082 (queries), RFC 7480 (HTTP), RFC 9224 (whom to ask).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

from staydown.core.errors import Outside, Refused
from staydown.flow import registries
from staydown.ports import Ask, Reply, Trouble
from staydown.ports.tools import Tools
from staydown.reason.bootstrap import Servers
from staydown.reason.rdap import Answer, Failure, read_answer
from staydown.reason.rungs import Snag

MAX_ADDRESSES = 8
"""IP addresses of one host that are looked at."""
MAX_BYTES = 1024 * 1024
"""Of one answer; long ones have 50 kB."""
HEADERS = {"Accept": "application/rdap+json, application/json;q=0.9"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a host's name is made of."""

    host: str
    domain: str = ""  #: that somebody registered; empty for an IP address and for names outside the DNS
    giver: str = ""  #: whoever gives out names below a name of their own, such as a host of small sites
    why_not: str = ""  #: why there is no domain


@dataclass(frozen=True, slots=True)
class Heard:
    """A registry's answer to one question."""

    answer: Answer | None = None
    source: str = ""  #: where it came from
    why_not: str = ""


@dataclass(slots=True)
class Search:
    """One search under way, and the trouble it met."""

    tools: Tools
    names: Names
    guide: registries.Guide
    snags: list[Snag] = field(default_factory=list)

    def trouble(self, source: str, what: str, following: str) -> str:
        """Note trouble and what to do about it; gives the trouble in words."""
        self.snags.append(Snag(source=source, what=what, next=following))
        return what


def names_of(host: str) -> Names:
    """The registrable domain of a host, and who gives out the name if its own registrant does not."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        pass
    else:
        return Names(host=host, why_not=f"{host} is an IP address and has no domain")
    if host.endswith(".onion"):
        return Names(
            host=host,
            why_not="names in .onion are made from keys: nobody registers them, and no address shows",
        )
    registered, private = _suffixes()
    domain = registered.privatesuffix(host) or ""
    if not domain:
        return Names(host=host, why_not=f"{host} is an ending below which others register names")
    giver = private.publicsuffix(host) or ""
    is_given = giver != registered.publicsuffix(host) and host != giver
    return Names(host=host, domain=domain, giver=giver if is_given else "")


@cache
def _suffixes() -> tuple[PublicSuffixList, PublicSuffixList]:
    """The endings registries give out, and those with the endings of hosts of many sites."""
    return PublicSuffixList(only_icann=True), PublicSuffixList()


def addresses_of(search: Search) -> tuple[str, ...]:
    """The host's IP addresses, by the guard's own resolution."""
    host = search.names.host
    if host.endswith(".onion"):
        return ()
    try:
        return search.tools.fetch.addresses(host)[:MAX_ADDRESSES]
    except Refused as error:
        search.trouble(host, f"our own guard refuses it: {error}", "Look where the name leads, by hand.")
    except Outside as error:
        search.trouble(
            host, str(error), "The site may be off already. Look again later, and from another place."
        )
    return ()


def ask_all(search: Search, questions: Sequence[tuple[str, Servers]]) -> list[Heard]:
    """Put each question to its best server; where that one gives no answer, to one more."""
    first = {at: servers[0] + path for at, (path, servers) in enumerate(questions) if servers}
    replies = dict(zip(first, _many(search, list(first.values())), strict=True))
    again = {
        at: questions[at][1][1] + questions[at][0]
        for at, reply in replies.items()
        if _is_silent(reply) and len(questions[at][1]) > 1 and questions[at][1][1].startswith("https:")
    }
    replies |= dict(zip(again, _many(search, list(again.values())), strict=True))
    return [
        _heard(search, replies[at]) if at in replies else Heard(why_not=_nobody(path))
        for at, (path, _) in enumerate(questions)
    ]


def _many(search: Search, addresses: Sequence[str]) -> list[Reply]:
    asks = [Ask(address=one, headers=HEADERS, max_bytes=MAX_BYTES) for one in addresses]
    return search.tools.fetch.many(asks)


def _is_silent(reply: Reply) -> bool:
    return reply.trouble is not None or (reply.status or 0) >= 500


def _nobody(path: str) -> str:
    sort, _, what = path.partition("/")
    if sort == "domain":
        return f"no RDAP server is known for .{what.rpartition('.')[2]}: many registries of country codes have none"
    return f"no registry is known for {what}"


def _heard(search: Search, reply: Reply) -> Heard:
    """What a registry said, or why it said nothing."""
    source = reply.address
    if reply.trouble is Trouble.REFUSED:
        what = f"our own guard refused: {reply.detail}"
        return Heard(source=source, why_not=search.trouble(source, what, "Ask the registry by hand."))
    if reply.trouble is not None:
        what = f"no answer ({reply.trouble}: {reply.detail})"
        return Heard(source=source, why_not=search.trouble(source, what, "Try again later."))
    said = None if reply.cut else read_answer(reply.body)
    if reply.status == 404:
        return Heard(source=source, why_not="the registry knows no such thing")
    if reply.status == 200 and isinstance(said, Answer):
        return Heard(answer=said, source=source)
    what, following = _refusal(reply, said)
    return Heard(source=source, why_not=search.trouble(source, what, following))


def _refusal(reply: Reply, said: Answer | Failure | None) -> tuple[str, str]:
    """In words, what a registry answered instead, and what to do."""
    wait = "".join(sign for sign in reply.header("Retry-After")[:40] if sign.isprintable())
    told = f": {said.title}" if isinstance(said, Failure) and said.title else ""
    if reply.status == 429:
        length = f"{wait} seconds" if wait.isdecimal() else f"until {wait}" if wait else "some minutes"
        return f"asked too often (429){told}", f"Wait {length}, then run it again."
    if (reply.status or 0) >= 500:
        after = f" after {wait} seconds" if wait.isdecimal() else " later"
        return f"the registry's server is in trouble ({reply.status}){told}", f"Try again{after}."
    if reply.status == 200:
        sort = reply.header("Content-Type").partition(";")[0].strip()[:60] or "no type"
        return f"answered with something that is not RDAP ({sort})", "Look by hand."
    return f"refuses the question ({reply.status}){told}", "Look by hand."


def registrars_own(search: Search, domain: Heard) -> Heard:
    """The registrar's own answer, where the registry says where it is."""
    link = domain.answer.registrars_own if domain.answer else ""
    if not link or urlsplit(link).hostname == urlsplit(domain.source).hostname:
        return Heard()
    return _heard(search, _many(search, [link])[0])
