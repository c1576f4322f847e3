"""Whom to ask: the longest match of RFC 9224, against a naive one, and files that are refused."""

from __future__ import annotations

import json
from importlib.resources import files
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staydown.core.errors import Invalid
from staydown.reason.bootstrap import Sort, read_bootstrap, replaces

A, B, C = "https://a.example/", "https://b.example/rdap/", "https://c.example/"
SHIPPED = files("staydown.reason").joinpath("data", "rdap")


def made(*services: tuple[list[str], list[str]], publication: str = "2026-01-07T10:11:12Z") -> bytes:
    """A file."""
    return json.dumps({"version": "1.0", "publication": publication, "services": services}).encode()


NAMES = read_bootstrap(
    made(
        (["land", "wide"], [A]),
        (["of.wide", "xn--zckzah"], [B]),
        (["deep.of.wide"], ["http://c.example/", C]),
    ),
    Sort.DNS,
)
V4 = read_bootstrap(made((["198.51.0.0/16", "192.0.0.0/8"], [A]), (["198.51.100.0/24"], [B])), Sort.IPV4)
V6 = read_bootstrap(
    made((["2001:db8::/34"], [A]), (["2001:db8:4000::/36", "2001:db8:ffff::/48"], [B])), Sort.IPV6
)
NUMBERS = read_bootstrap(
    made((["64496-64496"], [A]), (["64497-64510", "65536-65551"], [B]), (["64512"], [C])), Sort.ASN
)


@pytest.mark.parametrize(
    ("name", "servers"),
    [
        ("made-up.land", (A,)),
        ("LAND", (A,)),
        ("a.b.c.wide.", (A,)),
        ("x.of.wide", (B,)),
        ("of.wide", (B,)),
        ("cof.wide", (A,)),  # labels, not letters
        ("x.deep.of.wide", (C, "http://c.example/")),  # https first
        ("test.xn--zckzah", (B,)),
        ("made-up.nowhere", ()),
        ("", ()),
        ("..", ()),
    ],
)
def test_names_by_labels(name: str, servers: tuple[str, ...]) -> None:
    assert NAMES.for_name(name) == servers


@pytest.mark.parametrize(
    ("ip", "servers"),
    [
        ("198.51.100.7", (B,)), ("198.51.101.7", (A,)), ("192.0.2.1", (A,)), ("203.0.113.1", ()), ("2001:db8::1", ()),
        ("nonsense", ()),
    ],
)  # fmt: skip
def test_ipv4_by_longest_prefix(ip: str, servers: tuple[str, ...]) -> None:
    assert V4.for_address(ip) == servers


@pytest.mark.parametrize(
    ("ip", "servers"),
    [
        ("2001:db8::1", (A,)), ("2001:db8:3fff::", (A,)), ("2001:db8:4000::1", (B,)), ("2001:db8:5000::1", ()),
        ("2001:db8:ffff::", (B,)), ("192.0.2.1", ()),
    ],
)  # fmt: skip
def test_ipv6_by_longest_prefix(ip: str, servers: tuple[str, ...]) -> None:
    assert V6.for_address(ip) == servers


@pytest.mark.parametrize(
    ("number", "servers"),
    [(64496, (A,)), (64497, (B,)), (64510, (B,)), (64511, ()), (64512, (C,)), (65551, (B,)), (0, ())],
)
def test_numbers_by_range(number: int, servers: tuple[str, ...]) -> None:
    assert NUMBERS.for_number(number) == servers


def test_an_empty_label_fits_every_name() -> None:
    assert read_bootstrap(made(([""], [A]), (["land"], [B])), Sort.DNS).for_name("x.y") == (A,)


LABEL = st.sampled_from(["a", "b", "ab"])
NAME = st.lists(LABEL, min_size=1, max_size=4).map(".".join)


@given(st.dictionaries(NAME, st.integers(0, 99), min_size=1, max_size=8), NAME)
def test_names_as_a_naive_search_finds_them(entries: dict[str, int], name: str) -> None:
    book = read_bootstrap(made(*(([one], [f"https://{n}.example/"]) for one, n in entries.items())), Sort.DNS)
    fitting = [one for one in entries if f".{name}".endswith(f".{one}")]
    best = max(fitting, key=len, default=None)
    assert book.for_name(name) == ((f"https://{entries[best]}.example/",) if best else ())


PREFIX = st.tuples(st.integers(0, (1 << 32) - 1), st.integers(0, 32)).map(
    lambda pair: str(ip_network((pair[0], pair[1]), strict=False))
)


