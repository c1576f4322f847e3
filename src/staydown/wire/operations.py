"""Operations, figures, providers, the ledger and webhooks."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from staydown.wire.base import Code, Given, Instant, Name, OperationName, Told

Tag = Annotated[
    str, StringConstraints(pattern=r"^[a-z]+(-[a-z]+)*:[a-z]+(-[a-z]+)*:[a-z]+(-[a-z]+)*$", max_length=80)
]
"""`noun:act:done`."""


class NewOperation(Given):
    """Agencies acting in one window."""

    id: OperationName
    title: Name
    agencies: Annotated[list[Code], Field(max_length=100)] = Field(default=[])
    opens_at: Instant
    closes_at: Instant
    hour_h: Instant | None = None


class Operation(Told):
    """An operation."""

    id: str
    title: str
    lead: str
    agencies: list[str]
    opens_at: Instant
    closes_at: Instant
    hour_h: Instant | None
    released_at: Instant | None


class Added(Told):
    """How many items were named."""

    items: int


class Released(Told):
    """How many requests leave now."""

    requests: int


class Tally(Told):
    """The few numbers that say where things stand."""

    items: int
    by_state: dict[str, int]
    by_provider: dict[str, int]
    requests: dict[str, int]
    verified_offline: int
    returned: int
    holds: int
    clocks_running: int
    clocks_missed: int
    clocks_lapsed: int


Figures = dict[str, Any]
"""All that a report shows."""


class ContactPoint(Told):
    """Where a provider takes mail of some kind."""

    courier: str
    address: str
    instruments: list[str]


class Provider(Told):
    """A service that stores for others and can remove."""

    name: str
    title: str
    exercise: bool


class ProviderRoom(Provider):
    """What is known of a provider."""

    hosts: list[str]
    languages: list[str]
    establishment: str | None
    representative: str | None
    instruments: list[str]
    contacts: list[ContactPoint]
    looked_up: str | None
    source: str | None


class LedgerEntry(Told):
    """One entry of the ledger, as its bytes."""

    n: int
    entry: str = Field(description="The canonical bytes, in base64.")


class Proof(Told):
    """A proof of RFC 6962; hashes in base64."""

    size: int
    root: str
    path: list[str]


class InclusionProof(Proof):
    """That an entry stands in the ledger of that size."""

    entry: int
    leaf: str


class ConsistencyProof(Proof):
    """That the ledger of `size` begins with the one of `first` entries."""

    first: int
    first_root: str


class LedgerKey(Told):
    """With what checkpoints are checked."""

    origin: str
    algorithm: str
    public: str = Field(description="32 bytes, in base64.")
    verifier: str = Field(description="As C2SP signed notes name a key.")


class NewWebhook(Given):
    """Where to tell of what happens."""

    address: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$", max_length=2000)]
    tags: Annotated[list[Tag], Field(min_length=1, max_length=50)]


class Webhook(Told):
    """Whom we tell, and how far."""

    id: int
    address: str
    tags: list[str]
    by: str
    created_at: Instant
    position: int = Field(description="The next entry of the ledger to tell of.")
    failures: int
    trouble: str
    told_at: Instant | None
    ended_at: Instant | None


class MadeWebhook(Webhook):
    """A new one; its secret is shown once."""

    secret: str
