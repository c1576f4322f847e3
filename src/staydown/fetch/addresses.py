"""Which IP addresses are public: our own table, not the standard library's.

The library's `is_global` differs between patch levels of Python and calls some addresses public that lead
inside (NAT64 of loopback, v4-compatible loopback, 3fff::/20 on every version tried).

Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries; RFC 6890, 5735, 6598, 2544, 5737, 1112,
4291, 4193, 3879, 3056, 4380, 6052, 8215, 6666, 3849, 9637, 9602, 7450, 7534, 7535.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address

NOT_PUBLIC_V4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), meaning)
    for network, meaning in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local, cloud metadata"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "AS112"),
        ("192.52.193.0/24", "AMT"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "AS112"),
        ("198.18.0.0/15", "benchmarks"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved, broadcast"),
    )
)
"""Every IPv4 network that is not public, with its meaning."""

NOT_PUBLIC_V6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), meaning)
    for network, meaning in (
        ("::/96", "unspecified, loopback, v4-compatible"),
        ("::ffff:0:0/96", "v4-mapped"),
        ("::ffff:0:0:0/96", "v4-translated"),
        ("64:ff9b::/96", "NAT64"),
        ("64:ff9b:1::/48", "local NAT64"),
        ("100::/64", "discard"),
        ("100:0:0:1::/64", "dummy"),
        ("2001::/23", "protocol assignments, Teredo, ORCHID, AMT, benchmarks"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("2620:4f:8000::/48", "AS112"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "unique-local"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
"""IPv6 networks that are not public, with their meaning."""

GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")
"""The only part of IPv6 that is given out; everything beside it is refused as well."""

LOOPBACK_V4 = IPv4Network("127.0.0.0/8")


@lru_cache(maxsize=65_536)
def read(text: str) -> Address:
    """The address a numeric text names, without a scope.

    Raises:
        ValueError: The text is no IP address in its usual form.
    """
    return ip_address(text.partition("%")[0])


@lru_cache(maxsize=65_536)
def meaning(ip: Address) -> str:
    """What makes an address unfit to be contacted; empty for a public one."""
    if isinstance(ip, IPv4Address):
        return next((words for network, words in NOT_PUBLIC_V4 if ip in network), "")
    found = next((words for network, words in NOT_PUBLIC_V6 if ip in network), "")
    if found or ip in GLOBAL_UNICAST_V6:
        return found
    return "not given out"


def is_public(ip: Address) -> bool:
    """Whether an address lies in the public internet; one that embeds another (NAT64, 6to4 ...) never does."""
    return not meaning(ip)


@lru_cache(maxsize=65_536)
def is_loopback(ip: Address) -> bool:
    """Whether an address is this machine: 127.0.0.0/8 or ::1, in no other spelling."""
    if isinstance(ip, IPv4Address):
        return ip in LOOPBACK_V4
    return int(ip) == 1