@given(st.dictionaries(PREFIX, st.integers(0, 99), min_size=1, max_size=8), st.integers(0, (1 << 32) - 1))
def test_prefixes_as_a_naive_search_finds_them(entries: dict[str, int], number: int) -> None:
    book = read_bootstrap(
        made(*(([one], [f"https://{n}.example/"]) for one, n in entries.items())), Sort.IPV4
    )
    for ip in (ip_address(number), ip_network(next(iter(entries))).broadcast_address):
        fitting = [one for one in entries if ip in ip_network(one)]
        best = max(fitting, key=lambda one: ip_network(one).prefixlen, default=None)
        assert book.for_address(str(ip)) == ((f"https://{entries[best]}.example/",) if best else ())


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"[]", b"<html>", b"[" * 100_000, b"1" * 5000,
        b'{"services": [[["a"], ["https://a.example/"]]], "publication": "2026-01-01"}',
        b'{"version": "2.0", "publication": "2026-01-01", "services": [[["a"], ["https://a.example/"]]]}',
        b'{"version": "1.0", "publication": "2026-01-01", "services": []}',
        b'{"version": "1.0", "publication": "2026-01-01", "services": {}}',
        b'{"version": "1.0", "publication": "soon", "services": [[["a"], ["https://a.example/"]]]}',
        b'{"version": "1.0", "services": [[["a"], ["https://a.example/"]]]}',
        made((["a"], [])), made(([], [A])), made((["a"], ["https://a.example"])), made((["a"], ["ftp://a.example/"])),
        made((["a"], ["https://a.example/ /"])), made((["a b"], [A])), made((["-a"], [A])), made((["a"], [A]), ([1], [A])),  # type: ignore[list-item]
        made((["a"], [A], [B])),  # type: ignore[arg-type]
        b" " * (4 * 1024 * 1024 + 1),
    ],
)  # fmt: skip
def test_a_file_with_any_fault_is_refused_whole(raw: bytes) -> None:
    with pytest.raises(Invalid, match=r"dns\.json"):
        read_bootstrap(raw, Sort.DNS)


@pytest.mark.parametrize(
    ("sort", "entry"),
    [
        (Sort.IPV4, "192.0.2.1/24"), (Sort.IPV4, "2001:db8::/32"), (Sort.IPV6, "192.0.2.0/24"), (Sort.IPV6, "x"),
        (Sort.ASN, "2-1"), (Sort.ASN, "AS1"), (Sort.ASN, "1-4294967296"), (Sort.ASN, ""),
    ],
)  # fmt: skip
def test_entries_of_another_sort_are_refused(sort: Sort, entry: str) -> None:
    with pytest.raises(Invalid):
        read_bootstrap(made(([entry], [A])), sort)


@given(st.binary(max_size=200), st.sampled_from(Sort))
def test_nothing_but_invalid_is_raised(raw: bytes, sort: Sort) -> None:
    with pytest.raises(Invalid):
        read_bootstrap(raw, sort)


def test_older_and_much_shorter_files_replace_nothing() -> None:
    older = read_bootstrap(made((["a", "b", "c"], [A]), publication="2025-01-01"), Sort.DNS)
    newer = read_bootstrap(made((["a", "b"], [A])), Sort.DNS)
    replaces(newer, older)
    with pytest.raises(Invalid, match="older"):
        replaces(older, newer)
    with pytest.raises(Invalid, match="1 entries where 3"):
        replaces(read_bootstrap(made((["a"], [A])), Sort.DNS), older)


@pytest.mark.parametrize(
    ("sort", "least"), [(Sort.DNS, 1100), (Sort.IPV4, 200), (Sort.IPV6, 30), (Sort.ASN, 150)]
)
def test_the_shipped_files_are_good(sort: Sort, least: int) -> None:
    book = read_bootstrap(SHIPPED.joinpath(f"{sort.value}.json").read_bytes(), sort)
    assert len(book) >= least
    assert book.publication.year >= 2019
    assert "2026" in book.description or f"{book.publication:%Y-%m-%d}" in book.description


def test_what_the_shipped_files_say() -> None:
    book = {sort: read_bootstrap(SHIPPED.joinpath(f"{sort.value}.json").read_bytes(), sort) for sort in Sort}
    assert book[Sort.DNS].for_name("made-up.com") == ("https://rdap.verisign.com/com/v1/",)
    assert book[Sort.IPV4].for_address("193.0.0.1")[0] == "https://rdap.db.ripe.net/"
    assert book[Sort.IPV6].for_address("2400::1")[0] == "https://rdap.apnic.net/"
    assert book[Sort.ASN].for_number(13335)[0] == "https://rdap.arin.net/registry/"
    unlisted = read_bootstrap(SHIPPED.joinpath("unlisted.json").read_bytes(), Sort.DNS)
    assert unlisted.for_name("made-up.de") == ("https://rdap.denic.de/",)
    assert not unlisted.names.keys() & book[Sort.DNS].names.keys()
