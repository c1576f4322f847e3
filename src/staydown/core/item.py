"""Sightings and items: what an agency saw, and the thing itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from staydown.core.ids import AgencyCode, ItemId, ItemKey, OperationId
from staydown.core.states import ItemState, Presence


class ItemKind(StrEnum):
    """What sort of thing an item is."""

    ACCOUNT = "account"
    CHANNEL = "channel"
    GROUP = "group"
    BOT = "bot"
    INVITE = "invite"
    POST = "post"
    VIDEO = "video"
    FILE = "file"
    PAGE = "page"
    SITE = "site"  #: a whole host
    APP = "app"
    MEDIA = "media"  #: bytes, wherever they are


ACTORS = frozenset({ItemKind.ACCOUNT, ItemKind.CHANNEL, ItemKind.GROUP, ItemKind.BOT})
"""Kinds that speak under a name they can change, and that a provider knows by a number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What an address names: one key for every spelling of one thing."""

    raw: str  #: as typed
    key: ItemKey
    provider: str  #: the room's name, or `web`
    kind: ItemKind
    address: str  #: the canonical place, an absolute address
    container: ItemKey | None = None  #: the item it says it sits in (post -> channel)
    wraps: ItemKey | None = None  #: the key of what it shows: archived copies, short links
    stable_id: str | None = None  #: the provider's own number, where the address carries it
    resolves: bool = False  #: a short link or share link: what it wraps shows only when somebody looks


class Proof(StrEnum):
    """What shows that two items are one."""

    PERSON = "person"  #: somebody says so, and why
    NUMBER = "number"  #: the provider's own number, in an address or on the page
    RULE = "rule"  #: the rules of identity changed, and give both the same key


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An address that names no item, and why."""

    raw: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSighting:
    """One agency's record before it is stored: seen here, then, by us."""

    identity: Identity
    agency: AgencyCode
    seen_at: datetime
    fingerprint: bytes  #: what makes the same record the same: 16 bytes
    note: str = ""
    confidence: str = ""
    sharing: str = ""  #: the agency's own sharing level, such as TLP:AMBER


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """The thing itself, as stored."""

    id: ItemId
    key: ItemKey
    kind: ItemKind
    provider: str
    address: str
    state: ItemState
    presence: Presence
    container: ItemKey | None
    first_seen: datetime
    last_seen: datetime
    agencies: tuple[AgencyCode, ...] = ()
    lineage: ItemKey | None = None  #: the first ancestor in its chain of confirmed returns
    wraps: ItemKey | None = None  #: the key of what it shows
    stable_id: str | None = None  #: the provider's own number, where it is known
    operation: OperationId | None = None
