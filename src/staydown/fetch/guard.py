"""The guard: which addresses may be asked at all, and where a name really leads.

Addresses are read as browsers read them (WHATWG), so that the guard, the matcher and a browser see one and
the same host. A name is resolved once, every answer is checked, and the checked address is the one that is
connected to.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

import can_ada

from staydown.core.errors import Outside, Refused
from staydown.fetch import addresses
from staydown.fetch.addresses import Address

Hosts = Mapping[str, tuple[str, int]]
"""Name -> (IP address, port); a name `*.x.example` stands for everything below `x.example`."""
Resolve = Callable[[str], list[str]]
"""Name -> numeric addresses; raises OSError or UnicodeError for a name that leads nowhere."""

MAX_ADDRESS_CHARS = 8192
PORTS = frozenset({80, 443})
MAIL_PORTS = frozenset({25, 587})
"""Ports on which a mail server offers STARTTLS."""
LOCAL_NAMES = ("localhost", "local", "internal", "onion", "home.arpa")
"""Endings that never lead into the public internet (RFC 6761, 6762, 7686, 8375; ICANN for `internal`)."""


class Policy(StrEnum):
    """Where the program may go."""

    PUBLIC = "public"  #: http and https on ports 80 and 443, public addresses only
    LOOPBACK = "loopback"  #: the exercise: this machine only; names come from the hosts table, never from DNS


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One address, read and found fit to be asked."""

    href: str  #: without fragment
    scheme: str
    host: str  #: as a browser sees it, IPv6 in brackets
    port: int
    path_qs: str
    ip: Address | None  #: where the host is a number

    @property
    def authority(self) -> str:
        """The Host header."""
        return self.host if self.port == _default_port(self.scheme) else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Place:
    """A checked end point."""

    ip: str
    port: int


