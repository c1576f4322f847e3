"""Building a provider's room from the table its `provider.toml` holds.

Every error names the file and the field; an unknown field is an error that names the nearest known one.
The format is described in `staydown.registry`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from datetime import date
from enum import StrEnum
from string import Formatter
from typing import TypeVar

from staydown.core.check import MarkKind, Sight
from staydown.core.errors import Invalid
from staydown.core.item import ItemKind
from staydown.reason.rooms import PART, ContactPoint, Door, Fit, Pattern, Room, Sign, Turn
from staydown.reason.tomltable import TomlTable
from staydown.reason.web import COMMON_SIGNS

_Choice = TypeVar("_Choice", bound=StrEnum)

_ROOM = frozenset(field.name for field in dataclass_fields(Room)) | {"reserved"}
_PATTERN = frozenset(field.name.rstrip("_") for field in dataclass_fields(Pattern))
_SIGN = frozenset(field.name for field in dataclass_fields(Sign))
_CONTACT = frozenset(field.name for field in dataclass_fields(ContactPoint))

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_COUNTRY = re.compile(r"[A-Z]{2}")
_WRAPPED = frozenset({"wraps", "wraps_address"})


class _Table(TomlTable):
    """One table of a room's file."""

    hint = "The format is described at the top of staydown/registry.py."

    def text(self, name: str) -> str:
        value = self.maybe(name)
        if not value:
            raise self.wrong(name, "is missing or empty")
        return value

    def maybe(self, name: str) -> str | None:
        value = self.fields.get(name)
        if value is not None and not isinstance(value, str):
            raise self.wrong(name, "is not a text")
        return value

    def numbers(self, name: str) -> frozenset[int]:
        value = self.fields.get(name, [])
        if not isinstance(value, list) or not all(type(one) is int for one in value):
            raise self.wrong(name, "is not a list of whole numbers")
        return frozenset(value)

    def choice(self, name: str, kinds: type[_Choice]) -> _Choice:
        value = self.text(name)
        try:
            return kinds(value)
        except ValueError as error:
            raise self.wrong(name, f"is {value!r}, not one of {', '.join(kinds)}") from error

    def day(self, name: str) -> str | None:
        value = self.maybe(name)
        try:
            return None if value is None else date.fromisoformat(value).isoformat()
        except ValueError as error:
            raise self.wrong(name, f"is {value!r}, no date such as 2026-01-31") from error

    def country(self, name: str) -> str | None:
        value = self.maybe(name)
        if value is not None and not _COUNTRY.fullmatch(value):
            raise self.wrong(name, "is not a country code of two capitals")
        return value

    def words(self, name: str) -> dict[str, frozenset[str]]:
        value = self.fields.get(name, {})
        if not isinstance(value, dict):
            raise self.wrong(name, "is not a table of lists")
        inner = _Table(value, f"{self.where}, {name}")
        return {group: frozenset(word.lower() for word in inner.texts(group)) for group in value}

    def tables(self, name: str) -> list[_Table]:
        value = self.fields.get(name, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.wrong(name, f"is not a list of tables; write [[{name}]]")
        return [_Table(one, f"{self.where}, {name} {count}") for count, one in enumerate(value, 1)]

    def compiled(self, name: str, expression: str) -> re.Pattern[str]:
        try:
            return re.compile(expression)
        except re.error as error:
            raise self.wrong(name, f"is no regular expression: {error}") from error

    def maybe_compiled(self, name: str) -> re.Pattern[str] | None:
        expression = self.maybe(name)
        return None if expression is None else self.compiled(name, expression)


def room_from(fields: Mapping[str, object], where: str) -> Room:
    """The room a `provider.toml` describes.

    Args:
        fields: The file's top table.
        where: The file, as errors name it.

    Raises:
        Invalid: Something is missing, unknown or of the wrong sort; the message names file and field.
    """
    table = _Table(fields, where)
    table.require_only(_ROOM)
    reserved = table.words("reserved")
    door = _door(table)
    return Room(
        name=door.name,
        title=door.title,
        hosts=door.hosts,
        host_patterns=door.host_patterns,
        schemes=door.schemes,
        anywhere=door.anywhere,
        hashbang=table.yes("hashbang"),
        patterns=tuple(_pattern(one, reserved) for one in table.tables("patterns")),
        signs=(*(_sign(one) for one in table.tables("signs")), *COMMON_SIGNS),
        marks=_marks(table),
        contacts=tuple(_contact(one) for one in table.tables("contacts")),
        languages=table.texts("languages") or ("en",),
        establishment=table.country("establishment"),
        representative=table.country("representative"),
        instruments=_fits(table),
        looked_up=table.day("looked_up"),
        source=table.maybe("source"),
        exercise=table.yes("exercise"),
        places=table.mapping("places"),
        tracking=frozenset(word.lower() for word in table.texts("tracking")),
        examples=table.mapping("examples"),
    )


def door_from(fields: Mapping[str, object], where: str, enter: Callable[[], Room]) -> Door:
    """The door of the room a `provider.toml` describes, from its first fields; the others are not looked at.

    Raises:
        Invalid: One of the fields that lead to the room is missing or of the wrong sort.
    """
    return replace(_door(_Table(fields, where)), enter=enter)


def _door(table: _Table) -> Door:
    name = table.text("name")
    if not _NAME.fullmatch(name):
        raise table.wrong("name", f"is {name!r}; use a-z, 0-9 and single hyphens")
    anywhere = table.texts("anywhere")
    if not all(start.startswith("/") and len(start) > 1 for start in anywhere):
        raise table.wrong("anywhere", "holds what is no beginning of a path, such as /videos/")
    return Door(
        name=name,
        title=table.text("title"),
        hosts=_hosts(table),
        host_patterns=tuple(table.compiled("host_patterns", one) for one in table.texts("host_patterns")),
        schemes=frozenset(table.texts("schemes")),
        anywhere=anywhere,
        enter=_nobody,
    )


def _nobody() -> Room:
    raise AssertionError("a door nobody opened")


def _fits(table: _Table) -> frozenset[Fit]:
    try:
        return frozenset(Fit(word) for word in table.texts("instruments"))
    except ValueError as error:
        raise table.wrong("instruments", f"holds a word that is not one of {', '.join(Fit)}") from error


def _turns(table: _Table) -> dict[str, Turn]:
    try:
        return {group: Turn(word) for group, word in table.mapping("turn").items()}
    except ValueError as error:
        raise table.wrong("turn", f"holds a word that is not one of {', '.join(Turn)}") from error


def _hosts(table: _Table) -> frozenset[str]:
    hosts = frozenset(table.texts("hosts"))
    for given in hosts:
        host = given.removeprefix("*.")
        if host != host.strip(". ").lower() or any(mark in host for mark in "/:*"):
            raise table.wrong("hosts", f"holds {given!r}; write it small, without port, path and last dot")
    return hosts


def _pattern(table: _Table, room_reserved: Mapping[str, frozenset[str]]) -> Pattern:
    table.require_only(_PATTERN)
    kind = table.choice("kind", ItemKind)
    pattern = Pattern(
        path=table.compiled("path", table.text("path")),
        query={name: table.compiled(f"query {name}", one) for name, one in table.mapping("query").items()},
        hosts=_hosts(table),
        host=table.maybe_compiled("host"),
        scheme=table.maybe("scheme"),
        space=table.maybe("space") or kind.value,
        kind=kind,
        id=table.maybe("id") or "",
        address=table.maybe("address") or "",
        container=table.maybe("container"),
        fold=frozenset(table.texts("fold")),
        target=table.maybe("target"),
        is_dashed=table.yes("is_dashed"),
        wraps=table.maybe("wraps"),
        except_=table.words("except"),
        fragment=table.maybe_compiled("fragment"),
        whole_query=table.maybe_compiled("whole_query"),
        stable_id=table.maybe("stable_id"),
        turn=_turns(table),
        resolves=table.yes("resolves"),
        anywhere=table.yes("anywhere"),
        examples=table.mapping("examples"),
    )
    groups = _groups(pattern)
    reserved = {group: words for group, words in room_reserved.items() if group in groups}
    _check_names(table, pattern, groups)
    if not reserved:
        return pattern
    merged = {group: pattern.except_.get(group, frozenset()) | words for group, words in reserved.items()}
    return replace(pattern, except_={**pattern.except_, **merged})


def _groups(pattern: Pattern) -> frozenset[str]:
    """The named groups of all expressions of a pattern."""
    expressions = [
        pattern.path,
        pattern.host,
        pattern.fragment,
        pattern.whole_query,
        *pattern.query.values(),
    ]
    return frozenset(name for one in expressions if one is not None for name in one.groupindex)


def _check_names(table: _Table, pattern: Pattern, groups: frozenset[str]) -> None:
    """Refuse a pattern that speaks of groups it does not have, or lacks its id or address."""
    if pattern.target is None and not (pattern.id and pattern.address):
        raise table.wrong("id" if not pattern.id else "address", "is missing or empty")
    used: dict[str, set[str]] = {
        "fold": set(pattern.fold),
        "except": set(pattern.except_),
        "target": {pattern.target or ""} - {""},
        "wraps": {pattern.wraps or ""} - {""},
        "stable_id": {pattern.stable_id or ""} - {""},
        "turn": set(pattern.turn),
    }
    for name, template in (
        ("id", pattern.id),
        ("address", pattern.address),
        ("container", pattern.container or ""),
    ):
        try:
            fields = {field for _, field, _, _ in Formatter().parse(template) if field is not None}
        except ValueError as error:
            raise table.wrong(name, f"is no template: {error}") from error
        used[name] = fields - (_WRAPPED if pattern.wraps else frozenset())
    for name, names in used.items():
        if unknown := names - groups:
            raise table.wrong(name, f"speaks of {min(unknown)!r}, which no expression of the pattern names")


def _sign(table: _Table) -> Sign:
    table.require_only(_SIGN)
    sign = Sign(
        sight=table.choice("sight", Sight),
        reason=table.text("reason"),
        status=table.numbers("status"),
        body=table.maybe_compiled("body"),
        lands_on=table.maybe_compiled("lands_on"),
        example=table.maybe("example"),
    )
    if not sign.status and sign.body is None and sign.lands_on is None:
        raise table.wrong("status", "is missing, and so are body and lands_on: the sign would always fit")
    return sign


def _marks(table: _Table) -> dict[MarkKind, str]:
    marks = {}
    for name, selector in table.mapping("marks").items():
        if name not in set(MarkKind):
            near = difflib.get_close_matches(name, [kind.value for kind in MarkKind], n=1, cutoff=0.0)
            raise Invalid(f"{table.where}, marks: unknown field {name!r}", hint=f"Did you mean {near[0]!r}?")
        expression = selector.partition(PART)[2]
        if expression and table.compiled(f"marks {name}", expression).groups != 1:
            raise table.wrong(f"marks {name}", f"has no single group behind {PART!r}")
        marks[MarkKind(name)] = selector
    return marks


def _contact(table: _Table) -> ContactPoint:
    table.require_only(_CONTACT)
    instruments = frozenset(table.texts("instruments"))
    if not instruments:
        raise table.wrong("instruments", "is missing or empty")
    return ContactPoint(
        courier=table.text("courier"),
        address=table.text("address"),
        instruments=instruments,
        looked_up=table.day("looked_up"),
        source=table.maybe("source"),
    )
