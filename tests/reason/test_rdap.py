"""Reading what registries answer: recorded shapes, defects, and anything at all."""

from __future__ import annotations

import copy
import json
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staydown.core.errors import Invalid
from staydown.reason import contacts
from staydown.reason.fronts import fronts_from, recognise, registries_from
from staydown.reason.rdap import Answer, Failure, Of, read_answer
from staydown.reason.rungs import FOOTINGS, Contact, ContactKind, Layer
from staydown.reason.securitytxt import read_security_text

ASSETS = Path(__file__).parents[1] / "assets" / "rdap"
RECORDED = sorted(ASSETS.glob("*.json"))
DATA = files("staydown.reason").joinpath("data")
FRONTS = fronts_from(tomllib.loads(DATA.joinpath("cdns.toml").read_text()))


def answer(name: str) -> Answer:
    """A recorded answer, read."""
    found = read_answer((ASSETS / f"{name}.json").read_bytes())
    assert isinstance(found, Answer)
    return found


def found_in(one: Answer) -> tuple[Contact, ...]:
    """All contacts of an answer."""
    if one.of is Of.DOMAIN:
        return contacts.of_registrar(one, "party", "source")
    return contacts.of_network(one, Layer.HOST, "party", "source")


def test_a_thin_registry_names_the_registrar_and_where_its_answer_is() -> None:
    one = answer("thin-registry")
    assert (one.of, one.name) == (Of.DOMAIN, "made-up.example")
    assert one.registrar is not None
    assert one.registrar.title == "Made-Up Registrar, Inc."
    assert one.registrar.public_ids == (("IANA Registrar ID", "9999"),)
    assert one.registrars_own == "https://rdap.registrar.example/domain/MADE-UP.EXAMPLE"
    assert one.nameservers == ("ns1.dnshost.example", "ns2.dnshost.example")
    assert one.status == ("client delete prohibited", "client transfer prohibited")
    registered = one.happened("registration")
    assert registered is not None
    assert registered.isoformat() == "2025-03-01T10:00:00+00:00"
    assert one.notices[0].title == "Terms of Use"
    assert not one.is_redacted


def test_abuse_inside_the_registrar_keeps_its_scope() -> None:
    found = found_in(answer("registrar"))
    assert [(one.address, one.kind, one.scope) for one in found] == [
        ("abuse@registrar.example", ContactKind.MAIL, "abuse of registrar"),
        ("https://www.registrar.example/abuse", ContactKind.FORM, "abuse of registrar"),
        ("+1.5550100;ext=2", ContactKind.PHONE, "abuse of registrar"),
    ]


def test_privacy_is_no_address() -> None:
    one = answer("registrar")
    assert one.is_redacted
    (registrant,) = one.role("registrant")
    assert registrant.card.mails == ()
    assert not answer("thin-registry").is_redacted
    assert answer("cctld-without-registrar").is_redacted


def test_a_network_names_its_holder_range_and_abuse_contact_once() -> None:
    one = answer("network-with-abuse-c")
    assert one.ranges == ("192.0.2.0/24",)
    assert [who.title for who in one.role("registrant")] == ["Made-Up Hosting B.V."]
    (only,) = found_in(one)
    assert (only.address, only.scope) == ("abuse@hosting.example", "abuse of network 192.0.2.0/24")


def test_a_network_that_names_nobody_for_abuse_gives_others_and_a_marked_guess() -> None:
    found = found_in(answer("network-without-abuse"))
    assert [(one.address, one.is_guess) for one in found] == [
        ("someone@south.example", False),
        ("abuse@south.example", True),
    ]
    assert "names nobody for abuse" in found[0].scope
    assert found[1].scope == "RFC 2142 guess for south.example"


def test_numbers_of_autonomous_systems_in_each_registrys_way() -> None:
    assert answer("network-without-abuse").origins == (64500,)
    assert answer("network-of-a-front").origins == (13335,)
    assert answer("network-with-abuse-c").origins == ()
    assert answer("autnum").numbers == (64500, 64500)
    (only,) = found_in(answer("autnum"))
    assert only.scope == "abuse of AS64500"


def test_an_ipv6_network_from_first_and_last_address() -> None:
    assert answer("network-v6").ranges == ("2001:db8::/32",)


def test_a_registry_may_name_no_registrar() -> None:
    one = answer("cctld-without-registrar")
    assert one.registrar is None
    assert found_in(one) == ()


def test_answers_that_say_no() -> None:
    assert read_answer((ASSETS / "not-found.json").read_bytes()) == Failure(code=404, title="Not Found")
    assert read_answer((ASSETS / "html-instead-of-json.html").read_bytes()) is None


@pytest.mark.parametrize(
    "path", [one for one in RECORDED if "defect" in one.name], ids=lambda path: path.stem
)
def test_a_defect_costs_only_the_broken_part(path: Path) -> None:
    one = read_answer(path.read_bytes())
    assert isinstance(one, Answer)
    if one.of is Of.DOMAIN:
        assert one.name == "made-up.example"
        assert one.nameservers
    assert all("\n" not in contact.address for contact in found_in(one))


