"""Who can remove a site, asked of recorded registries over real HTTP on loopback."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import pytest

from staydown.core.errors import Invalid, Outside, Refused
from staydown.fetch import GuardedFetch, Policy
from staydown.flow.asking import names_of
from staydown.flow.registries import IANA, in_use, refresh
from staydown.flow.site import ladder, suggest
from staydown.ports.tools import Tools
from staydown.reason.bootstrap import Sort
from staydown.reason.canon import Rooms
from staydown.reason.rooms import Fit, Room
from staydown.reason.rungs import Contact, ContactKind, Ladder, Layer, Rung
from staydown.registry import load_rooms
from staydown.settings import Settings

ASSETS = Path(__file__).parents[1] / "assets" / "rdap"
ROOMS = load_rooms()
HOST, FRONT, SILENT, NOBODYS, V6 = "192.0.2.10", "198.51.100.7", "203.0.113.9", "100.64.0.1", "2001:db8::10"

Said = tuple[int, Mapping[str, str], bytes]


def recorded(name: str, status: int = 200, **headers: str) -> Said:
    """What a registry answers."""
    sort = "text/html" if name.endswith("html") else "application/rdap+json"
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {"Content-Type": sort, **told}, (ASSETS / name).read_bytes()


SAID: dict[str, Said] = {
    "rdap.registry.example/domain/made-up.example": recorded("thin-registry.json"),
    "rdap.registrar.example/domain/MADE-UP.EXAMPLE": recorded("registrar.json"),
    "rdap.registry.example/domain/held.example": recorded("held-by-registry.json"),
    "rdap.land.example/domain/made-up.land": recorded("cctld-without-registrar.json"),
    f"rdap.rir.example/ip/{HOST}": recorded("network-with-abuse-c.json"),
    "rdap.rir.example/ip/192.0.2.11": recorded("network-with-abuse-c.json"),
    f"rdap.rir.example/ip/{FRONT}": recorded("network-of-a-front.json"),
    f"rdap.rir.example/ip/{SILENT}": recorded("network-without-abuse.json"),
    f"rdap.rir.example/ip/{V6}": recorded("network-v6.json"),
    "rdap.rir.example/autnum/64500": recorded("autnum.json"),
    "made-up.example/.well-known/security.txt": (200, {"Content-Type": "text/plain"}, (ASSETS / "security.txt").read_bytes()),
}  # fmt: skip
BOOTSTRAP = {
    "dns": [(["example"], ["https://rdap.registry.example/"]), (["land"], ["https://rdap.land.example/"])],
    "ipv4": [(["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"], ["https://rdap.rir.example/"])],
    "ipv6": [(["2001:db8::/32"], ["https://rdap.rir.example/"])],
    "asn": [(["64496-64511"], ["https://rdap.rir.example/"])],
}


class Registries:
    """Registries that answer what was recorded, and a way out that leads to them alone."""

    def __init__(self, home: Path) -> None:
        self.said = dict(SAID)
        self.asked: Counter[str] = Counter()
        self.leads: dict[str, tuple[str, ...]] = {}
        self.home = home
        outer = self

        class Answers(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                place = f"{self.headers['Host']}{self.path}"
                outer.asked[place] += 1
                status, headers, body = outer.said.get(place, recorded("not-found.json", 404))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        place = ("127.0.0.1", self.server.server_address[1])
        hosts = {name: place for name in ("*.example", "*.land", "data.iana.org") if name}
        self.fetch = Leading(self, hosts)
        settings = Settings(home=home)
        nothing = cast("object", None)
        self.tools = Tools(
            settings=settings, fetch=self.fetch, catalogue=ROOMS, begin=nothing, vault=nothing, probe=nothing,
            couriers={}, instruments={}, matchers={},
        )  # type: ignore[arg-type]  # fmt: skip
        self.publish(BOOTSTRAP)

    def publish(self, files: Mapping[str, object], publication: str = "2026-12-01T00:00:00Z") -> None:
        """Lay bootstrap files into the home."""
        (self.home / "rdap").mkdir(parents=True, exist_ok=True)
        for name, services in files.items():
            text = json.dumps({"version": "1.0", "publication": publication, "services": services})
            (self.home / "rdap" / f"{name}.json").write_text(text)

    def climb(self, address: str, *ips: str, whole: bool = False, touch: bool = True) -> Ladder:
        """The ladder of a site that has these addresses."""
        self.leads[address.split("/")[2]] = ips
        return ladder(self.tools, address, whole=whole, touch=touch)

    def close(self) -> None:
        """Stop answering."""
        self.fetch.close()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Leading(GuardedFetch):
    """The guarded way out on loopback, whose names lead into the ranges set aside for documentation."""

    def __init__(self, registries: Registries, hosts: Mapping[str, tuple[str, int]]) -> None:
        super().__init__(Policy.LOOPBACK, hosts=hosts)
        self._registries = registries

    def addresses(self, host: str) -> tuple[str, ...]:
        """As told."""
        found = self._registries.leads.get(host, ())
        if not found:
            raise Outside(f"{host} does not resolve")
        return found


@pytest.fixture
def registries(tmp_path: Path) -> Iterator[Registries]:
    made = Registries(tmp_path / "home")
    yield made
    made.close()


def rung(found: Ladder, layer: Layer) -> Rung:
    """The one rung of a layer."""
    (one,) = found.of(layer)
    return one


def shown(contacts: tuple[Contact, ...]) -> list[tuple[str, str]]:
    """Addresses with what they stand for."""
    return [(one.address, one.scope) for one in contacts]


# --- the whole ladder ------------------------------------------------------------------------------


def test_a_site_on_a_host_of_its_own(registries: Registries) -> None:
    found = registries.climb("https://made-up.example/page", HOST)
    assert [one.layer for one in found.rungs] == list(Layer)
    assert (found.host, found.domain, found.addresses) == ("made-up.example", "made-up.example", (HOST,))
    host = rung(found, Layer.HOST)
    assert host.who == "Made-Up Hosting B.V."
    assert host.found == (f"https://rdap.rir.example/ip/{HOST}",)
    assert shown(host.contacts) == [("abuse@hosting.example", "abuse of network 192.0.2.0/24")]
    assert Fit.DSA_NOTICE in host.footing.fits
    assert host.footing.arguable == (Fit.TCO_ORDER,)
    registrar = rung(found, Layer.REGISTRAR)
    assert registrar.who == "Made-Up Registrar, Inc."
    assert "IANA id 9999" in registrar.notes
    assert registrar.found == (
        "https://rdap.registry.example/domain/made-up.example",
        "https://rdap.registrar.example/domain/MADE-UP.EXAMPLE",
    )
    assert ("abuse@registrar.example", "abuse of registrar") in shown(registrar.contacts)
    assert "the registrant is withheld for privacy" in registrar.notes
    assert shown(rung(found, Layer.DNS).contacts) == [
        ("abuse@dnshost.example", "RFC 2142 guess for dnshost.example")
    ]
    assert rung(found, Layer.REGISTRY).who == "registry of .example"
    assert rung(found, Layer.CDN).who == ""
    assert not found.snags
    suggested = suggest(found)
    assert suggested.rung is host
    assert suggested.reason.startswith("Made-Up Hosting B.V. keeps the content")


def test_the_sites_own_people_are_no_abuse_desk_and_never_nearest(registries: Registries) -> None:
    found = registries.climb("https://made-up.example/", HOST)
    page = rung(found, Layer.PAGE)
    assert page.is_own
    assert shown(page.contacts) == [
        ("security@made-up.example", "security of site made-up.example, not abuse, expired 2020-01-01"),
        ("https://made-up.example/report", "security of site made-up.example, not abuse, expired 2020-01-01"),
        ("abuse@made-up.example", "RFC 2142 guess for made-up.example"),
    ]
    assert all(one.warns for one in page.contacts)
    assert page.contacts[-1].is_guess
    assert "its security.txt expired on 2020-01-01" in page.notes
    assert suggest(found).rung is not page


def test_the_site_itself_need_not_be_touched(registries: Registries) -> None:
    found = registries.climb("https://made-up.example/", HOST, touch=False)
    assert not [place for place in registries.asked if place.startswith("made-up.example/")]
    assert "the site itself was not asked" in rung(found, Layer.PAGE).notes


def test_the_older_place_of_security_text_is_looked_at_too(registries: Registries) -> None:
    text = registries.said.pop("made-up.example/.well-known/security.txt")
    registries.said["made-up.example/.well-known/security.txt"] = recorded("html-instead-of-json.html")
    registries.said["made-up.example/security.txt"] = text
    found = registries.climb("https://made-up.example/", HOST)
    assert rung(found, Layer.PAGE).contacts[0].source == "https://made-up.example/security.txt"


def test_behind_a_front_the_host_is_nearest_but_not_known(registries: Registries) -> None:
    found = registries.climb("https://made-up.example/", FRONT)
    assert rung(found, Layer.HOST).who == ""
    assert rung(found, Layer.HOST).why_not == "hidden behind Cloudflare"
    assert rung(found, Layer.NETWORK).why_not == "the host is not known"
    front = rung(found, Layer.CDN)
    assert front.who == "Cloudflare"
    assert [one.kind for one in front.contacts[:2]] == [ContactKind.FORM, ContactKind.MAIL]
    assert ("abuse@front.example", "abuse of network 198.51.100.0/24") in shown(front.contacts)
    assert "recognised by network name CLOUDFLARENET" in front.notes
    assert suggest(found).rung is front
    assert suggest(found).reason == (
        "Cloudflare only passes traffic on: ask it to name the host; the host is nearest but not known yet"
    )


def test_a_front_that_keeps_sites_too_is_not_said_to_only_pass_on(registries: Registries) -> None:
    network = json.loads((ASSETS / "network-of-a-front.json").read_bytes()) | {"name": "MADE-UP"}
    network["arin_originas0_originautnums"] = [57724]
    network["entities"] = []
    registries.said[f"rdap.rir.example/ip/{FRONT}"] = (200, {}, json.dumps(network).encode())
    found = registries.climb("https://made-up.example/", FRONT)
    assert "recognised by AS57724" in rung(found, Layer.CDN).notes
    assert suggest(found).reason.startswith(
        "DDoS-Guard passes traffic on, or keeps the site itself: ask it, by the way"
    )


def test_a_host_beside_a_front_is_nearest(registries: Registries) -> None:
    found = registries.climb("https://made-up.example/", FRONT, HOST)
    assert suggest(found).rung is rung(found, Layer.HOST)
    assert rung(found, Layer.CDN).who == "Cloudflare"


def test_addresses_of_one_network_are_one_host_and_of_two_are_two(registries: Registries) -> None:
    found = registries.climb("https://made-up.example/", HOST, "192.0.2.11", V6)
    first, second = found.of(Layer.HOST)
    assert first.notes == (f"{HOST}, 192.0.2.11 in MADE-UP-HOSTING 192.0.2.0/24, NL",)
    assert second.notes == (f"{V6} in MADE-UP-HOSTING-6 2001:db8::/32, NL",)
    assert "1 more host must be asked as well" in suggest(found).reason


def test_a_network_without_abuse_contact_names_its_autonomous_system(registries: Registries) -> None:
    found = registries.climb("https://made-up.example/", SILENT)
    assert rung(found, Layer.HOST).contacts[-1].is_guess
    upstream = rung(found, Layer.NETWORK)
    assert (upstream.who, upstream.notes) == ("Made-Up Transit S.A.", ("AS64500 MADE-UP-TRANSIT",))
    assert shown(upstream.contacts) == [("abuse@transit.example", "abuse of AS64500")]


def test_a_country_code_may_name_no_registrar(registries: Registries) -> None:
    found = registries.climb("https://www.made-up.land/", HOST)
    registrar = rung(found, Layer.REGISTRAR)
    assert registrar.who == ""
    assert "names no registrar" in registrar.why_not
    dns = rung(found, Layer.DNS)
    assert dns.is_own
    assert dns.contacts[0].warns


def test_a_country_code_may_have_no_server_but_a_word_of_its_registry(registries: Registries) -> None:
    found = registries.climb("https://made-up.eu/", HOST, touch=False)
    assert rung(found, Layer.REGISTRAR).why_not.startswith("no RDAP server is known for .eu")
    registry = rung(found, Layer.REGISTRY)
    assert registry.who == "EURid, registry of .eu"
    assert registry.contacts[0].source.startswith("https://eurid.eu/")
    assert not found.snags


def test_a_held_name_is_off_already(registries: Registries) -> None:
    found = registries.climb("https://held.example/")
    assert "server hold" in found.status
    assert suggest(found).rung is None
    assert "server hold" in suggest(found).reason
    assert [one.source for one in found.snags] == ["held.example"]


def test_without_a_host_the_registrar_is_left(registries: Registries) -> None:
    found = registries.climb("https://made-up.example/")
    assert suggest(found).rung is rung(found, Layer.REGISTRAR)
    assert suggest(found).reason.startswith("the host could not be found; Made-Up Registrar")


def test_an_address_nobody_has(registries: Registries) -> None:
    found = registries.climb("https://made-up.example/", NOBODYS)
    assert f"no registry is known for {NOBODYS}" in rung(found, Layer.HOST).why_not


def test_a_site_on_a_bare_number_has_no_domain(registries: Registries) -> None:
    registries.leads["192.0.2.10"] = (HOST,)
    found = ladder(registries.tools, "http://192.0.2.10/page", touch=False)
    assert found.domain == ""
    assert rung(found, Layer.REGISTRAR).why_not == "192.0.2.10 is an IP address and has no domain"
    assert suggest(found).rung is rung(found, Layer.HOST)


def test_a_hidden_service_shows_nothing(registries: Registries) -> None:
    onion = "a" * 55 + "d"
    found = ladder(registries.tools, f"http://{onion}.onion/")
    assert not found.addresses
    assert "made from keys" in rung(found, Layer.REGISTRAR).why_not
    assert suggest(found).rung is None
    assert not registries.asked


def test_who_gives_out_names_is_nearest(registries: Registries) -> None:
    found = registries.climb("https://made-up.pages.dev/", FRONT)
    page = rung(found, Layer.PAGE)
    assert (page.who, page.is_own) == ("pages.dev", False)
    assert suggest(found).rung is page
    assert not page.contacts[0].warns


# --- platforms -------------------------------------------------------------------------------------


def test_a_page_on_a_platform_is_said_at_once(registries: Registries) -> None:
    found = ladder(registries.tools, "https://flock.exercise.example/@made_up")
    assert [one.layer for one in found.rungs] == [Layer.PAGE]
    suggested = suggest(found)
    assert suggested.rung is found.rungs[0]
    assert suggested.reason.endswith("can remove this alone")
    assert found.contacts
    assert not registries.asked


def test_what_stands_below_a_platform_is_shown_on_request(registries: Registries) -> None:
    found = registries.climb("https://flock.exercise.example/@made_up", HOST, whole=True)
    assert [one.layer for one in found.rungs] == list(Layer)
    assert suggest(found).rung is found.rungs[0]


def test_a_platform_whose_contact_is_not_known_is_nearest_all_the_same(registries: Registries) -> None:
    room = Room(name="rooms", title="Made-Up Rooms", hosts=frozenset({"*.rooms.example"}), establishment="NL")
    found = ladder(replace(registries.tools, catalogue=Rooms([room])), "https://a.b.rooms.example/page")
    page = suggest(found).rung
    assert page is found.rungs[0]
    assert page.why_not == "where it takes mail of this kind is not known yet"
    assert suggest(found).reason.startswith("Made-Up Rooms can remove this alone; ")


@pytest.mark.parametrize(
    "address", ["https://www.facebook.com/marketplace/", "https://t.me/", "https://x.com/settings"]
)
def test_a_page_that_a_platforms_room_cannot_read_is_the_platforms_all_the_same(
    registries: Registries, address: str
) -> None:
    found = ladder(registries.tools, address)
    assert not found.rungs[0].is_own
    assert suggest(found).rung is found.rungs[0]
    assert not registries.asked


def test_software_that_others_run_is_no_platform(registries: Registries) -> None:
    room = Room(
        name="software", title="Software", hosts=frozenset(), host_patterns=(re.compile(r"made-up\.example"),), anywhere=("/v/",)
    )  # fmt: skip
    registries.leads["made-up.example"] = (HOST,)
    found = ladder(replace(registries.tools, catalogue=Rooms([room])), "https://made-up.example/v/1")
    assert suggest(found).rung is rung(found, Layer.HOST)


@pytest.mark.parametrize("address", ["", "not an address", "http://localhost/", "mailto:a@b.example"])
def test_what_names_no_site_is_malformed(registries: Registries, address: str) -> None:
    with pytest.raises(Invalid):
        ladder(registries.tools, address)


# --- trouble ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "what", "following"),
    [
        (recorded("too-many-questions.json", 429, Retry_After="120"), "asked too often (429): Too Many Requests", "Wait 120 seconds, then run it again."),
        (recorded("too-many-questions.json", 429, Retry_After="Fri, 27 Nov 2026 10:00:00 GMT"), "asked too often", "Wait until Fri, 27 Nov 2026"),
        (recorded("too-many-questions.json", 429), "asked too often", "Wait some minutes"),
        (recorded("html-instead-of-json.html", 503, Retry_After="60"), "in trouble (503)", "Try again after 60 seconds."),
        (recorded("html-instead-of-json.html"), "not RDAP (text/html)", "Look by hand."),
        (recorded("not-found.json"), "not RDAP (application/rdap+json)", "Look by hand."),
        (recorded("html-instead-of-json.html", 403), "refuses the question (403)", "Look by hand."),
        ((302, {"Location": "http://127.0.0.1:1/"}, b""), "no answer", "Try again later."),
        ((302, {"Location": "http://outside.test/"}, b""), "our own guard refused", "by hand"),
        ((302, {"Location": "/domain/made-up.example"}, b""), "no answer", "Try again later."),
        ((200, {"Content-Type": "application/rdap+json"}, b'{"x":"' + b"a" * 2_000_000 + b'"}'), "not RDAP", "by hand"),
    ],
)  # fmt: skip
def test_trouble_is_said_with_what_to_do(
    registries: Registries, said: Said, what: str, following: str
) -> None:
    registries.said["rdap.registry.example/domain/made-up.example"] = said
    found = registries.climb("https://made-up.example/", HOST)
    (snag,) = found.snags
    assert what in snag.what
    assert following in snag.next
    assert what in rung(found, Layer.REGISTRAR).why_not
    assert suggest(found).rung is rung(found, Layer.HOST)


def test_a_registry_is_asked_once(registries: Registries) -> None:
    registries.said["rdap.registry.example/domain/made-up.example"] = recorded("too-many-questions.json", 429)
    registries.climb("https://made-up.example/", HOST, V6)
    assert set(registries.asked.values()) == {1}


def test_a_second_server_is_asked_where_the_first_is_silent(registries: Registries) -> None:
    registries.publish({"dns": [(["example"], ["https://gone.test/", "https://rdap.registry.example/"])]})
    found = registries.climb("https://made-up.example/", HOST)
    assert rung(found, Layer.REGISTRAR).who == "Made-Up Registrar, Inc."
    assert not found.snags


def test_a_registrar_that_is_silent_costs_only_its_own_answer(registries: Registries) -> None:
    registries.said["rdap.registrar.example/domain/MADE-UP.EXAMPLE"] = recorded(
        "html-instead-of-json.html", 500
    )
    found = registries.climb("https://made-up.example/", HOST)
    assert ("abuse@registrar.example", "abuse of registrar") in shown(rung(found, Layer.REGISTRAR).contacts)
    assert [one.source for one in found.snags] == ["https://rdap.registrar.example/domain/MADE-UP.EXAMPLE"]


@pytest.mark.parametrize("defect", sorted(path.name for path in ASSETS.glob("defect-*.json")))
def test_no_defect_breaks_a_ladder(registries: Registries, defect: str) -> None:
    for place in list(registries.said):
        registries.said[place] = recorded(defect)
    found = registries.climb("https://made-up.example/", HOST)
    assert {one.layer for one in found.rungs} == set(Layer)
    suggest(found)


def test_every_contact_keeps_its_scope_and_source(registries: Registries) -> None:
    found = registries.climb("https://made-up.example/", HOST, FRONT, SILENT)
    assert all(one.scope and one.source and one.party for one in found.contacts)
    assert len({one.scope for one in found.contacts}) > 6


# --- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "domain", "giver"),
    [
        ("a.b.made-up.co.uk", "made-up.co.uk", ""), ("made-up.example", "made-up.example", ""),
        ("x.github.io", "github.io", "github.io"), ("github.io", "github.io", ""), ("co.uk", "", ""),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", ""), ("[2001:db8::1]", "", ""), ("2001:db8::1", "", ""),
    ],
)  # fmt: skip
def test_the_registrable_domain(host: str, domain: str, giver: str) -> None:
    found = names_of(host)
    assert (found.domain, found.giver) == (domain, giver)
    assert bool(found.why_not) is not bool(domain)


# --- bootstrap files -------------------------------------------------------------------------------


def offer(registries: Registries, **files: bytes) -> None:
    """Let IANA's server have these files."""
    for name, raw in files.items():
        place = IANA.format(name).removeprefix("https://")
        registries.said[place] = (200, {"Content-Type": "application/json"}, raw)


