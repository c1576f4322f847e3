"""Which RDAP server answers for a name, an IP address or an AS number (RFC 9224).

A bootstrap file says it as a list of entries and servers. The longest match wins: the most labels of a name, the
longest prefix of an address. Nothing here touches a file or the network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from staydown.core.errors import Invalid
from staydown.core.time import parse

MAX_BYTES = 4 * 1024 * 1024
"""IANA's longest file has 70 kB."""

_VERSION = re.compile(r"1\.\d+")
_LABELS = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_RANGE = re.compile(r"([0-9]{1,10})(?:-([0-9]{1,10}))?")
_URL = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]{1,5})?/[!-~]*", re.IGNORECASE)

Servers = tuple[str, ...]


class Sort(StrEnum):
    """The four files."""

    DNS = "dns"
    IPV4 = "ipv4"
    IPV6 = "ipv6"
    ASN = "asn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """One file, read."""

    sort: Sort
    publication: datetime
    description: str
    names: Mapping[str, Servers] = field(default_factory=dict)  #: by labels, small, without a last dot
    networks: Mapping[int, Mapping[int, Servers]] = field(
        default_factory=dict
    )  #: by prefix length, then by prefix
    ranges: tuple[tuple[int, int, Servers], ...] = ()  #: of AS numbers, both ends included

    def __len__(self) -> int:
        """How many entries it has."""
        return len(self.names) + sum(map(len, self.networks.values())) + len(self.ranges)

    def for_name(self, name: str) -> Servers:
        """The servers for a domain name in ASCII, best first; none if no entry fits."""
        labels = name.rstrip(".").lower().split(".")
        endings = [".".join(labels[at:]) for at in range(len(labels))]
        return next((self.names[one] for one in [*endings, ""] if one in self.names), ())

    def for_address(self, text: str) -> Servers:
        """The servers for an IP address; none if no prefix holds it, or it is none of this file's sort."""
        try:
            ip = ip_address(text)
        except ValueError:
            return ()
        if ip.version != (4 if self.sort is Sort.IPV4 else 6):
            return ()
        return next(
            (found[at] for length, found in self.networks.items() if (at := _prefix(ip, length)) in found), ()
        )

    def for_number(self, number: int) -> Servers:
        """The servers for an AS number; of ranges within ranges the narrowest one counts."""
        fitting = [one for one in self.ranges if one[0] <= number <= one[1]]
        return min(fitting, key=lambda one: one[1] - one[0])[2] if fitting else ()


def read_bootstrap(raw: bytes, sort: Sort) -> Bootstrap:
    """Read one file, and refuse it whole if any part of it is not as the standard says.

    Raises:
        Invalid: It is no such file; the message says what is wrong.
    """
    try:
        found = json.loads(raw) if len(raw) <= MAX_BYTES else None
    except (ValueError, RecursionError) as error:
        raise _wrong(sort, "it is not JSON") from error
    if not isinstance(found, dict):
        raise _wrong(sort, "it is no JSON object, or too long")
    if not (isinstance(found.get("version"), str) and _VERSION.fullmatch(found["version"])):
        raise _wrong(sort, "its version is not 1.x")
    services = found.get("services")
    if not isinstance(services, list) or not services:
        raise _wrong(sort, "it has no services")
    pairs = [pair for number, one in enumerate(services, 1) for pair in _service(sort, one, number)]
    description = found.get("description")
    return Bootstrap(
        sort=sort,
        publication=_published(sort, found.get("publication")),
        description=description if isinstance(description, str) else "",
        **_entries(sort, pairs),  # type: ignore[arg-type]
    )


def replaces(newer: Bootstrap, older: Bootstrap) -> None:
    """Let a fetched file take the place of one in use.

    Raises:
        Invalid: It is older, or so much shorter that something went wrong on the way.
    """
    if newer.publication < older.publication:
        raise _wrong(
            newer.sort,
            f"it is of {newer.publication:%Y-%m-%d}, older than that of {older.publication:%Y-%m-%d}",
        )
    if len(newer) * 2 < len(older):
        raise _wrong(newer.sort, f"it has {len(newer)} entries where {len(older)} were known")


def _service(sort: Sort, service: object, number: int) -> list[tuple[str, Servers]]:
    if not isinstance(service, list) or len(service) != 2:
        raise _wrong(sort, f"service {number} is no pair of entries and servers")
    entries, urls = service
    if not _are_texts(entries) or not _are_texts(urls):
        raise _wrong(sort, f"service {number} has no entries or no servers")
    for url in urls:
        if not _URL.fullmatch(url) or not url.endswith("/"):
            raise _wrong(sort, f"service {number} names {url[:80]!r}, which is no address of a server")
    servers = tuple(sorted(urls, key=lambda url: not url.lower().startswith("https:")))
    return [(entry, servers) for entry in entries]


def _entries(sort: Sort, pairs: Sequence[tuple[str, Servers]]) -> dict[str, object]:
    if sort is Sort.DNS:
        names: dict[str, Servers] = {}
        for entry, servers in pairs:
            name = entry.lower().rstrip(".")
            if name and not _LABELS.fullmatch(name):
                raise _wrong(sort, f"{entry[:80]!r} is no name")
            names[name] = servers
        return {"names": names}
    if sort is Sort.ASN:
        return {"ranges": tuple((*_range(entry), servers) for entry, servers in pairs)}
    networks: dict[int, dict[int, Servers]] = {}
    for entry, servers in pairs:
        network = _network(sort, entry)
        networks.setdefault(network.prefixlen, {})[_prefix(network.network_address, network.prefixlen)] = (
            servers
        )
    return {"networks": dict(sorted(networks.items(), reverse=True))}


def _network(sort: Sort, entry: str) -> IPv4Network | IPv6Network:
    try:
        network = ip_network(entry)
    except ValueError as error:
        raise _wrong(sort, f"{entry[:80]!r} is no range of IP addresses") from error
    if network.version != (4 if sort is Sort.IPV4 else 6):
        raise _wrong(sort, f"{entry[:80]!r} belongs into the other file")
    return network


def _range(entry: str) -> tuple[int, int]:
    found = _RANGE.fullmatch(entry)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if not first <= last < 1 << 32:
        raise _wrong(Sort.ASN, f"{entry[:80]!r} is no range of AS numbers")
    return first, last


def _prefix(ip: IPv4Address | IPv6Address, length: int) -> int:
    return int(ip) >> (ip.max_prefixlen - length)


def _published(sort: Sort, text: object) -> datetime:
    try:
        return parse(text if isinstance(text, str) else "")
    except Invalid as error:
        raise _wrong(sort, "it does not say when it was published") from error


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, str) for one in value)


def _wrong(sort: Sort, what: str) -> Invalid:
    return Invalid(
        f"the bootstrap file {sort}.json cannot be used: {what}",
        hint="The one in use stays. Fetch it again later: staydown site-bootstrap --refresh.",
    )
