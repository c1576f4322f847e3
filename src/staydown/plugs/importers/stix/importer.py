"""STIX 2.1 bundles: `url` observables, indicators about addresses, and when they were observed.

Source: OASIS STIX Version 2.1, sections 4.7, 4.14, 6.18 and 9 (patterns); TLP 1.0 and 2.0 markings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from staydown.core.errors import Invalid
from staydown.ports import GUESSED, BadRow, Row
from staydown.reason.lines import encoding_of, head_text

MAX_BYTES = 64 * 1024 * 1024
"""Larger bundles are refused: JSON of this shape cannot be read in pieces."""

TLP: Mapping[str, str] = {
    "613f2e26-407d-48c7-9eca-b8e91df99dc9": "TLP:CLEAR",
    "34098fce-860f-48ae-8e50-ebd3cc5e41da": "TLP:GREEN",
    "f88d31f6-486f-44da-b317-01333bde0b82": "TLP:AMBER",
    "5e57c739-391a-4eb3-b6be-7d15ca92d5ed": "TLP:RED",
    "94868c89-83c2-464b-929b-a1a8aa3c8487": "TLP:CLEAR",
    "bab4a63c-aed9-4cf5-a766-dfca5abac2bb": "TLP:GREEN",
    "55d920b0-5e8b-4f79-9ee9-91f868d9b421": "TLP:AMBER",
    "939a9414-2ddd-4d32-a0cd-375ea402b003": "TLP:AMBER+STRICT",
    "e828b379-4e03-4974-9ac4-e53a884c97c1": "TLP:RED",
}
"""The marking definitions fixed by the standard, by the second half of their id."""

_VALUE = re.compile(r"\burl:value\s*=\s*'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)

_Object = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class StixImporter:
    """Reads STIX 2.1 bundles."""

    name: str = "stix"
    suffixes: tuple[str, ...] = (".stix", ".stix2", ".json")

    def sniff(self, path: Path, head: bytes) -> bool:
        """Whether it is a JSON object that calls itself a bundle."""
        text = head_text(head)
        return (
            text.lstrip("\ufeff \t\r\n").startswith("{")
            and re.search(r'"type"\s*:\s*"bundle"', text) is not None
        )

    def columns(self, path: Path, given: Mapping[str, str] = GUESSED) -> Mapping[str, str] | None:
        """None: the format has no columns."""
        return None

    def read(self, path: Path, given: Mapping[str, str] = GUESSED) -> Iterator[Row | BadRow]:
        """The addresses of a bundle; a record's line is the number of its object.

        Raises:
            Invalid: It is too large, no JSON, or no bundle.
        """
        objects = _objects(_loaded(path))
        observed = _observed(objects)
        for number, thing in enumerate(objects, 1):
            yield from _rows(number, thing, observed)


def _loaded(path: Path) -> object:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Invalid(f"larger than {MAX_BYTES // 2**20} MiB", hint="Export it in several bundles.")
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


def _objects(bundle: object) -> list[_Object]:
    objects = bundle.get("objects") if isinstance(bundle, dict) and bundle.get("type") == "bundle" else None
    if not isinstance(objects, list):
        raise Invalid(
            "no STIX bundle", hint='A bundle is an object with "type": "bundle" and a list "objects".'
        )
    return [one if isinstance(one, dict) else {} for one in objects]


def _observed(objects: list[_Object]) -> dict[str, str]:
    """When each observable was first observed, by its id."""
    first: dict[str, str] = {}
    for thing in objects:
        references = thing.get("object_refs")
        if thing.get("type") == "observed-data" and isinstance(references, list):
            for reference in references:
                if isinstance(reference, str):
                    first.setdefault(reference, _text(thing, "first_observed"))
    return first


def _rows(number: int, thing: _Object, observed: Mapping[str, str]) -> Iterator[Row | BadRow]:
    """The records one object gives."""
    kind = thing.get("type")
    if not kind:
        yield BadRow(line=number, text=str(thing)[:200], reason="is no STIX object")
    elif kind == "url":
        yield _row(number, thing, _text(thing, "value"), observed.get(_text(thing, "id"), ""))
    elif kind == "indicator" and "url:value" in (pattern := _text(thing, "pattern")):
        values = [_ESCAPE.sub(r"\1", found[1]) for found in _VALUE.finditer(pattern)]
        if not values:
            yield BadRow(line=number, text=pattern[:200], reason="the pattern names no single address")
        for value in values:
            yield _row(number, thing, value, _text(thing, "valid_from"))
    elif kind == "observed-data" and isinstance(inner := thing.get("objects"), dict):
        for one in inner.values():  # the form of STIX 2.0
            if isinstance(one, dict) and one.get("type") == "url":
                yield _row(number, thing, _text(one, "value"), _text(thing, "first_observed"))


def _row(number: int, thing: _Object, value: str, seen_at: str) -> Row | BadRow:
    if not value.strip():
        return BadRow(line=number, text=str(thing)[:200], reason="no address")
    confidence = thing.get("confidence")
    return Row(
        line=number,
        raw=value.strip(),
        seen_at=seen_at,
        note=_text(thing, "description") or _text(thing, "name"),
        confidence=str(confidence) if isinstance(confidence, int) else "",
        sharing=_sharing(thing),
    )


def _sharing(thing: _Object) -> str:
    marks = thing.get("object_marking_refs")
    known = [TLP.get(str(mark).partition("--")[2], "") for mark in marks] if isinstance(marks, list) else []
    return next((mark for mark in known if mark), "")


def _text(thing: _Object, name: str) -> str:
    value = thing.get(name)
    return value if isinstance(value, str) else ""


IMPORTER = StixImporter()
