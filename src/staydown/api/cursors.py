"""Where a page ended, written so that nobody takes it for anything but a place to go on from."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query

from staydown.core.errors import Invalid
from staydown.core.time import from_micros, micros
from staydown.wire.base import AskedLimit, Page, Row

Cursor = Annotated[
    str | None, Query(max_length=6000, description="As the page before gave it; without one: from the start.")
]
Limit = Annotated[AskedLimit, Query(description="Rows on a page.")]
MANY = 100
"""Rows on a page where nobody asks for another number."""


def written(of: str, place: Sequence[Any]) -> str:
    """A cursor for a list."""
    plain = [micros(one) if isinstance(one, datetime) else one for one in place]
    text = json.dumps([of, *plain], ensure_ascii=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(of: str, cursor: str | None, kinds: Sequence[type]) -> list[Any] | None:
    """The place that a cursor of this list names; None without one.

    Raises:
        Invalid: It is none, or of another list.
    """
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        found = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if written(*_parts(found)) != cursor or found[0] != of or len(found) != len(kinds) + 1:
            raise ValueError("another list's")
        return [_value(kind, one) for kind, one in zip(kinds, found[1:], strict=True)]
    except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError) as error:
        raise Invalid(
            "the cursor is none of this list", hint="Give back what the last page said, or leave it out."
        ) from error


def _parts(found: Any) -> tuple[str, list[Any]]:
    if not isinstance(found, list) or not found or not isinstance(found[0], str):
        raise ValueError("no cursor")
    return found[0], found[1:]


def _value(kind: type, one: Any) -> Any:
    if kind is str and isinstance(one, str) and "\0" not in one:
        return one.encode().decode()
    if kind in {int, datetime} and type(one) is int and abs(one) < 2**53:
        return one if kind is int else from_micros(one)
    raise ValueError("of another kind")


def page(
    of: str, rows: Sequence[Any], limit: int, read_row: Callable[[Any], Row], *, by: str = "id"
) -> Page[Row]:
    """A page of rows of which there is one more than asked for where the list goes on."""
    shown = rows[:limit]
    more = written(of, [shown[-1][by]]) if len(rows) > limit else None
    return Page[Row](rows=[read_row(row) for row in shown], next=more)


def after(of: str, cursor: str | None) -> int:
    """The number that the page before ended with; 0 at the start.

    Raises:
        Invalid: The cursor is none of this list.
    """
    place = read(of, cursor, [int])
    return place[0] if place else 0
