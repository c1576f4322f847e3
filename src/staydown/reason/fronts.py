"""Curated facts: who passes traffic on before a site, and what registries of country codes say.

Both are tables in `data/`; nothing here touches a file. Neither list is complete.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import TypeVar

from staydown.core.errors import Invalid

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """A service that stands before sites, and hides where they are."""

    name: str
    kind: str  #: `cdn` or `shield`
    networks: tuple[re.Pattern[str], ...] = ()  #: searched in a network's name
    holders: tuple[re.Pattern[str], ...] = ()  #: searched in the names of its holder
    asns: tuple[int, ...] = ()
    nameservers: tuple[str, ...] = ()  #: endings
    shared: bool = False  #: its networks may hold the site as well
    form: str = ""
    police: str = ""  #: the address for authorities
    note: str = ""
    looked_up: str = ""
    source: str = ""

    def answers(self, nameserver: str) -> bool:
        """Whether a name server is its own; that alone does not show that it passes traffic on."""
        return any(nameserver == one or nameserver.endswith(f".{one}") for one in self.nameservers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """A registry of country codes."""

    tlds: tuple[str, ...]
    name: str
    page: str
    says: str
    mail: str = ""
    mail_for: str = ""
    looked_up: str
    source: str


def fronts_from(table: Mapping[str, object]) -> tuple[Front, ...]:
    """The fronts a table names.

    Raises:
        Invalid: A field is unknown or missing, or an expression does not compile.
    """
    return tuple(_row(Front, one, "fronts") for one in _rows(table, "fronts"))


def registries_from(table: Mapping[str, object]) -> Mapping[str, Registry]:
    """The registries a table names, by ending.

    Raises:
        Invalid: A field is unknown or missing.
    """
    found = [_row(Registry, one, "registries") for one in _rows(table, "registries")]
    return {tld: one for one in found for tld in one.tlds}


def recognise(
    fronts: Collection[Front],
    *,
    network: str = "",
    holders: Collection[str] = (),
    numbers: Collection[int] = (),
) -> tuple[Front, str] | None:
    """The front to which a network belongs, and by what it was recognised."""
    for front in fronts:
        if network and any(one.search(network) for one in front.networks):
            return front, f"network name {network}"
        for holder in holders:
            if any(one.search(holder) for one in front.holders):
                return front, f"holder {holder}"
        for number in numbers:
            if number in front.asns:
                return front, f"AS{number}"
    return None


def _rows(table: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    rows = table.get(name)
    if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
        raise Invalid(f"{name} is not a list of tables")
    return rows


def _row(kind: type[Row], row: Mapping[str, object], where: str) -> Row:
    known = {one.name for one in fields(kind)}  # type: ignore[arg-type]  # both are dataclasses
    if unknown := row.keys() - known:
        raise Invalid(f"{where}: unknown field {min(unknown)!r}")
    try:
        return kind(**{name: _value(name, value) for name, value in row.items()})
    except (TypeError, re.error) as error:
        raise Invalid(f"{where}, {row.get('name', '?')}: {error}") from error


def _value(name: str, value: object) -> object:
    if not isinstance(value, list):
        return value
    return tuple(re.compile(one, re.IGNORECASE) if name in {"networks", "holders"} else one for one in value)