def shipped(sort: Sort, publication: str) -> bytes:
    """The shipped file, of another day."""
    from importlib.resources import files

    text = json.loads(files("staydown.reason").joinpath("data", "rdap", f"{sort.value}.json").read_text())
    return json.dumps({**text, "publication": publication}).encode()


def test_fetched_files_win_over_shipped_ones(registries: Registries) -> None:
    for path in (registries.home / "rdap").iterdir():
        path.unlink()
    assert in_use(registries.home, Sort.DNS).path == ""
    offer(registries, **{sort.value: shipped(sort, "2027-01-01T00:00:00Z") for sort in Sort})
    refresh(registries.tools)
    for sort in Sort:
        used = in_use(registries.home, sort)
        assert used.path == str(registries.home / "rdap" / f"{sort.value}.json")
        assert used.bootstrap.publication.year == 2027
    assert len(list((registries.home / "rdap").iterdir())) == 4


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        b'{"version":"1.0","publication":"2028-01-01","services":[[["x"],["https://a.example/"]]]}',
    ],
)
def test_a_broken_file_replaces_nothing(registries: Registries, raw: bytes) -> None:
    for path in (registries.home / "rdap").iterdir():
        path.unlink()
    offer(registries, **{sort.value: shipped(sort, "2027-01-01T00:00:00Z") for sort in Sort})
    offer(registries, dns=raw)
    with pytest.raises(Outside, match=r"dns\.json cannot be used"):
        refresh(registries.tools)
    assert in_use(registries.home, Sort.DNS).path == ""
    assert in_use(registries.home, Sort.ASN).path
    assert not [path for path in (registries.home / "rdap").iterdir() if path.name.startswith(".")]


