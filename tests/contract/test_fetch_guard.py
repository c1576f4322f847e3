"""The guard: what leads inside is refused before anything is contacted (SSRF)."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staydown.core.errors import Outside, Refused
from staydown.fetch import Guard, GuardedFetch, Policy, addresses
from staydown.fetch.pool import Pool
from staydown.fetch.wire import Answer, Trip
from staydown.ports import Ask, Trouble

PUBLIC_IP = "93.184.216.34"
NOT_PUBLIC = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.255.255.254/",
    "http://0x7f.1/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://2130706433/",
    "http://017700000001/",
    "http://127.0.0.1./",
    "http://0/",
    "http://0.0.0.0/",
    "http://①②⑦.⓪.⓪.①/",
    "http://１２７.０.０.１/",
    "http://127。0。0。1/",
    "http://%31%32%37.0.0.1/",
    "http://0x7f.0x0.0x0.0x1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::10.0.0.1]/",
    "http://[64:ff9b:1::1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a00:1::1]/",
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[3fff:fff::1]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[fc00::1]/",
    "http://[fd12:3456::1]/",
    "http://[ff02::1]/",
    "http://[100::1]/",
    "http://[5f00::1]/",
    "http://[4000::1]/",
    "http://[2001:2::1]/",
    "http://[2001:10::1]/",
    "http://[2001:20::1]/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://100.127.255.255/",
    "http://169.254.169.254/",
    "http://192.0.0.1/",
    "http://192.0.0.170/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://198.18.0.1/",
    "http://198.19.255.255/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://224.0.0.1/",
    "http://239.255.255.255/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "https://127.0.0.1/",
    "http://192.168.0.1:443/",
    "http:127.0.0.1/",
    "http:\\\\127.0.0.1\\x",
    "http:///127.0.0.1/",
    "http://127.0.0.1#@a.example/",
    "http://127.0.0.1?@a.example/",
    "http://a.example@127.0.0.1/",
    "http://127.0.0.1\\@a.example/",
]
NOT_ALLOWED = [
    "ftp://a.example/", "file:///etc/hostname", "gopher://a.example/", "data:text/html,x", "javascript:void(0)",
    "ws://a.example/", "ldap://a.example/", "//a.example/", "a.example", "", " ", "http://", "http://a b/",
    "http://a.example:22/", "http://a.example:8080/", "http://a.example:81/", "https://a.example:65536/",
    "http://user@a.example/", "http://user:word@a.example/", "http://:word@a.example/", "http://localhost/",
    "http://LOCALHOST/", "http://localhost./", "http://x.localhost/", "http://printer.local/", "http://intranet/",
    "http://metadata.google.internal/", "http://x.home.arpa/", "http://[fe80::1%25eth0]/", "http://[::1", "http://1.2.3.4.5/",
    "http://0x100000000/", "http://a\x00.example/", "http://a%00.example/", "\ud800", "http://" + "a" * 9000 + ".example/",
]  # fmt: skip
NAMES = {
    "private.example": ["10.0.0.1"],
    "loopback.example": ["127.0.0.1"],
    "mixed.example": [PUBLIC_IP, "192.168.0.1"],
    "mixed6.example": [PUBLIC_IP, "fe80::1%eth0"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "metadata.example": ["169.254.169.254"],
    "odd.example": ["not an address"],
}


class Contacts:
    """Every connection this process tried while `on`."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[object] = []

    def hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.on and event in {"socket.connect", "socket.sendto", "socket.getaddrinfo"}:
            self.seen.append((event, arguments[-1] if event != "socket.getaddrinfo" else arguments[0]))


CONTACTS = Contacts()
sys.addaudithook(CONTACTS.hook)


@pytest.fixture
def contacts() -> Iterator[Contacts]:
    CONTACTS.seen.clear()
    CONTACTS.on = True
    yield CONTACTS
    CONTACTS.on = False


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as plug:
        plug.bind(("127.0.0.1", 0))
        plug.listen()
        plug.settimeout(0.05)
        yield plug


@pytest.fixture
def public() -> Iterator[GuardedFetch]:
    fetch = GuardedFetch(Policy.PUBLIC, resolve=lambda host: NAMES[host])
    yield fetch
    fetch.close()


def test_the_battery_is_large_enough() -> None:
    assert len(NOT_PUBLIC) + len(NOT_ALLOWED) + len(NAMES) >= 110


def test_the_battery_contacts_nothing(public: GuardedFetch, contacts: Contacts) -> None:
    battery = [*NOT_PUBLIC, *NOT_ALLOWED, *(f"http://{name}/" for name in NAMES)]
    for reply in public.many([Ask(address=address) for address in battery]):
        assert reply.trouble is Trouble.REFUSED, reply
        assert reply.detail
        assert reply.status is None
    assert public.requests_made == 0
    assert contacts.seen == []


