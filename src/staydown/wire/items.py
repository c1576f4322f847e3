"""Sightings, items and what belongs to them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from staydown.core.assessment import Ground, Purpose, PurposeAnswer, Verdict
from staydown.core.check import Sight
from staydown.core.item import ItemKind
from staydown.core.states import ItemState, Presence, ReturnState
from staydown.wire.base import Given, Instant, Key, Keys, OperationName, Spoken, Text, Told, Yes


class NewSighting(Given):
    """What the caller's own agency saw; whose it is does not stand in it."""

    url: Key
    seen_at: Instant | None = Field(default=None, description="Default: now.")
    note: Text = ""
    confidence: Annotated[str, Field(max_length=100)] = ""
    sharing: Annotated[str, Field(max_length=100)] = Field(default="", description="Such as `TLP:AMBER`.")


class RefusedLine(Told):
    """A record that was not taken."""

    line: int
    reason: str


class Intake(Told):
    """What taking in some records did."""

    sightings: int = Field(description="New ones; a record that was known already is not counted.")
    items_new: int
    items_known: int
    refused: int
    refused_lines: list[RefusedLine] = Field(description="At most 1,000 of them.")


class Sighting(Told):
    """One agency's record."""

    id: int
    item: str
    url: str
    seen_at: Instant
    recorded_at: Instant
    note: str
    confidence: str
    sharing: str


class Item(Told):
    """The thing itself. Who else has seen it does not show, only how many."""

    id: int
    key: str
    kind: ItemKind
    provider: str
    address: str
    state: ItemState
    presence: Presence
    container: str | None
    wraps: str | None
    first_seen: Instant
    last_seen: Instant
    since: Instant = Field(description="When its state began.")
    agencies: int = Field(description="How many agencies have sighted it.")
    ours: bool = Field(description="Whether the caller's own has.")
    wait: bool | None = Field(
        description="Whether somebody asks to wait; null unless the caller's agency has sighted and assessed it."
    )
    version: int


class Match(Told):
    """A machine's suggestion that something is known."""

    list: str
    entry: str
    algorithm: str
    matcher: str
    score: float
    reason: str
    at: Instant


class Check(Told):
    """One look, from one place, at one time."""

    at: Instant
    place: str
    sight: Sight
    reason: str
    status: int | None
    seconds: float


class Name(Told):
    """A name an item has or had."""

    key: str
    from_at: Instant
    until_at: Instant | None
    is_alias: bool


class Evidence(Told):
    """One act of keeping."""

    id: int
    item: int
    address: str
    at: Instant
    status: int
    sha256: str
    headers_sha256: str
    size_bytes: int
    media_type: str


class ToKeep(Given):
    """Items to keep the bytes of."""

    items: Keys


class NewWaiver(Given):
    """Why items may be acted on without kept evidence."""

    items: Keys
    reason: Spoken


class Asked(Told):
    """How many items a worker will look after."""

    asked: int


class NewAssessment(Given):
    """A person's view of some items; every question about a protected purpose is answered."""

    items: Keys
    verdict: Verdict
    ground: Ground | None = None
    purposes: dict[Purpose, PurposeAnswer] = Field(
        description="An answer about each of the purposes of Regulation (EU) 2021/784, Art. 1(3)."
    )
    reason: Spoken


class Assessed(Told):
    """How an item stands after an assessment."""

    id: int
    key: str
    state: ItemState


class AssessedItems(Told):
    """How the items stand after an assessment."""

    items: list[Assessed]


class Assessment(Told):
    """A person's view of one item."""

    id: int
    item: int
    by: str
    verdict: Verdict
    ground: Ground | None
    purposes: dict[Purpose, PurposeAnswer]
    reason: str
    at: Instant
    closed_at: Instant | None


class Return(Told):
    """A likely return."""

    id: int
    parent: int
    parent_key: str
    child: int
    child_key: str
    score: float
    reasons: list[str]
    state: ReturnState
    suggested_at: Instant


class ReturnDecision(Given):
    """Whether it is the removed thing come back."""

    is_return: Yes


class DecidedReturn(Told):
    """A decided return."""

    id: int
    state: ReturnState


class OnOperation(Given):
    """Items for an operation's list."""

    items: Keys


__all__ = [
    "Asked",
    "Assessed",
    "AssessedItems",
    "Assessment",
    "Check",
    "DecidedReturn",
    "Evidence",
    "Intake",
    "Item",
    "Match",
    "Name",
    "NewAssessment",
    "NewSighting",
    "NewWaiver",
    "OnOperation",
    "OperationName",
    "RefusedLine",
    "Return",
    "ReturnDecision",
    "Sighting",
    "ToKeep",
]
