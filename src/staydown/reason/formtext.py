"""A form as JSON and as plain text.

In the text nothing that was filled in can pass for a label, a tick or a banner: every line of a value is indented behind a
bar, characters that steer a terminal or the direction of writing stand as their code points, and lines written from
right to left are isolated.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator

from staydown.core.errors import Invalid
from staydown.reason.formcheck import Checked
from staydown.reason.formfile import Form
from staydown.reason.formlayout import Laid, Row, Said

WIDTH = 100
_JOINERS = "\u200c\u200d"
_RTL = frozenset({"R", "AL"})
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def as_json(form: Form, checked: Checked) -> bytes:
    """The canonical JSON (RFC 8785) of a form, with its name and version inside; read back it gives the same values.

    A bare form is another standard's JSON and carries neither.
    """
    import rfc8785

    head = {} if form.bare else {"form": form.name, "version": form.version}
    try:
        return rfc8785.dumps({**checked.values, **head})  # type: ignore[dict-item]
    except rfc8785.CanonicalizationError as error:
        raise Invalid(f"the values cannot be written as JSON: {error}") from error


def text_of(laid: Laid) -> str:
    """A layout as plain text."""
    bar = [f"*** {one} ***" for one in laid.banners]
    blocks = [*bar, laid.title, *([laid.subtitle] if laid.subtitle else []), ""]
    for one in laid.preamble:
        blocks += [*textwrap.wrap(one, WIDTH), ""]
    for part in laid.parts:
        blocks += [*_wrapped(f"== {part.heading or part.id}"), ""]
        blocks += [*_wrapped(part.note), ""] if part.note else []
        for row in part.rows:
            blocks += [*_row(row, laid.words.empty), ""]
    for one in laid.closing:
        blocks += [*textwrap.wrap(one, WIDTH), ""]
    blocks.append(laid.words.reference.format(form=laid.form, version=laid.version))
    return "\n".join([*blocks, *bar]) + "\n"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH) or [""]


def _row(row: Row, empty: str) -> Iterator[str]:
    yield from _wrapped(row.label)
    if row.note:
        yield from textwrap.wrap(row.note, WIDTH, initial_indent="  - ", subsequent_indent="    ")
    if row.mark:
        yield f"  >>> {row.mark} <<<"
    number = 0
    for one in row.said:
        if one.number != number:
            number = one.number
            yield f"  {number}."
        yield from _value(one)
    if not row.said and not row.mark:
        yield f"  - {empty}"


def _value(one: Said) -> Iterator[str]:
    if one.ticked is not None:
        box = "  [x] " if one.ticked else "  [ ] "
        yield from textwrap.wrap(one.text, WIDTH, initial_indent=box, subsequent_indent="      ")
        return
    if one.label:
        yield f"  {one.label}:"
    for line in visible(one.text, exact=one.exact).split("\n"):
        yield f"  | {isolated(line)}"


def visible(text: str, *, exact: bool = False) -> str:
    """Text in which nothing is hidden: controls, marks of direction and unassigned characters stand as `[U+202E]`.

    Line breaks stay; so do the joiners that some scripts need between letters, save in an address.
    """
    kept = "" if exact else "\n" + _JOINERS
    text = text if exact else text.replace("\r\n", "\n")
    return "".join(
        one if one in kept or unicodedata.category(one) not in _HIDDEN else f"[U+{ord(one):04X}]"
        for one in text
    )


def isolated(line: str) -> str:
    """A line that holds writing from right to left, closed in so that it moves nothing beside it."""
    if any(unicodedata.bidirectional(char) in _RTL for char in line):
        return f"\u2068{line}\u2069"
    return line