@pytest.mark.parametrize(
    "raw",
    [b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 5000, b'{"errorCode": true}', b'{"errorCode": 1e400}',
     b'{"objectClassName": ["domain"]}', b'{"objectClassName": "help"}', b"1" * 5000],
)  # fmt: skip
def test_what_is_not_rdap_is_none(raw: bytes) -> None:
    assert read_answer(raw) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to every part of a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, part in inner for place in places(part, (*at, key)))]


@settings(max_examples=300)
@given(st.data())
def test_no_change_to_a_recorded_answer_raises(data: st.DataObject) -> None:
    whole = json.loads(data.draw(st.sampled_from(RECORDED)).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        changed = copy.deepcopy(whole)
        place = data.draw(st.sampled_from(places(changed)[1:]))
        inner = changed
        for key in place[:-1]:
            inner = inner[key]
        if data.draw(st.booleans()):
            del inner[place[-1]]
        else:
            inner[place[-1]] = data.draw(JSON)
        whole = changed
        if not whole:
            break
    check(json.dumps(whole).encode())


@given(st.fixed_dictionaries({"objectClassName": st.sampled_from([one.value for one in Of])}, optional=dict.fromkeys(
    ["handle", "ldhName", "status", "events", "nameservers", "links", "entities", "publicIds", "notices", "startAddress",
     "endAddress", "cidr0_cidrs", "lacnic_originAutnum", "nicbr_autnum", "startAutnum", "country", "redacted"], JSON)))  # fmt: skip
def test_no_object_raises(made: dict[str, object]) -> None:
    check(json.dumps(made).encode())


@given(st.binary(max_size=200))
def test_no_bytes_raise(raw: bytes) -> None:
    check(raw)
    read_security_text(raw)


def check(raw: bytes) -> None:
    """What is read is bounded and plain, and every contact says what it stands for."""
    one = read_answer(raw)
    if not isinstance(one, Answer):
        return
    for contact in found_in(one):
        assert contact.scope
        assert contact.source
        assert contact.address.isprintable()
        assert len(contact.address) < 2100
    assert all(name.isprintable() and len(name) <= 300 for name in (one.handle, one.name, *one.status))
    assert all(0 <= number < 1 << 32 for number in one.origins)


def test_a_security_text_within_a_signature() -> None:
    text = read_security_text((ASSETS / "security.txt").read_bytes())
    assert text is not None
    assert text.contacts == ("mailto:security@made-up.example", "https://made-up.example/report")
    assert text.policy == "https://made-up.example/policy"
    found = contacts.of_site(text, "made-up.example", "source", is_expired=True)
    assert [one.address for one in found] == ["security@made-up.example", "https://made-up.example/report"]
    assert all(one.warns and one.scope.endswith("not abuse, expired 2020-01-01") for one in found)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>Contact us: here</html>",
        b"Contact:",
        b"contact: http://a.example/",
        b"Expires: 2030-01-01",
    ],
)
def test_a_page_is_no_security_text(raw: bytes) -> None:
    assert read_security_text(raw) is None


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"network": "CLOUDFLARENET"}, "Cloudflare"),
        ({"network": "cloudflarenet-eu"}, "Cloudflare"),
        ({"network": "AMAZO-CF2", "holders": ["Amazon.com, Inc."]}, "Amazon CloudFront"),
        ({"network": "AMAZON-02", "holders": ["Amazon.com, Inc."]}, None),
        ({"holders": ["Fastly, Inc."]}, "Fastly"),
        ({"numbers": [64500, 57724]}, "DDoS-Guard"),
        ({"network": "MADE-UP", "holders": ["Not Cloudflare"], "numbers": [64500]}, None),
        ({}, None),
    ],
)
def test_fronts_are_recognised_by_name_holder_or_number(fields: dict[str, Any], name: str | None) -> None:
    found = recognise(FRONTS, **fields)
    assert (found[0].name if found else None) == name


def test_a_name_server_alone_shows_who_answers_and_no_more() -> None:
    cloudflare = next(one for one in FRONTS if one.name == "Cloudflare")
    assert cloudflare.answers("kate.ns.cloudflare.com")
    assert not cloudflare.answers("ns.cloudflare.com.made-up.example")
    assert not cloudflare.answers("xns.cloudflare.com")


def test_what_was_looked_up_says_where() -> None:
    book = registries_from(tomllib.loads(DATA.joinpath("registries.toml").read_text()))
    assert {"de", "at", "xn--p1ai"} <= book.keys()
    assert all(one.source.startswith("https://") and one.looked_up for one in book.values())
    assert all(one.source for one in FRONTS if one.form or one.police or one.note)
    numbers = [number for one in FRONTS for number in one.asns]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(
    "table",
    [{}, {"fronts": "x"}, {"fronts": [{"name": "x"}]}, {"fronts": [{"name": "x", "kind": "cdn", "colour": "blue"}]},
     {"fronts": [{"name": "x", "kind": "cdn", "networks": ["("]}]}],
)  # fmt: skip
def test_a_table_with_a_fault_is_refused(table: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        fronts_from(table)


def test_every_layer_has_its_footing() -> None:
    assert set(FOOTINGS) == set(Layer)
    assert all(one.fits and one.words and one.request and one.effect for one in FOOTINGS.values())
    assert all(set(one.arguable) <= set(one.fits) for one in FOOTINGS.values())
