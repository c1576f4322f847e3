"""One look at an address, from one place, at one time; and what is read off a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from staydown.core.ids import ItemId, ReturnId
from staydown.core.states import ReturnState


class Sight(StrEnum):
    """The verdict of one check. An error of ours is never `offline`."""

    ONLINE = "online"
    OFFLINE = "offline"
    BLOCKED = "blocked"  #: there, but not shown to us here: region, log-in, refusal
    UNCLEAR = "unclear"  #: the look failed or does not tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A verdict with its reason."""

    sight: Sight
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One look at one item, as stored."""

    item: ItemId
    at: datetime
    place: str  #: where we looked from
    look: Look
    status: int | None  #: the HTTP status, where there was one
    seconds: float


class MarkKind(StrEnum):
    """What can be read off a page and compared."""

    HANDLE = "handle"
    NAME = "name"
    AVATAR = "avatar"  #: SHA-256 of the picture's bytes, or its address until it was fetched
    ADDRESS = "address"  #: an address the page shares
    MEDIA = "media"  #: the address of media the page carries
    STABLE_ID = "stable_id"  #: the provider's own number for it
    FOLLOWERS = "followers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One thing read off a page."""

    kind: MarkKind
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """A likely return: suggested by a machine, decided by a person."""

    id: ReturnId
    parent: ItemId
    child: ItemId
    score: float  #: 0 to 1
    reasons: tuple[str, ...]
    state: ReturnState