class Guard:
    """Checks addresses before anything is contacted.

    Args:
        policy: Where the program may go.
        hosts: The hosts table of the exercise, or a function that gives the present one.
        resolve: In place of the system's resolver.
        relays: Hosts of mail servers named in the settings, which may stand inside the house, on any port.
        inside: An address whose origin (scheme, host and port, exactly) may stand inside the house: of an identity
            provider named in the settings. A guard that has one serves those asks alone.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        hosts: Hosts | Callable[[], Hosts] | None = None,
        resolve: Resolve | None = None,
        relays: Collection[str] = (),
        inside: str = "",
    ) -> None:
        self.policy = policy
        target = parse(inside) if inside else None
        self._inside = (target.scheme, target.host, target.port) if target else None
        self._hosts = hosts if callable(hosts) else (lambda: hosts or {})
        self._resolve = resolve or resolve_by_system
        self._relays = frozenset(_host_of(host) for host in relays)

    def read(self, address: str) -> Target:
        """Read an address and apply every rule that needs no resolution.

        Raises:
            Refused: Malformed, another scheme, user information, another port, an address that is not
                public (or, in the exercise, not loopback), or a name that cannot lead where we may go.
        """
        target = parse(address)
        if self._is_inside(target):
            return target
        if target.ip is not None:
            self.check(target.ip)
        elif self.policy is Policy.LOOPBACK:
            self._in_table(target.host)
        else:
            _check_name(target.host)
        if self.policy is Policy.PUBLIC and target.port not in PORTS:
            raise Refused(f"port {target.port} is neither 80 nor 443")
        return target

    def check(self, ip: Address) -> None:
        """Refuse an IP address that the policy does not allow.

        Raises:
            Refused: Not public; in the exercise: not loopback.
        """
        if self.policy is Policy.LOOPBACK:
            if not addresses.is_loopback(ip):
                raise Refused(f"{ip} is not this machine, and this is an exercise")
        elif why := addresses.meaning(ip):
            raise Refused(f"{ip} is not a public address ({why})")

    async def places(self, target: Target) -> tuple[Place, ...]:
        """Where a target leads: one resolution, every answer checked.

        Raises:
            Refused: One of the answers is not allowed, so none is used.
            Outside: The name leads nowhere.
        """
        if target.ip is not None:
            return (Place(str(target.ip), target.port),)
        if self.policy is Policy.LOOPBACK:
            return (self._in_table(target.host),)
        loop = asyncio.get_running_loop()
        if self._is_inside(target):
            return (Place(await loop.run_in_executor(None, self._relay, target.host, None), target.port),)
        return await loop.run_in_executor(None, self.resolved, target.host, target.port)

    def _is_inside(self, target: Target) -> bool:
        origin = (target.scheme, target.host, target.port)
        return self.policy is Policy.PUBLIC and origin == self._inside

    def known_place(self, target: Target) -> Place | None:
        """Where a target leads, if that needs no resolution."""
        if target.ip is not None:
            return Place(str(target.ip), target.port)
        return self._in_table(target.host) if self.policy is Policy.LOOPBACK else None

    def resolved(self, host: str, port: int) -> tuple[Place, ...]:
        """As `places`, for a name and outside the event loop."""
        try:
            found = self._resolve(host)
        except (OSError, UnicodeError) as error:
            raise Outside(f"{host} does not resolve ({error})") from error
        if not found:
            raise Outside(f"{host} does not resolve")
        for text in found:
            self.check(_numeric(text))
        return tuple(Place(text, port) for text in dict.fromkeys(found))

    def mailbox(self, host: str, port: int) -> tuple[str, int]:
        """A checked IP address and port of a mail server.

        Raises:
            Refused: The guard does not allow it.
            Outside: The name does not resolve.
        """
        name = _host_of(host)
        literal = _literal(name)
        if self.policy is Policy.LOOPBACK:
            place = self._in_table(name) if literal is None else Place(str(literal), port)
            self.check(_numeric(place.ip))
            return place.ip, place.port
        if name in self._relays:
            return self._relay(name, literal), port
        if port not in MAIL_PORTS:
            raise Refused(f"port {port} is no port for mail")
        if literal is not None:
            self.check(literal)
            return str(literal), port
        _check_name(name)
        place = self.resolved(name, port)[0]
        return place.ip, place.port

    def addresses(self, host: str) -> tuple[str, ...]:
        """The checked IP addresses of a host, each once, by the same resolution that every ask goes through.

        Raises:
            Refused: The guard does not allow one of them.
            Outside: The name does not resolve.
        """
        name = _host_of(host)
        literal = _literal(name)
        if literal is not None:
            self.check(literal)
            return (str(literal),)
        if self.policy is Policy.LOOPBACK:
            return (self._in_table(name).ip,)
        _check_name(name)
        return tuple(place.ip for place in self.resolved(name, 443))

    def _relay(self, name: str, literal: Address | None) -> str:
        if literal is not None:
            return str(literal)
        try:
            return self._resolve(name)[0]
        except (OSError, UnicodeError, IndexError) as error:
            raise Outside(f"{name} does not resolve ({error})") from error

    def _in_table(self, host: str) -> Place:
        table = self._hosts()
        name = host.rstrip(".")
        place = table.get(name)
        while place is None and "." in name:
            name = name.partition(".")[2]
            place = table.get(f"*.{name}")
        if place is None:
            raise Refused(f"{host} is not in the hosts table of the exercise")
        self.check(_numeric(place[0]))
        return Place(place[0], place[1])


def parse(address: str) -> Target:
    """Read an absolute http or https address as a browser does.

    Raises:
        Refused: It is none, it is longer than 8,192 characters, or it carries a user name or password.
    """
    if len(address) > MAX_ADDRESS_CHARS:
        raise Refused(f"the address is longer than {MAX_ADDRESS_CHARS} characters")
    try:
        url = can_ada.parse(address)
    except (ValueError, TypeError) as error:
        raise Refused("not an absolute address") from error
    scheme = url.protocol[:-1]
    if scheme not in {"http", "https"}:
        raise Refused(f"the scheme {scheme[:20]!r} is neither http nor https")
    if url.username or url.password:
        raise Refused("the address carries a user name or password")
    host = str(url.hostname)
    path_qs = url.pathname + url.search
    if not host or not path_qs.isascii() or not path_qs.isprintable() or " " in path_qs:
        raise Refused("not an address that can be asked for")
    return Target(
        href=f"{scheme}://{url.host}{path_qs}",
        scheme=scheme,
        host=host,
        port=int(url.port) if url.port else _default_port(scheme),
        path_qs=path_qs,
        ip=_literal(host),
    )


def resolve_by_system(host: str) -> list[str]:
    """All addresses of a name, by the system's resolver.

    Raises:
        OSError: The name does not resolve.
        UnicodeError: It is no name.
    """
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _literal(host: str) -> Address | None:
    if host[-1:] != "]" and not host[-1:].isdigit():
        return None  # a browser reads every host that ends in a number as an address
    try:
        return addresses.read(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def _numeric(text: str) -> Address:
    try:
        return addresses.read(text)
    except ValueError as error:
        raise Refused(f"{text[:60]!r} is no IP address") from error


def _check_name(host: str) -> None:
    name = host.rstrip(".").lower()
    if "." not in name:
        raise Refused(f"{host} is a name without a dot")
    if any(name == ending or name.endswith("." + ending) for ending in LOCAL_NAMES):
        raise Refused(f"{host} is a local name")


def _host_of(host: str) -> str:
    """A mail host's name in the form a browser would see, so that both guards read alike."""
    literal = _literal(host)
    if literal is not None:
        return f"[{literal}]" if literal.version == 6 else str(literal)
    if not host or any(sign in host for sign in "/\\?#@:"):
        raise Refused(f"{host[:60]!r} is no name of a mail host")
    return parse(f"http://{host}/").host