def test_a_file_that_went_bad_is_said_and_the_shipped_one_used(registries: Registries) -> None:
    (registries.home / "rdap" / "ipv4.json").write_text("{")
    used = in_use(registries.home, Sort.IPV4)
    assert used.path == ""
    assert "it is not JSON" in used.refused
    found = registries.climb("https://made-up.example/", HOST)
    assert found.snags[0].next == "The shipped file is used instead."


def test_a_file_older_than_the_shipped_one_is_not_used(registries: Registries) -> None:
    registries.publish(BOOTSTRAP, publication="2019-01-01T00:00:00Z")
    assert "older than the shipped file" in in_use(registries.home, Sort.DNS).refused


def test_a_server_that_is_away_is_trouble_outside(registries: Registries) -> None:
    with pytest.raises(Outside, match="answered 404"):
        refresh(registries.tools)


# --- the guard -------------------------------------------------------------------------------------


def test_the_guard_resolves_hosts_as_it_does_for_asks() -> None:
    public = GuardedFetch(Policy.PUBLIC, resolve=lambda _: ["192.0.78.9", "2606:2800::1", "192.0.78.9"])
    assert public.addresses("made-up.org") == ("192.0.78.9", "2606:2800::1")
    assert public.addresses("[2606:2800::1]") == ("2606:2800::1",)
    for host in ("127.0.0.1", "localhost", "printer.local", "10.0.0.1", ""):
        with pytest.raises(Refused):
            public.addresses(host)
    inner = GuardedFetch(Policy.PUBLIC, resolve=lambda _: ["192.0.78.9", "10.0.0.1"])
    with pytest.raises(Refused):
        inner.addresses("made-up.org")
    with pytest.raises(Outside):
        GuardedFetch(Policy.PUBLIC, resolve=lambda _: []).addresses("made-up.org")


def test_in_an_exercise_only_hosts_of_the_table_exist() -> None:
    fetch = GuardedFetch(Policy.LOOPBACK, hosts={"*.made-up.example": ("127.0.0.1", 80)})
    assert fetch.addresses("a.made-up.example") == ("127.0.0.1",)
    for host in ("other.example", "192.0.78.9"):
        with pytest.raises(Refused):
            fetch.addresses(host)