def test_the_witness_would_have_seen_a_connection(contacts: Contacts, listener: socket.socket) -> None:
    host, port = listener.getsockname()
    fetch = GuardedFetch(Policy.LOOPBACK, hosts={"here.example": (host, port)})
    fetch.many(
        [Ask(address="http://here.example/", timeout=timedelta(seconds=0.2))]
    )  # nobody answers: only the connection counts
    fetch.close()
    assert ("socket.connect", (host, port)) in contacts.seen
    listener.accept()[0].close()


@pytest.mark.parametrize("address", [*NOT_PUBLIC, *NOT_ALLOWED])
def test_a_redirect_into_the_battery_is_refused(
    public: GuardedFetch, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    async def redirect(ask: Ask, target: object) -> Answer:
        asked.append(target)
        return Answer(302, (("Location", address),))

    asked: list[object] = []
    monkeypatch.setattr(public, "_exchange", redirect)
    ask = Ask(address="http://good.example/")
    reply = public.many([ask])[0]
    relative = {"//a.example/", "a.example", " ", "http:127.0.0.1/"}
    if address in relative or not address:
        assert reply.trouble in {
            Trouble.TOO_MANY_REDIRECTS,
            None,
        }  # relative to a good host: leads to it again
        return
    assert reply.trouble in {Trouble.REFUSED, Trouble.NONSENSE}, reply
    assert len(asked) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_redirect_to_a_name_that_leads_inside_is_refused(
    public: GuardedFetch, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    target = public._guard.read(f"http://{name}/")
    with pytest.raises(Trip) as caught:
        asyncio.run(Pool(public._guard, asyncio.new_event_loop()).connect(target))
    assert caught.value.trouble is Trouble.REFUSED


def test_a_name_is_resolved_once_and_the_checked_address_is_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter([[PUBLIC_IP], ["127.0.0.1"], ["127.0.0.1"]])
    asked, connected = [], []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        return next(answers)

    async def plug(self: Pool, place: object) -> socket.socket:
        connected.append(place.ip)  # type: ignore[attr-defined]
        raise ConnectionRefusedError

    monkeypatch.setattr(Pool, "_plug", plug)
    fetch = GuardedFetch(Policy.PUBLIC, resolve=resolve)
    first, second = (fetch.many([Ask(address="http://rebinds.example/")])[0] for _ in range(2))
    fetch.close()
    assert (asked, connected) == (["rebinds.example"] * 2, [PUBLIC_IP])
    assert (first.trouble, second.trouble) == (Trouble.UNREACHABLE, Trouble.REFUSED)


def test_the_peer_of_the_connection_is_checked(listener: socket.socket) -> None:
    guard = Guard(Policy.PUBLIC)
    loop = asyncio.new_event_loop()
    pool = Pool(guard, loop)
    host, port = listener.getsockname()

    async def elsewhere(plug: socket.socket, place: object) -> None:
        plug.setblocking(True)
        plug.connect((host, port))  # a network that leads somewhere else than it was told

    loop.sock_connect = elsewhere  # type: ignore[method-assign, assignment]
    target = guard.read(f"http://{PUBLIC_IP}/")
    with pytest.raises(Trip, match=f"in place of {PUBLIC_IP}") as caught:
        loop.run_until_complete(pool.connect(target))
    loop.close()
    assert caught.value.trouble is Trouble.REFUSED
    connection = listener.accept()[0]
    assert connection.recv(1) == b""  # closed without a byte
    connection.close()


@pytest.mark.parametrize(
    "address", ["http://93.184.216.34/", "https://[2606:2800:220:1:248:1893:25c8:1946]/x", "http://a.example:443/?q", "https://bücher.example/", "http://a.example./"]
)  # fmt: skip
def test_what_is_public_passes(address: str) -> None:
    assert Guard(Policy.PUBLIC).read(address).port in {80, 443}


def test_a_name_without_an_answer_does_not_exist() -> None:
    def nothing(host: str) -> list[str]:
        return []

    def error(host: str) -> list[str]:
        raise socket.gaierror(-2, "unknown")

    for resolve in (nothing, error):
        fetch = GuardedFetch(Policy.PUBLIC, resolve=resolve)
        assert fetch.many([Ask(address="http://none.example/")])[0].trouble is Trouble.NO_SUCH_HOST
        fetch.close()
    with pytest.raises(UnicodeError):
        "a..example".encode("idna")
    fetch = GuardedFetch(Policy.PUBLIC)
    assert fetch.many([Ask(address="http://a..example/")])[0].trouble is Trouble.NO_SUCH_HOST
    fetch.close()


# --- the exercise --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "http://93.184.216.34/", "http://10.0.0.1/", "http://0.0.0.0/", "http://[::ffff:127.0.0.1]/", "http://a.example/",
        "http://localhost/", "http://flock.example.evil.example/", "http://[::]/", "http://192.168.0.1/", "http://out.example/",
        "http://xflock.example/", "http://sites.example/", "ftp://flock.example/", "http://u@flock.example/",
    ],
)  # fmt: skip
def test_an_exercise_reaches_this_machine_only(address: str, contacts: Contacts) -> None:
    hosts = {
        "flock.example": ("127.0.0.1", 1),
        "*.sites.example": ("127.0.0.1", 1),
        "out.example": ("10.0.0.1", 80),
    }
    fetch = GuardedFetch(Policy.LOOPBACK, hosts=hosts)
    assert fetch.many([Ask(address=address)])[0].trouble is Trouble.REFUSED
    fetch.close()
    assert contacts.seen == []


