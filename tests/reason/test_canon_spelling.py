"""Addresses as people write them: quoted, defanged, hidden, half."""

from __future__ import annotations

import pytest

from staydown.core.errors import Invalid
from staydown.reason.escapes import folded, settled
from staydown.reason.prose import addresses_in
from staydown.reason.spelling import absolute
from staydown.reason.tracking import is_tracking, without_tracking

WRITTEN = [
    " https://page.example/a ",
    "\u00a0https://page.example/a\u3000",
    '"https://page.example/a"',
    "'https://page.example/a'",
    "“https://page.example/a”",
    "«https://page.example/a»",
    "<https://page.example/a>",
    "<URL:https://page.example/a>",
    "(https://page.example/a)",
    "[https://page.example/a]",
    "hxxps://page.example/a",
    "hXXps://page[.]example/a",
    "h**ps://page[dot]example/a",
    "hxxps[:]//page(.)example[/]a",
    "https[://]page{.}example/a",
    "hxxps://page [.] example/a",
    "hxxps://page[.example/a",
    "page(dot)example/a",
    "ttps://page.example/a",
    "https//page.example/a",
    "https:// page.example/a",
    "http://https://page.example/a",
    "view-source:https://page.example/a",
    "page.example/a",
    "//page.example/a",
    "https://pa\u200bge.exam\u00adple/a\u200f",
    "https://page\u200c.example/a",
    "\u202ahttps://page.example/a\u202c",
    "ｈｔｔｐｓ：／／ｐａｇｅ．ｅｘａｍｐｌｅ／ａ",
    "https://pag\te.exam\nple/a",
    "https://pag\te.example/a",
]


@pytest.mark.parametrize("raw", WRITTEN)
def test_what_hides_an_address_is_taken_away(raw: str) -> None:
    assert absolute(raw) == "https://page.example/a"


def test_port_80_without_a_scheme_is_http() -> None:
    assert absolute("page.example:80/a") == "http://page.example:80/a"


def test_a_path_keeps_its_brackets_and_its_joiners() -> None:
    assert absolute("https://page.example/a[.]b(dot)c") == "https://page.example/a[.]b(dot)c"
    assert absolute("https://page.example/می‌خواهم") == "https://page.example/می‌خواهم"
    assert absolute("https://page.example/ａ") == "https://page.example/ａ"


@pytest.mark.parametrize(
    "raw", ["", "a", "a.unknownending", "C:\\a.txt", "12:30", "page.example:abc", "about:blank"]
)
def test_what_is_no_address_says_so(raw: str) -> None:
    with pytest.raises(Invalid):
        absolute(raw)


@pytest.mark.parametrize(
    ("text", "settled_text"),
    [
        ("/%7e%2d%41", "/~-A"),
        ("/%c3%a9", "/%C3%A9"),
        ("/100%", "/100%25"),
        ("/%%34%31", "/%25" + "41"),
        ("/a|b", "/a%7Cb"),
    ],
)
def test_escapes_have_one_spelling(text: str, settled_text: str) -> None:
    assert settled(text) == settled_text
    assert settled(settled_text) == settled_text


def test_folding_reaches_escaped_letters() -> None:
    assert folded("A%C3%84%2F") == "a%C3%A4%2F"
    assert folded("A%FF") == "a%FF"


def test_tracking_is_told_from_content() -> None:
    assert without_tracking("a=1&utm_x=2&b=3&gclid=4") == "a=1&b=3"
    assert not is_tracking("si=5")
    assert is_tracking("si=AbCdEfGhIjKlMnOp")
    assert is_tracking("Own=1", {"own"})
    assert not is_tracking("utmost=1")


PROSE = {
    "See https://page.example/a, and (https://page.example/b_(c)).": [
        "https://page.example/a",
        "https://page.example/b_(c)",
    ],
    "hxxps://page[.]example/a؛ وأيضا https://page.example/س، ثم": [
        "hxxps://page[.]example/a",
        "https://page.example/س",
    ],
    "ראו https://page.example/a״ וגם t.me/made_up.": ["https://page.example/a", "t.me/made_up"],
    "[text](https://page.example/a) <https://b.example>": ["https://page.example/a", "https://b.example"],
    "mail a@page.example about notes.txt, e.g. README.md. End.Next": [],
    "|https://a.example/1|https://b.example/2|": ["https://a.example/1", "https://b.example/2"],
    "page[.]example and page (dot) example": ["page[.]example", "page (dot) example"],
}


@pytest.mark.parametrize(("text", "found"), PROSE.items())
def test_addresses_are_found_in_running_text(text: str, found: list[str]) -> None:
    assert list(addresses_in(text)) == found
