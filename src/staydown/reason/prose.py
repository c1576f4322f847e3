"""Finding addresses in running text, plain or defanged, in any script."""

from __future__ import annotations

import re
from collections.abc import Iterator

from staydown.reason.spelling import is_known_name

_DOT = (
    r"(?:\.|\s?\[\s?(?:\.|dot)\s?\]\s?|\s?\(\s?(?:\.|dot)\s?\)\s?|\s?\{\s?(?:\.|dot)\s?\}\s?|\uff0e|\u3002)"
)
_COLON = r"(?:\[?:\]?|\(:\)|\uff1a)"
_STOP = r"\s<>\"«»“”„‹›「」『』،؛؟۔״׳、…"
_WITH_SCHEME = rf"(?:h(?:tt|xx|\*\*|__)ps?{_COLON}(?:/|\[/\]|\\|\uff0f){{2}}|h(?:tt|xx)ps?\[://\]|tg:(?://)?)[^{_STOP}]+(?:{_DOT}[^{_STOP}]+)*"
_LABEL = r"(?:(?!\d+\b)[^\W_](?:[\w-]{0,61}[^\W_])?|\d[\w-]{0,62})"
_BARE = rf"(?<![\w@/.\-\]=&%])(?:{_LABEL}{_DOT}){{1,12}}(?:[^\W\d_]{{2,63}}|xn--[a-z0-9-]{{1,59}})(?::\d{{1,5}})?(?:[/?#][^{_STOP}]*)?(?![\w@])"
MAX_PIECE = 20_000
"""Longer texts without a line's end are looked through word by word, and longer words are none."""
_ADDRESS = re.compile(f"(?P<full>{_WITH_SCHEME})|(?P<bare>{_BARE})", re.IGNORECASE)
_HOST = re.compile(rf"^(?:{_LABEL}{_DOT}){{1,12}}[^\W\d_]+", re.IGNORECASE)
_MARKDOWN = re.compile(r"\]\(|[|]")
_CLOSING = {")": "(", "]": "[", "}": "{"}
_TRAILING = (
    ".,;:!?'`*_~|\u200e\u200f\u061c\u060c\u061b\u061f\u06d4\u05c3\u3002\uff0c\uff1b\uff01\uff1f\u2019\u2018"
)
_FILE_ENDINGS = frozenset(
    {"md", "py", "sh", "rs", "ps", "zip", "mov"}
)  # top-level domains, but rarely meant so
_DIRECTION = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad\u061c]")


def addresses_in(text: str) -> Iterator[str]:
    """The addresses a text names, in order, as they are written; a name alone needs a known ending."""
    readable = _DIRECTION.sub("", text)
    for piece in _pieces(readable):
        for found in _ADDRESS.finditer(piece):
            address = _without_tail(found[0])
            if found["full"] or _is_host(address):
                yield address


_NEXT = r"(?=(?:h(?:tt|xx|\*\*|__)ps?|tg|matrix)\s?(?:\[?:\]?|\(:\))|www(?:\.|\[|\())"
_APART = re.compile(
    rf"(?:(?<!\s)\s*+[,;|،؛、]\s++|(?<!\s)\s++(?:and|und|et|en|y|e|o|och|и|و)\s++|(?<!\s)\s++|(?<![?=&/])[;|،؛]){_NEXT}",
    re.IGNORECASE,
)
_MAY_HOLD_MORE = re.compile(r"[\s;|،؛]")


def _pieces(text: str) -> Iterator[str]:
    """The text between links and cells, none longer than two addresses may be."""
    for piece in _MARKDOWN.split(text):
        if len(piece) <= MAX_PIECE:
            yield piece
        else:
            yield from (part for part in re.split(r"\s", piece) if len(part) <= MAX_PIECE)


def several(cell: str) -> list[str]:
    """The addresses of a cell that holds more than one, as they are written; of any other cell, the cell itself.

    They are apart where white space, a comma, a semicolon or a word for "and" is followed by the beginning of another
    address, or where every line is one.
    """
    if not _MAY_HOLD_MORE.search(cell):
        return [cell]
    pieces = [piece for piece in (one.strip(" ,;|،؛、") for one in _APART.split(cell)) if piece]
    if len(pieces) == 1 and "\n" in cell:
        lines = [line.strip(" ,;|،؛、\t\r") for line in cell.split("\n") if line.strip()]
        if len(lines) > 1 and all(looks_like_one(line) for line in lines):
            return lines
    return pieces or [cell]


def looks_like_one(text: str) -> bool:
    """Whether a text is an address and nothing else."""
    text = text.strip()
    return next(addresses_in(text), None) is not None and not re.search(r"\s", text)


def _is_host(text: str) -> bool:
    """Whether a text without a scheme begins with a host: `page.example/x`, not `e.g` or `file.txt`."""
    found = _HOST.match(text)
    if not found:
        return False
    ending = re.split(_DOT, found[0])[-1]
    if ending in _FILE_ENDINGS and found[0] == text:
        return False
    return is_known_name(f"x.{ending}") and (ending.islower() or ending.isupper() or not ending.isascii())


def _without_tail(text: str) -> str:
    """The address without what the sentence put behind it: stops, and brackets it did not open."""
    surplus = {closing: text.count(closing) - text.count(opening) for closing, opening in _CLOSING.items()}
    end = len(text)
    while end:
        last = text[end - 1]
        if last in _CLOSING:
            if surplus[last] <= 0:
                break
            surplus[last] -= 1
        elif last not in _TRAILING:
            break
        end -= 1
    return text[:end]
