"""Which hosts can hold a public item, and which cannot.

This judges names as written; what a name resolves to is the fetcher's business.
Source: RFC 6761, RFC 6762, RFC 8375 and the special-purpose address registries of IANA.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

ORDINARY = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})")
"""A dotted name that ends in letters, in lower case: most hosts are done with this one look."""

INNER_NAMES = frozenset({"localhost", "local", "internal", "localdomain", "intranet", "lan", "corp", "home"})
_INNER_ENDINGS = (".home.arpa", ".in-addr.arpa", ".ip6.arpa")
# Addresses set aside for examples stand in exercises and tests as `.example` does; the fetcher refuses them.
_EXAMPLES = (
    IPv4Network("192.0.2.0/24"),
    IPv4Network("198.51.100.0/24"),
    IPv4Network("203.0.113.0/24"),
    IPv6Network("2001:db8::/32"),
)
_TRANSLATED = IPv6Network("64:ff9b::/96")


def why_not_public(host: str) -> str:
    """Why a host cannot hold a public item, or an empty text if it can.

    Args:
        host: As a WHATWG parser wrote it, without port and without a last dot.
    """
    if ORDINARY.fullmatch(host) and len(host) <= 253:
        inner = host.rpartition(".")[2] in INNER_NAMES or host.endswith(_INNER_ENDINGS)
        return f"{host} is a name for inner networks" if inner else ""
    if host.startswith("["):
        return _why_not_global(host[1:-1])
    if host.replace(".", "").isdigit():
        return _why_not_global(host)
    if "." not in host:
        return f"{host or 'an empty host'} is no public name: it has no dot"
    if len(host) > 253 or any(not 1 <= len(label) <= 63 for label in host.split(".")):
        return "the host name is too long, or a part of it is empty"
    return "" if host.rpartition(".")[2] not in INNER_NAMES else f"{host} is a name for inner networks"


def _why_not_global(text: str) -> str:
    try:
        number: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return f"{text} is no IP address"
    if isinstance(number, IPv6Address):
        number = _inside(number)
    if any(number.version == net.version and number in net for net in _EXAMPLES):
        return ""
    is_open = number.is_global and not number.is_multicast and not number.is_reserved
    return "" if is_open else f"{text} is not a public IP address"


def _inside(number: IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address carries, where it carries one."""
    if number in _TRANSLATED:
        return IPv4Address(int(number) & 0xFFFFFFFF)
    return number.ipv4_mapped or number.sixtofour or number
