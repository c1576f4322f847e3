"""A provider's room as data: who it is, which addresses are its own, what "gone" looks like.

Rooms are read from `plugs/providers/<name>/provider.toml` by the registry; nothing here touches a file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from staydown.core.check import MarkKind, Sight
from staydown.core.item import ItemKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One form an address can take at a provider.

    `path` is a regular expression for the whole path (percent-decoding not applied), `query` maps
    parameter names to expressions that must match whole values. Named groups feed the templates.
    """

    path: re.Pattern[str]
    query: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    hosts: frozenset[str] = frozenset()  #: narrower than the room's hosts, where given
    host: re.Pattern[str] | None = None  #: for names that stand in the host (`name.t.me`)
    scheme: str | None = None  #: for schemes of the provider's own, such as `tg`
    space: str  #: the kind as it stands in the key
    kind: ItemKind
    id: str  #: template of the id, such as `{name}/{post}`
    address: str  #: template of the canonical address
    container: str | None = None  #: template of the container's key, without the provider
    fold: frozenset[str] = frozenset()  #: groups whose letter case carries no meaning
    target: str | None = None  #: group whose value is an address: a redirector or wrapper
    is_dashed: bool = (
        False  #: `target` is a host with `-` for dots and `--` for hyphens; path and query are its own
    )
    wraps: str | None = None  #: group whose value is the address of what this shows
    except_: Mapping[str, frozenset[str]] = field(default_factory=dict)  #: reserved words by group
    fragment: re.Pattern[str] | None = None  #: for addresses that name the thing behind the `#`
    stable_id: str | None = None  #: group that holds the provider's own number for the thing
    examples: Mapping[str, str] = field(default_factory=dict)  #: address as typed -> the key it must give


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """How a provider's answer is to be read. All conditions given must hold; the first sign that fits decides."""

    sight: Sight
    reason: str
    status: frozenset[int] = frozenset()
    body: re.Pattern[str] | None = None  #: searched in the text of the answer
    lands_on: re.Pattern[str] | None = None  #: searched in the path and query where redirects ended


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPoint:
    """Where the provider takes mail of this kind."""

    courier: str  #: name of the courier plug
    address: str
    instruments: frozenset[str]
    looked_up: str | None = None  #: date on which a public fact was looked up
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One provider."""

    name: str
    title: str
    hosts: frozenset[str]
    host_patterns: tuple[re.Pattern[str], ...] = ()
    schemes: frozenset[str] = frozenset()
    patterns: tuple[Pattern, ...] = ()
    signs: tuple[Sign, ...] = ()
    marks: Mapping[MarkKind, str] = field(default_factory=dict)  #: CSS selector by mark, `selector@attribute`
    contacts: tuple[ContactPoint, ...] = ()
    languages: tuple[str, ...] = ("en",)
    establishment: str | None = None  #: state of establishment, ISO 3166-1 alpha-2
    exercise: bool = False  #: a simulated provider
    places: Mapping[str, str] = field(default_factory=dict)
    tracking: frozenset[str] = frozenset()  #: the provider's own query parameters that are not identity
    examples: Mapping[str, str] = field(
        default_factory=dict
    )  #: addresses on its hosts that stay plain web pages
