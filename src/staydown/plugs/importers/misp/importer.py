"""MISP events as JSON: one event, a list of them, or the answer of a search.

Attributes of type `url`, `link` and `uri` are read, those inside objects too; deleted ones are not.
Source: MISP core format (draft-dulaunoy-misp-core-format), sections 2.2 to 2.7.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from staydown.core.errors import Invalid
from staydown.core.time import iso
from staydown.ports import GUESSED, BadRow, Row
from staydown.reason.lines import encoding_of, head_text

MAX_BYTES = 64 * 1024 * 1024
"""Larger exports are refused: JSON of this shape cannot be read in pieces."""

TYPES = frozenset({"url", "link", "uri"})

_Table = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class MispImporter:
    """Reads MISP events."""

    name: str = "misp"
    suffixes: tuple[str, ...] = (".misp", ".json")

    def sniff(self, path: Path, head: bytes) -> bool:
        """Whether it is JSON that speaks of an event or its attributes."""
        text = head_text(head).lstrip("\ufeff \t\r\n")
        return text[:1] in {"{", "["} and re.search(r'"(?:Event|Attribute|response)"\s*:', text) is not None

    def columns(self, path: Path, given: Mapping[str, str] = GUESSED) -> Mapping[str, str] | None:
        """None: the format has no columns."""
        return None

    def read(self, path: Path, given: Mapping[str, str] = GUESSED) -> Iterator[Row | BadRow]:
        """The addresses of the events; a record's line is the number of its attribute.

        Raises:
            Invalid: It is too large, no JSON, or holds no event.
        """
        number = 0
        for event in _events(_loaded(path)):
            level = _sharing(event)
            for attribute in _attributes(event):
                number += 1
                if not isinstance(attribute, dict):
                    yield BadRow(line=number, text=str(attribute)[:200], reason="is no attribute")
                elif str(attribute.get("type")) in TYPES and not _is_deleted(attribute):
                    yield _row(number, attribute, level)


def _loaded(path: Path) -> object:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Invalid(f"larger than {MAX_BYTES // 2**20} MiB", hint="Export it in several files.")
        content = path.read_bytes()
    except OSError as error:
        raise Invalid(f"{path.name} cannot be read: {error.strerror}") from error
    if not content.strip():
        raise Invalid(f"{path.name} is empty", hint="The file holds no records.")
    try:
        return json.loads(content.decode(encoding_of(content[:4])))
    except RecursionError as error:
        raise Invalid("nested too deep") from error
    except ValueError as error:
        raise Invalid(f"no JSON: {error}"[:200]) from error


def _events(content: object) -> list[_Table]:
    """The events of an export, in any of its three shapes."""
    if isinstance(content, dict) and "response" in content:
        content = content["response"]
    found = [event for one in _listed(content) if (event := _event(one)) is not None]
    if not found:
        raise Invalid("no MISP event", hint='An event is an object {"Event": {...}}.')
    return found


def _event(one: object) -> _Table | None:
    if not isinstance(one, dict):
        return None
    inner = one.get("Event")
    if isinstance(inner, dict):
        return inner
    return one if "Attribute" in one or "Object" in one else None


def _attributes(event: _Table) -> Iterator[object]:
    yield from _listed(event.get("Attribute"))
    for thing in _listed(event.get("Object")):
        if isinstance(thing, dict) and not _is_deleted(thing):
            yield from _listed(thing.get("Attribute"))


def _is_deleted(table: _Table) -> bool:
    return str(table.get("deleted")) in {"True", "1"}


def _listed(value: object) -> list[object]:
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def _row(number: int, attribute: _Table, event_sharing: str) -> Row | BadRow:
    value = attribute.get("value")
    if not isinstance(value, str) or not value.strip():
        return BadRow(line=number, text=str(attribute)[:200], reason="no address")
    comment = attribute.get("comment")
    return Row(
        line=number,
        raw=value.strip(),
        seen_at=_seen_at(attribute),
        note=comment.strip() if isinstance(comment, str) else "",
        sharing=_sharing(attribute) or event_sharing,
    )


def _seen_at(attribute: _Table) -> str:
    """`first_seen` where given, else the attribute's own time, which MISP writes as seconds since 1970."""
    first = attribute.get("first_seen")
    if isinstance(first, str) and first:
        return first
    stamp = str(attribute.get("timestamp") or "")
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 10:
        return ""
    return iso(datetime.fromtimestamp(int(stamp), UTC))


def _sharing(table: _Table) -> str:
    """The first `tlp:` tag, in capitals."""
    for tag in _listed(table.get("Tag")):
        name = tag.get("name") if isinstance(tag, dict) else None
        if isinstance(name, str) and name.lower().startswith("tlp:"):
            return name.upper()
    return ""


IMPORTER = MispImporter()
