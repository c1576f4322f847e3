"""The page probe: an error of ours or theirs is never "offline", and a page without its signs never "online"."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staydown.core.check import MarkKind, Sight
from staydown.core.errors import Invalid
from staydown.plugs.probes.page.probe import PROBE
from staydown.ports import Ask, Reply, Trouble
from staydown.reason.rooms import Room, Sign
from staydown.reason.web import WEB
from staydown.registry import load_rooms

ADDRESS = "https://a.example/x"
PLAIN = Room(name="plain", title="No signs", hosts=frozenset({"a.example"}))
SIGNED = Room(
    name="signed",
    title="With signs",
    hosts=frozenset({"a.example", "www.a.example"}),
    signs=(
        Sign(
            sight=Sight.OFFLINE, status=frozenset({200}), body=re.compile("is gone"), reason="says it is gone"
        ),
        Sign(sight=Sight.OFFLINE, lands_on=re.compile(r"^/$"), reason="front page"),
        Sign(sight=Sight.BLOCKED, lands_on=re.compile(r"^/login"), reason="wall"),
        Sign(sight=Sight.OFFLINE, status=frozenset({404, 503}), reason="says so by status"),
        Sign(sight=Sight.ONLINE, status=frozenset({200}), body=re.compile("<main>"), reason="shown"),
    ),
)


def reply(
    status: int | None = 200, body: bytes = b"<p>words", *, address: str = ADDRESS, **more: object
) -> Reply:
    fields = {"ask": Ask(address=ADDRESS), "address": address, "at": datetime.now(UTC), "seconds": 0.1}
    return Reply(**{**fields, "status": status, "body": body, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("room", [PLAIN, SIGNED, WEB], ids=lambda room: room.name)
@pytest.mark.parametrize("trouble", Trouble)
def test_trouble_is_unclear(room: Room, trouble: Trouble) -> None:
    look = PROBE.look(room, reply(None, b"", trouble=trouble, detail="why"))
    assert look.sight is Sight.UNCLEAR
    assert look.reason.startswith("refused: ") is (trouble is Trouble.REFUSED)
    assert "why" in look.reason


@given(
    status=st.integers(100, 599),
    body=st.binary(max_size=80),
    cut=st.booleans(),
    room=st.sampled_from([PLAIN, WEB]),
)
def test_without_signs_only_404_and_410_are_offline(status: int, body: bytes, cut: bool, room: Room) -> None:
    look = PROBE.look(room, reply(status, body, cut=cut))
    assert (look.sight is Sight.OFFLINE) == (status in {404, 410})
    assert look.sight is not Sight.ONLINE or (200 <= status < 300 and body.strip() and not cut)


@pytest.mark.parametrize(
    ("status", "sight"),
    [
        (404, Sight.OFFLINE), (410, Sight.OFFLINE), (451, Sight.BLOCKED), (401, Sight.BLOCKED), (403, Sight.BLOCKED),
        (429, Sight.UNCLEAR), (400, Sight.UNCLEAR), (302, Sight.UNCLEAR), (500, Sight.UNCLEAR), (503, Sight.UNCLEAR),
        (200, Sight.ONLINE), (204, Sight.ONLINE),
    ],
)  # fmt: skip
@pytest.mark.parametrize("room", [PLAIN, WEB], ids=lambda room: room.name)
def test_what_all_servers_share(room: Room, status: int, sight: Sight) -> None:
    assert PROBE.look(room, reply(status)).sight is sight


@pytest.mark.parametrize(
    ("fields", "sight"),
    [
        ({"body": b"this is gone"}, Sight.OFFLINE),
        ({"body": b"<main>this is gone"}, Sight.OFFLINE),  # the first sign that fits decides
        ({"body": b"<main>words"}, Sight.ONLINE),
        ({"body": b"<main>words", "cut": True}, Sight.ONLINE),
        ({"body": b"words"}, Sight.UNCLEAR),
        ({"body": b""}, Sight.UNCLEAR),
        ({"status": 500, "body": b"this is gone"}, Sight.UNCLEAR),
        ({"status": 503}, Sight.OFFLINE),
        ({"status": 429}, Sight.UNCLEAR),
        ({"address": "https://a.example/"}, Sight.OFFLINE),
        ({"address": "https://a.example/?x"}, Sight.UNCLEAR),
        ({"address": "https://a.example/login?next=x"}, Sight.BLOCKED),
        ({"address": "https://accounts.b.example/login"}, Sight.BLOCKED),
        ({"address": "https://b.example/"}, Sight.UNCLEAR),
        ({"address": "https://b.example/x", "status": 404}, Sight.UNCLEAR),
        ({"address": "https://b.example/x", "body": b"<main>"}, Sight.UNCLEAR),
        ({"address": "https://www.a.example/x", "body": b"<main>"}, Sight.ONLINE),
        ({"body": b" " * (1 << 20) + b"this is gone"}, Sight.UNCLEAR),  # beyond what is read
    ],
)
def test_signs_decide_in_order_and_only_at_home(fields: dict[str, object], sight: Sight) -> None:
    assert PROBE.look(SIGNED, reply(**fields)).sight is sight  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "sight"),
    [
        ({"address": "https://other.example/x"}, Sight.UNCLEAR),
        ({"address": "https://www.a.example/x"}, Sight.ONLINE),
        ({"address": "https://a.example/"}, Sight.UNCLEAR),
        ({"address": "https://a.example/login?next=/x"}, Sight.BLOCKED),
        ({"body": b"<title>404 Not Found</title><p>words"}, Sight.UNCLEAR),
        ({"body": b"<p>This account has been suspended</p>"}, Sight.OFFLINE),
        ({"body": b"<p>They wrote: this account has been suspended. " + b"word " * 400}, Sight.UNCLEAR),
    ],
)
def test_plain_web_pages(fields: dict[str, object], sight: Sight) -> None:
    assert PROBE.look(WEB, reply(**fields)).sight is sight  # type: ignore[arg-type]


def test_the_charset_of_the_answer_is_used_and_a_strange_one_is_not() -> None:
    room = Room(
        name="r",
        title="r",
        hosts=frozenset({"a.example"}),
        signs=(Sign(sight=Sight.OFFLINE, body=re.compile("supprimé"), reason="gone"),),
    )
    body = "supprimé".encode("latin-1")
    latin = (("Content-Type", "text/html; charset=ISO-8859-1"),)
    assert PROBE.look(room, reply(body=body, headers=latin)).sight is Sight.OFFLINE
    assert PROBE.look(room, reply(body=body)).sight is Sight.ONLINE
    for charset in ("unicode_escape", "zlib", "idna", "utf-7", "nonsense"):
        strange = (("Content-Type", f"text/html; charset={charset}"),)
        assert PROBE.look(room, reply(body=b"words", headers=strange)).sight is Sight.ONLINE


def room_with(**marks: str) -> Room:
    return Room(
        name="r", title="r", hosts=frozenset({"a.example"}), marks={MarkKind(k): v for k, v in marks.items()}
    )


def test_marks_are_joined_bounded_and_plain() -> None:
    body = b'<a href="/b?x=1">1</a><a href="//c.example/d">2</a><a href="data:text/html,x">3</a><a>4</a><a href="">5</a>'
    marks = PROBE.marks(room_with(address="a@href"), reply(body=body))
    assert [mark.value for mark in marks] == ["https://a.example/b?x=1", "https://c.example/d"]
    many = b"".join(b"<i>%d</i>" % number for number in range(1000))
    assert len(PROBE.marks(room_with(name="i"), reply(body=many))) == 200
    long = PROBE.marks(room_with(name="i"), reply(body=b"<i>" + b"a" * 9000 + b"</i>"))
    assert len(long[0].value) == 2000
    odd = PROBE.marks(room_with(name="i"), reply(body=b"<i>a\x00\x1b[31m \n b</i>"))
    assert odd[0].value.isprintable()


@pytest.mark.parametrize(
    ("shown", "count"),
    [
        ("12,345 followers", "12345"),
        ("1.2K", "1200"),
        ("3,5m", "3500000"),
        ("7", "7"),
        ("1.234", "1234"),
        ("none", None),
    ],
)
def test_followers_are_numbers(shown: str, count: str | None) -> None:
    marks = PROBE.marks(room_with(followers="b"), reply(body=f"<b>{shown}</b>".encode()))
    assert [mark.value for mark in marks] == ([count] if count else [])


def test_a_page_that_is_not_shown_has_no_marks() -> None:
    room = room_with(name="h1")
    body = b"<h1>Not found</h1>"
    assert not PROBE.marks(room, reply(404, body))
    assert not PROBE.marks(room, reply(None, body, trouble=Trouble.RESET))


NUMBERS = {
    "youtube": (
        b'<meta itemprop="identifier" content="UCAbCdEfGhIjKlMnOpQrStUv">',
        "UCAbCdEfGhIjKlMnOpQrStUv",
    ),
    "facebook": (b'<meta property="al:ios:url" content="fb://profile/100001234567890">', "100001234567890"),
    "soundcloud": (b'<meta property="al:ios:url" content="soundcloud://users:12345">', "12345"),
    "vimeo": (b'<meta property="al:ios:url" content="vimeo://app.vimeo.com/users/12345">', "12345"),
    "bluesky": (b'<p id="bsky_did">did:plc:abcdefghijklmnopqrstuvwx</p>', "abcdefghijklmnopqrstuvwx"),
}
NO_NUMBERS = {
    "youtube": b'<meta itemprop="identifier" content="AbCdEfGhIjK">',  # of a video
    "soundcloud": b'<meta property="al:ios:url" content="soundcloud://sounds:12345">',
    "facebook": b'<meta property="al:ios:url" content="fb://photo/1234567890">',
}


@pytest.mark.parametrize(("name", "page", "number"), [(name, *rest) for name, rest in NUMBERS.items()])
def test_the_lasting_number_is_read_as_addresses_write_it(name: str, page: bytes, number: str) -> None:
    marks = PROBE.marks(load_rooms().room(name), reply(body=page))
    assert [mark.value for mark in marks if mark.kind is MarkKind.STABLE_ID] == [number]


@pytest.mark.parametrize(("name", "page"), NO_NUMBERS.items())
def test_a_number_of_something_else_is_none(name: str, page: bytes) -> None:
    marks = PROBE.marks(load_rooms().room(name), reply(body=page))
    assert not [mark for mark in marks if mark.kind is MarkKind.STABLE_ID]


def test_a_selector_that_is_none_is_named() -> None:
    with pytest.raises(Invalid, match=r"\[\["):
        PROBE.marks(room_with(name="a[["), reply())


@given(st.binary(max_size=400))
def test_no_page_breaks_the_probe(body: bytes) -> None:
    for room in (SIGNED, WEB, room_with(name="*", address="*@href")):
        PROBE.look(room, reply(body=body))
        assert all(len(mark.value) <= 2000 for mark in PROBE.marks(room, reply(body=body)))
