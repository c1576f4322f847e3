"""One key for every spelling of one thing, and different keys for different things."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from staydown.core.errors import Invalid, NotFound
from staydown.core.item import Identity, ItemKind, Refusal
from staydown.reason.canon import MAX_KEY, Rooms
from staydown.reason.rooms import Room
from staydown.registry import load_rooms

ROOMS = load_rooms()


def key(raw: str) -> str | None:
    found = ROOMS.identify(raw)
    return found.key if isinstance(found, Identity) else None


ONE = {
    "scheme, case, port, fragment, last dot": [
        "https://page.example/a/B?x=1",
        "http://page.example/a/B?x=1",
        "HTTPS://PAGE.Example:443/a/B?x=1#top",
        "http://page.example.:80/a/B?x=1",
        "page.example/a/B?x=1",
        "//page.example/a/B?x=1",
    ],
    "dot segments and escapes": [
        "https://page.example/a/~b/c%2Fd",
        "https://page.example/x/../a/./%7Eb/c%2fd",
        "https://page.example/%61/%7eb/c%2Fd",
        "https:\\\\page.example\\a\\~b\\c%2Fd",
    ],
    "signs that may not stand bare": [
        "https://page.example/a?b[]=1|2",
        "https://page.example/a?b%5B%5D=1%7C2",
        "https://page.example/a?b%5b%5d=1%7c2",
    ],
    "tracking": [
        "https://page.example/a?id=7&b=2",
        "https://page.example/a?id=7&utm_source=x&b=2&fbclid=y",
        "https://page.example/a?UTM_Campaign=x&id=7&b=2&gclid=z#frag",
        "https://page.example/a?&id=7&&b=2&",
    ],
    "names in other scripts": [
        "https://bücher.example/ä",
        "https://xn--bcher-kva.example/%C3%A4",
        "https://BÜCHER.example/%c3%a4",
    ],
    "controls as browsers treat them": [
        "https://page.example/a%01b",
        "\x00https://page.example/a\x01b\x1f",
    ],
    "what a sentence, a cell or a page leaves around an address": [
        "https://t.me/made_up_name",
        *(
            f"https://t.me/made_up_name{tail}"
            for tail in (".", ",", ";", "!", ")", "،", "؟", "。", "…", "»", "%0A", " (channel)")
        ),
        '"https://t.me/made_up_name",',
        "[made up](https://t.me/made_up_name)",
        '[made up](<https://t.me/made_up_name> "title")',
        '<a href="https://t.me/made_up_name">made up</a>',
        "t .me/made_up_name",
        "https:// t . me/made_up_name",
        "https://t dot me/made_up_name",
        "h t t p s : / / t . m e / m a d e _ u p _ n a m e",
    ],
    "the thing an old address names behind the hash": [
        "https://www.facebook.com/profile.php?id=100002",
        "http://www.facebook.com/profile.php?id=100001#!/profile.php?id=100002",
        "http://www.facebook.com/home.php#!/profile.php?id=100002",
    ],
    "a query whose mark was escaped on the way": [
        "https://x.com/made_up/status/12345",
        "https://twitter.com/made_up/status/12345%3Fs%3D19",
        "https://twitter.com/made_up/status/12345%3Fref_src=https://page.example/",
    ],
    "an escaped address behind AMP": [
        "https://page.example/a?b=1",
        "https://www.google.com/amp/s/page.example/a%3Fb=1",
    ],
    "an ampersand as a page writes it": [
        "https://page.example/a?b=1&c=2",
        "https://page.example/a?b=1&amp;c=2",
        "hxxps://page.example/a?b=1&amp;c=2",
    ],
    "a host alone": [
        "page.example",
        "http://page.example",
        "https://page.example/?",
        "https://page.example/#a",
    ],
    "redirectors within redirectors": [
        "https://t.me/made_up_name",
        "https://www.google.com/url?q=https%3A%2F%2Ft.me%2Fs%2Fmade_up_name&sa=D",
        "https://l.facebook.com/l.php?u=https%3A%2F%2Fwww.google.com%2Furl%3Fq%3Dhttps%253A%252F%252Ft.me%252Fmade_up_name",
        "https://vk.com/away.php?to=t.me%2FMade_Up_Name",
    ],
    "a provider behind the other scheme's port": [
        "https://t.me/made_up_name",
        "http://t.me:443/made_up_name",
    ],
    "a provider in full width": ["https://t.me/made_up_name", "https://t.me/ｍａｄｅ_ｕｐ_ｎａｍｅ"],
}

DIFFERENT = [
    ("https://page.example/a", "https://www.page.example/a"),
    ("https://page.example/a", "https://page.example/a/"),
    ("https://page.example/a", "https://page.example/A"),
    ("https://page.example/?a=1&b=2", "https://page.example/?b=2&a=1"),
    ("https://page.example/a", "https://page.example:8443/a"),
    ("https://page.example/a%2Fb", "https://page.example/a/b"),
    ("https://page.example/a?b=", "https://page.example/a?b"),
    ("https://page.example/a//b", "https://page.example/a/b"),
    ("https://page.example/a.", "https://page.example/a"),
    ("https://page.example/A_(b)", "https://page.example/A_(b"),
    ("https://page.example/a?b=%26amp;c=2", "https://page.example/a?b=%26c=2"),
    ("https://page.example/a?b=%2B", "https://page.example/a?b=+"),
    ("https://page.example/%2541", "https://page.example/A"),
    ("https://t.me/made_up_name", "https://t.me.page.example/made_up_name"),
    ("https://t.me/made_up_name", "https://t.mе/made_up_name"),
    ("https://t.me/made_up_name", "https://page.example\\@t.me/made_up_name"),
    ("https://t.me/+AbCdEfGhIjKlMnOp", "https://t.me/+aBcDeFgHiJkLmNoP"),
    ("https://t.me/made_up_name/1", "https://t.me/made_up_name/2"),
    ("vnd.youtube://AbCdEfGhIjK", "vnd.youtube://abcdefghijk"),
    ("https://www.facebook.com/robots.txt", "https://www.facebook.com/robotstxt"),
    ("https://t.me/made_up_name/1", "https://t.me/made_up_name/1?comment=2"),
    ("https://t.me/made_up_name", "https://t.me:8443/made_up_name"),
    ("https://youtu.be/AbCdEfGhIjK", "https://youtu.be/aBCdEfGhIjK"),
    ("https://x.com/made_up", "https://x.com/made_up/status/1"),
    ("https://www.instagram.com/p/AbCdEfGhIjK", "https://www.instagram.com/p/abcdefghijk"),
    ("https://web.archive.org/web/2024/https://page.example/", "https://page.example/"),
    (
        "https://web.archive.org/web/2023/https://page.example/",
        "https://web.archive.org/web/2024/https://page.example/",
    ),
]

REFUSED = {
    "": "empty",
    " \u200b ": "empty",
    "hello world": "no address",
    "someone@page.example": "no address",
    "notes.txt": "no address",
    "javascript:alert(1)": "javascript",
    "data:text/html,x": "data",
    "mailto:a@page.example": "mailto",
    "ftp://page.example/a": "ftp",
    "file:///etc/passwd": "file",
    "https://t.me@page.example/": "user name",
    "https://someone:secret@page.example/": "user name",
    "http://localhost:8000/": "no dot",
    "http://printer/": "no dot",
    "http://nas.local/": "inner",
    "http://10.1.2.3/": "not a public",
    "http://192.168.0.1": "not a public",
    "http://127.1/": "not a public",
    "http://0x7f000001/": "not a public",
    "http://2130706433/": "not a public",
    "http://169.254.169.254/latest": "not a public",
    "http://[::1]/": "not a public",
    "http://[::ffff:10.0.0.1]/": "not a public",
    "http://[64:ff9b::a00:1]/": "not a public",
    "https://pa\x00ge.example/": "no valid",
    "https://page\x1b.example/": "no valid",
    "https://page.example/\ud800": "half a character",
    "https://page.example/" + "a" * 8200: "longer",
    "https://page.example/" + "ä" * 3000: "longer",
    "https://page.example:99999/": "no valid",
    "https://pa ge.example/": "no valid",
    "https://xn--/": "no valid",
    "https://a..example/": "empty",
    "https://page.example/a\nhttps://page.example/b": "more than one",
    "https://page.example/a\npage.example/b": "more than one",
    "tg://settings": "tg",
}


@pytest.mark.parametrize("spellings", ONE.values(), ids=ONE.keys())
def test_spellings_of_one_thing_have_one_key(spellings: list[str]) -> None:
    assert len({key(raw) for raw in spellings} - {None}) == 1
    assert None not in {key(raw) for raw in spellings}


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_things_have_different_keys(one: str, other: str) -> None:
    assert key(one) is not None
    assert key(one) != key(other)


@pytest.mark.parametrize(("raw", "reason"), REFUSED.items())
def test_what_names_no_item_is_refused_with_its_reason(raw: str, reason: str) -> None:
    found = ROOMS.identify(raw)
    assert isinstance(found, Refusal)
    assert reason in found.reason
    assert found.raw == raw


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "[2001:db8::1]", "8.8.8.8", "[2606:4700::1111]", "a.onion", "a_b.example"]
)
def test_public_and_example_hosts_are_read(host: str) -> None:
    assert key(f"http://{host}/") == f"web:site:{host}"


def test_a_page_knows_its_site_and_keeps_what_was_typed() -> None:
    found = ROOMS.identify(" Page.Example/a ")
    assert isinstance(found, Identity)
    assert (found.raw, found.kind, found.container) == (
        " Page.Example/a ",
        ItemKind.PAGE,
        "web:site:page.example",
    )
    assert found.address == "https://page.example/a"


def test_a_page_reached_over_http_is_looked_for_there() -> None:
    found = ROOMS.identify("http://page.example/a")
    assert isinstance(found, Identity)
    assert found.address == "http://page.example/a"


def test_a_copy_knows_what_it_shows() -> None:
    found = ROOMS.identify("https://archive.ph/20240102030405/https://t.me/s/made_up_name")
    assert isinstance(found, Identity)
    assert found.wraps == "telegram:channel:made_up_name"


def test_a_redirector_without_a_readable_target_is_a_page() -> None:
    assert (
        key("https://www.google.com/url?q=javascript:alert(1)")
        == "web:page:www.google.com/url?q=javascript:alert(1)"
    )


def test_wrapping_has_an_end() -> None:
    raw = "https://page.example/"
    for _ in range(12):
        raw = f"https://web.archive.org/web/2024/{raw}"
    found = ROOMS.identify(raw)
    assert isinstance(found, Refusal)
    assert "wrapped" in found.reason


def test_long_keys_are_cut_and_stay_apart() -> None:
    one, other = (key(f"https://page.example/{'a' * 2000}{end}") for end in "xy")
    assert one is not None
    assert other is not None
    assert one != other
    assert max(len(one), len(other)) <= MAX_KEY


def test_without_rooms_everything_is_web() -> None:
    bare = Rooms()
    found = bare.identify("https://t.me/made_up_name")
    assert isinstance(found, Identity)
    assert found.key == "web:page:t.me/made_up_name"
    assert bare.room("web").name == "web"
    with pytest.raises(NotFound):
        bare.room("telegram")


@pytest.mark.parametrize("twice", ["name", "host"])
def test_a_name_or_host_taken_twice_stops_the_start(twice: str) -> None:
    one = Room(name="one", title="One", hosts=frozenset({"one.example"}))
    other = Room(
        name="one" if twice == "name" else "other",
        title="Other",
        hosts=frozenset({"one.example" if twice == "host" else "other.example"}),
    )
    with pytest.raises(Invalid, match="one"):
        Rooms([one, other])


_HOST_WORDS = """
page.example www.page.example t.me telegram.me made_up.t.me x.com youtu.be www.youtube.com www.facebook.com fb.watch
instagram.com vm.tiktok.com web.archive.org archive.ph www.google.nl a-b.translate.goog ä.example 192.0.2.7
[2001:db8::7] T.ME. twitter.com telegra.ph
"""
_PIECE_WORDS = """
/ /s /c /made_up /123 /@a.b /+AbCdEfGh1 /status /watch ?v=AbCdEfGhIjK &lc=Ugabcdefghij ?url= ?q= https://t.me/abcde
%41 %2e %2F % %zz %25 é ａ [.] (dot) ' | # ? & = utm_a=1 && // /.. /./ \\ ; web/2024/ /posts/ pfbid0AbCdEfGhIjKl
: @ ~ /p/AbCdEfGhIjK ?comment=5 ?story_fbid=123&id=456 \u200c ! { \u0130 /20240102030405/ page.example
"""
_HOSTS = st.sampled_from(_HOST_WORDS.split())
_PIECES = st.sampled_from(_PIECE_WORDS.split())
_ADDRESSES = st.builds(
    lambda scheme, host, rest: scheme + host + "".join(rest),
    st.sampled_from(["https://", "http://", "", "hxxps://", "//", "tg://"]),
    _HOSTS,
    st.lists(_PIECES, max_size=9),
)


@given(_ADDRESSES)
@settings(max_examples=600, deadline=None)
def test_a_canonical_address_has_the_same_key_again(raw: str) -> None:
    found = ROOMS.identify(raw)
    if isinstance(found, Identity):
        again = ROOMS.identify(found.address)
        assert isinstance(again, Identity), again
        assert again.key == found.key
        assert again.address == found.address


@given(
    st.text(max_size=200)
    | st.text(st.characters(codec=None), max_size=60)
    | st.binary(max_size=60).map(lambda b: b.decode("latin-1"))
)
@settings(max_examples=400, deadline=None)
def test_no_text_of_any_kind_raises(raw: str) -> None:
    found = ROOMS.identify(raw)
    assert found.raw == raw
    if isinstance(found, Identity):
        again = ROOMS.identify(found.address)
        assert isinstance(again, Identity)
        assert again.key == found.key


@given(
    _ADDRESSES.filter(lambda raw: raw.startswith("http") and "\\" not in raw),
    st.sampled_from(["utm_medium=x", "fbclid=1"]),
)
@settings(max_examples=300, deadline=None)
def test_tracking_and_fragment_never_change_the_key(raw: str, tracking: str) -> None:
    bare = raw.partition("#")[0]
    if isinstance(ROOMS.identify(bare), Identity) and not {"web.archive.org", "archive.ph"} & set(
        bare.split("/")
    ):
        joined = bare + ("&" if "?" in bare else "?") + tracking
        assert key(joined) == key(bare)


_LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)


@given(
    st.lists(_LABEL, min_size=1, max_size=3),
    st.sampled_from(["com", "org", "example", "local", "arpa"]),
    st.text("abZ09-._~!$&()*+,;=:@/?", max_size=30),
)
@settings(max_examples=400, deadline=None)
def test_the_short_way_and_the_long_way_agree(labels: list[str], ending: str, rest: str) -> None:
    raw = f"https://{'.'.join(labels)}.{ending}/{rest}"
    assert key(raw) == key(raw.replace("https", "HTTPS"))
