"""A provider's room as data: who it is, which addresses are its own, what "gone" looks like.

Rooms are read from `plugs/providers/<name>/provider.toml` by the registry; nothing here touches a file. Of a
room only its `Door` is read at the start: which addresses lead to it. The rest is read when somebody enters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from staydown.core.check import MarkKind, Sight
from staydown.core.item import ItemKind

PART = " ~ "
"""Stands in the rule of a mark between selector and the expression whose first group is the part that counts."""


class Fit(StrEnum):
    """An instrument that can be put to a provider: the forms of law and the letters that bind nobody."""

    REFERRAL = "referral"
    TCO_ORDER = "tco-annex-1"  #: removal order, Regulation (EU) 2021/784, Article 3
    DSA_NOTICE = "dsa-art-16"  #: notice to a hosting service, Regulation (EU) 2022/2065
    DSA_ORDER = "dsa-art-9"  #: order of a national authority
    ABUSE_REPORT = "xarf"  #: to a host, network, registrar or shortener


class Turn(StrEnum):
    """A rewriting of a group that no template can do."""

    BASE64 = "base64"  #: base 64 with - and _, of UTF-8 text -> that text
    CAPITALS = "capitals"  #: letter case carries no meaning, and capitals are written
    SEVENS = "sevens"  #: base 62, of which every four letters from the end are seven digits -> digits
    UNDOTTED = "undotted"  #: dots carry no meaning, and are taken away
    UUID = "uuid"  #: 22 letters of Flickr's base 58, or 32 hex digits with or without hyphens -> UUID with hyphens


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
    whole_query: re.Pattern[str] | None = None  #: for addresses whose query has no names: `?KEY`
    fragment: re.Pattern[str] | None = None  #: for addresses that name the thing behind the `#`
    stable_id: str | None = None  #: group that holds the provider's own number for the thing
    turn: Mapping[str, Turn] = field(
        default_factory=dict
    )  #: groups that are rewritten before templates are filled
    resolves: bool = False  #: what it wraps shows only when somebody looks: short links and share links
    anywhere: bool = False  #: tried on hosts that no room claims, below the room's `anywhere`
    examples: Mapping[str, str] = field(default_factory=dict)  #: address as typed -> the key it must give


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """How a provider's answer is to be read. All conditions given must hold; the first sign that fits decides."""

    sight: Sight
    reason: str
    status: frozenset[int] = frozenset()
    body: re.Pattern[str] | None = None  #: searched in the text of the answer
    lands_on: re.Pattern[str] | None = None  #: searched in the path and query where redirects ended
    example: str | None = (
        None  #: a text in which `body` is found, or a place that `lands_on` fits; for the tests
    )


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
    hosts: frozenset[str]  #: `*.host` is every host below that one
    host_patterns: tuple[re.Pattern[str], ...] = ()
    schemes: frozenset[str] = frozenset()
    anywhere: tuple[str, ...] = ()  #: how paths begin for which it is asked about hosts of nobody
    hashbang: bool = False  #: an old `#!/path` names the thing in place of the path before it
    patterns: tuple[Pattern, ...] = ()
    signs: tuple[Sign, ...] = ()
    marks: Mapping[MarkKind, str] = field(
        default_factory=dict
    )  #: CSS selector by mark, `selector@attribute ~ part`
    contacts: tuple[ContactPoint, ...] = ()
    languages: tuple[str, ...] = ("en",)
    establishment: str | None = None  #: state of establishment, ISO 3166-1 alpha-2
    representative: str | None = None  #: state of the legal representative in the Union, where it has one
    instruments: frozenset[Fit] = frozenset()  #: which fit what it is
    looked_up: str | None = None  #: date on which its public facts were looked up
    source: str | None = None  #: where
    exercise: bool = False  #: a simulated provider
    places: Mapping[str, str] = field(default_factory=dict)
    tracking: frozenset[str] = frozenset()  #: the provider's own query parameters that are not identity
    examples: Mapping[str, str] = field(
        default_factory=dict
    )  #: addresses on its hosts that stay plain web pages


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What of a room must be known to find it, and how to enter."""

    name: str
    title: str
    hosts: frozenset[str]
    host_patterns: tuple[re.Pattern[str], ...]
    schemes: frozenset[str]
    anywhere: tuple[str, ...]
    enter: Callable[[], Room]


def door_of(room: Room) -> Door:
    """The door of a room that is there already."""
    return Door(
        name=room.name,
        title=room.title,
        hosts=room.hosts,
        host_patterns=room.host_patterns,
        schemes=room.schemes,
        anywhere=room.anywhere,
        enter=lambda: room,
    )
