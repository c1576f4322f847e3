"""Setting a laid-out form: which characters the paper can show, and where a line may break.

What the fonts cannot show stands as its code point in square brackets, and the paper says so; the attached data hold it
unchanged. Whatever is too long for a line without a blank is cut where the line ends, so that nothing runs off the paper.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from staydown.reason.formlayout import Laid, Part, Row, Said
from staydown.reason.formtext import visible

LINE_EM = 43.0
"""Width of a line in units of the small letter's own height, where no character is wider than 1.3."""
_MONO_EM, _OTHER_EM = 0.62, 1.3
_TOKEN_MAX = 32
"""A word longer than this is set as an address is: in letters of one width, cut at the end of the line."""
_CODE_POINT_LEN = 6
LEVELS = 3
"""How often setting is tried: as it is; without marks on letters; and with Latin letters alone."""


@cache
def _ranges() -> tuple[tuple[int, ...], tuple[int, ...]]:
    text = files("staydown.paper").joinpath("glyphs.txt").read_text(encoding="ascii")
    pairs = [line.split("-") for line in text.splitlines() if not line.startswith("#")]
    return tuple(int(first, 16) for first, _ in pairs), tuple(int(last, 16) for _, last in pairs)


def can_show(char: str) -> bool:
    """Whether the fonts have a glyph for it."""
    firsts, lasts = _ranges()
    at = bisect_right(firsts, ord(char)) - 1
    return at >= 0 and ord(char) <= lasts[at]


def is_letter_alone(char: str) -> bool:
    """Whether it needs no other character to be shown: what is left when fonts refuse a combination."""
    return unicodedata.combining(char) == 0 and not unicodedata.category(char).startswith("M")


def _stands(char: str, level: int) -> bool:
    """Whether it is set as itself: the higher the level, the more stands as code points."""
    if level and not is_letter_alone(char):
        return False
    return can_show(char) and (level < LEVELS - 1 or char < "\u0180")


def units(text: str, *, exact: bool, level: int = 0) -> Iterator[str]:
    """The text cut into what must stay together: a character with its marks, or a code point in brackets."""
    held = ""
    for char in visible(text, exact=exact):
        if char != "\n" and not _stands(char, level):
            char = f"[U+{ord(char):04X}]"
        if held and len(char) == 1 and char != "\n" and not is_letter_alone(char):
            held += char
            continue
        if held:
            yield held
        held = char
    if held:
        yield held


def lines_of(text: str, *, exact: bool, level: int = 0) -> list[list[dict[str, object]]]:
    """A text as lines of pieces for the template."""
    lines: list[list[str]] = [[]]
    for unit in units(text, exact=exact, level=level):
        if unit == "\n":
            lines.append([])
        else:
            lines[-1].append(unit)
    return [list(_pieces(line, exact=exact)) for line in lines]


def _pieces(line: list[str], *, exact: bool) -> Iterator[dict[str, object]]:
    run = ""
    for word in _words(line):
        if not exact and len(word) <= _TOKEN_MAX and sum(map(len, word)) <= 2 * _TOKEN_MAX:
            run += "".join(word)
            continue
        if run:
            yield {"text": run, "mono": False}
            run = ""
        yield from _cut(word)
    if run:
        yield {"text": run, "mono": False}


def _words(line: list[str]) -> Iterator[list[str]]:
    """Words and the blanks between them; blanks are words of their own."""
    word: list[str] = []
    for unit in line:
        if unit == " ":
            if word:
                yield word
            yield [unit]
            word = []
        else:
            word.append(unit)
    if word:
        yield word


def _cut(word: list[str]) -> Iterator[dict[str, object]]:
    """A long word, in parts no wider than a line."""
    part, width = "", 0.0
    for unit in word:
        wide = sum(_MONO_EM if char.isascii() else _OTHER_EM for char in unit if is_letter_alone(char))
        if part and width + wide > LINE_EM:
            yield {"text": part, "mono": True}
            yield {"break": True}
            part, width = "", 0.0
        part, width = part + unit, width + wide
    yield {"text": part, "mono": True}


def sheet_of(laid: Laid, *, level: int = 0) -> dict[str, object]:
    """What the template is given of a layout."""
    every = [one.text for part in laid.parts for row in part.rows for one in row.said]
    is_coded = any(
        len(unit) > _CODE_POINT_LEN and unit.startswith("[U+")
        for text in every
        for unit in units(text, exact=False, level=level)
    )
    return {
        "language": laid.language,
        "title": laid.title,
        "subtitle": laid.subtitle,
        "preamble": laid.preamble,
        "parts": [_part(one, level) for one in laid.parts],
        "closing": laid.closing,
        "banners": laid.banners,
        "reference": laid.words.reference.format(form=laid.form, version=laid.version),
        "page": laid.words.page,
        "empty": laid.words.empty,
        "code_points": laid.words.code_points if is_coded else "",
        "keywords": [laid.form, laid.version],
    }


def _part(part: Part, level: int) -> dict[str, object]:
    return {"heading": part.heading, "note": part.note, "rows": [_row(one, level) for one in part.rows]}


def _row(row: Row, level: int) -> dict[str, object]:
    said, number = [], 0
    for one in row.said:
        said.append(_said(one, level, one.number if one.number != number else 0))
        number = one.number
    return {"label": row.label, "note": row.note, "mark": row.mark, "said": said}


def _said(one: Said, level: int, number: int) -> dict[str, object]:
    return {
        "tick": one.ticked is not None,
        "ticked": bool(one.ticked),
        "text": one.text if one.ticked is not None else "",
        "label": one.label,
        "number": number,
        "lines": [] if one.ticked is not None else lines_of(one.text, exact=one.exact, level=level),
    }