def test_the_hosts_table_may_change_and_has_wildcards() -> None:
    table: dict[str, tuple[str, int]] = {}
    guard = Guard(Policy.LOOPBACK, hosts=lambda: table)
    with pytest.raises(Refused):
        guard.read("http://a.sites.example/")
    table["*.sites.example"] = ("127.0.0.1", 4711)
    assert guard.known_place(guard.read("https://A.sites.example/x")) is not None
    place = guard.known_place(guard.read("http://b.a.sites.example/"))
    assert place is not None
    assert (place.ip, place.port) == ("127.0.0.1", 4711)
    with pytest.raises(Refused):
        guard.read("http://sites.example/")


# --- mail ----------------------------------------------------------------------------------------------


def test_mailboxes_are_checked_as_well() -> None:
    guard = Guard(
        Policy.PUBLIC,
        resolve=lambda host: {
            "mx.example": [PUBLIC_IP],
            "in.example": ["10.0.0.1"],
            "relay.lan": ["10.0.0.2"],
        }[host],
        relays=["relay.lan"],
    )
    assert guard.mailbox("mx.example", 25) == (PUBLIC_IP, 25)
    assert guard.mailbox("RELAY.lan", 2525) == ("10.0.0.2", 2525)
    for host, port in [("in.example", 25), ("mx.example", 80), ("127.0.0.1", 25), ("::1", 25), ("0x7f.1", 587), ("a@mx.example", 25), ("mx.example/x", 25), ("", 25)]:  # fmt: skip
        with pytest.raises(Refused):
            guard.mailbox(host, port)


def test_a_mailbox_of_the_exercise_comes_from_the_table() -> None:
    guard = Guard(
        Policy.LOOPBACK, hosts={"mail.hearth.example": ("127.0.0.1", 2500), "out.example": ("8.8.8.8", 25)}
    )
    assert guard.mailbox("mail.hearth.example", 25) == ("127.0.0.1", 2500)
    for host in ("mx.example", "out.example", "8.8.8.8"):
        with pytest.raises(Refused):
            guard.mailbox(host, 25)


def test_a_mail_host_that_does_not_resolve_is_outside_trouble() -> None:
    def error(host: str) -> list[str]:
        raise socket.gaierror(-2, "unknown")

    with pytest.raises(Outside):
        Guard(Policy.PUBLIC, resolve=error).mailbox("mx.example", 25)


# --- the table -----------------------------------------------------------------------------------------


@given(st.ip_addresses(v=4))
def test_ipv4_is_never_more_public_than_the_library_says(ip: ipaddress.IPv4Address) -> None:
    assert not addresses.is_public(ip) or (ip.is_global and not ip.is_multicast)
    for form in (f"::ffff:{ip}", f"::{ip}", f"64:ff9b::{ip}"):
        assert not addresses.is_public(addresses.read(form))
    assert not addresses.is_public(ipaddress.IPv6Address((0x2002 << 112) | (int(ip) << 80) | 1))


@given(st.ip_addresses(v=6))
def test_ipv6_is_public_only_where_it_is_given_out(ip: ipaddress.IPv6Address) -> None:
    assert not addresses.is_public(ip) or (ip in addresses.GLOBAL_UNICAST_V6 and ip.is_global)


@given(st.ip_addresses())
def test_nothing_is_both_public_and_loopback(ip: addresses.Address) -> None:
    assert not (addresses.is_public(ip) and addresses.is_loopback(ip))
