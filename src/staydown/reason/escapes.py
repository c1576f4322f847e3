"""One spelling for percent-escapes, so that equal addresses are equal text.

The result holds only characters that RFC 3986 allows in a path or query: it does not change when a
parser widens its own list of what must be escaped.
Source: RFC 3986, sections 2.1, 2.3 and 6.2.2; WHATWG URL Standard, percent-encode sets.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

NEEDS_CARE = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/?]")
"""Finds what `settled` might change: an escape, or a character RFC 3986 does not allow here."""

_PIECE = re.compile(r"%([0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~!$&'()*+,;=:@/?]")
_HIGH = re.compile(r"(?:%[89a-f][0-9a-f])+")
_LEGAL_ESCAPE = re.compile(r"%(?:21|24|26|27|28|29|2[A-C]|3[AD]|3B|40)", re.IGNORECASE)


def settled(text: str) -> str:
    """A path or query with unreserved characters unescaped, hex in capitals and the rest escaped.

    A percent sign that starts no escape becomes `%25`, so that settling twice changes nothing.
    """
    return _PIECE.sub(_piece, text) if NEEDS_CARE.search(text) else text


def _piece(found: re.Match[str]) -> str:
    if found[1] is None:
        return quote(found[0], safe="")
    character = chr(int(found[1], 16))
    return character if character in UNRESERVED else found[0].upper()


_BEHIND = re.compile(
    r"(?:[.,;:!'*)~|]|%2[27]|%3E|%5D|%60|%7[CD]|%0[9AD]|%C2%BB|%D8%8C|%D8%9B|%D8%9F|%DB%94"
    r"|%E2%80%(?:98|99|9C|9D|A6)|%E3%80%8[12]|%EF%BC%(?:81|8C|9B|9F)|%20[^/]*|%3F.*|%23.*)+",
    re.DOTALL,
)


def tidied(path: str, query: str) -> tuple[str, str] | None:
    """Path and query, settled, without what a sentence or a cell left behind them: stops, closing marks, further words.

    None where nothing of the kind is there. A provider's own forms never end so; a plain page's may, and stays as it is.
    """
    text = query or path
    found = next((one for one in _BEHIND.finditer(text) if one.end() == len(text)), None)
    if found is None:
        return None
    rest = text[: found.start()]
    return (path, rest) if query else (rest or "/", "")


def plain_path(path: str) -> str:
    """The path with escaped signs unescaped that may stand in a path as they are, such as `@` and `+`.

    For providers' own paths, where `%40name` and `@name` lead to the same place.
    """
    return _LEGAL_ESCAPE.sub(lambda found: chr(int(found[0][1:], 16)), path) if "%" in path else path


def folded(value: str) -> str:
    """The value in small letters, escaped letters of any script included."""
    return _PIECE.sub(_piece, _HIGH.sub(_small, value.lower())) if "%" in value else value.lower()


def _small(found: re.Match[str]) -> str:
    try:
        return quote(unquote_to_bytes(found[0]).decode("utf-8").lower(), safe="")
    except UnicodeDecodeError:
        return found[0]
