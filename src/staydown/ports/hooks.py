"""What telling others asks of the store: webhooks, and the ledger read from a place on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from staydown.core.ids import AgencyCode, PersonId, WebhookId


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Whom we tell, and how far."""

    id: WebhookId
    agency: AgencyCode
    address: str
    secret: bytes  #: sealed under the home's own key
    tags: frozenset[str]  #: of the ledger, that it wants to hear of
    by: PersonId
    created_at: datetime
    position: int  #: the next entry to tell of
    failures: int  #: in a row
    trouble: str
    told_at: datetime | None
    ended_at: datetime | None


class Hooks(Protocol):
    """Whom we tell."""

    def add(
        self,
        agency: AgencyCode,
        *,
        by: PersonId,
        address: str,
        secret: bytes,
        tags: Collection[str],
        position: int,
    ) -> WebhookId:
        """Note whom to tell; `secret` is sealed."""

    def turn(self) -> int:
        """Nobody writes entries from here to the commit; gives how many there are."""

    def wake(self, ids: Sequence[WebhookId]) -> None:
        """Ask for news to be told, where that is not asked for already."""

    def listed(self, agency: AgencyCode) -> list[Webhook]:
        """An agency's, those that ended too."""

    def one(self, agency: AgencyCode, number: WebhookId) -> Webhook:
        """One of an agency.

        Raises:
            NotFound: No such webhook, or not the own agency's.
        """

    def open(self, ids: Collection[WebhookId]) -> list[Webhook]:
        """Those of them that have not ended."""

    def all_open(self) -> list[WebhookId]:
        """All that have not ended."""

    def told(self, number: WebhookId, *, position: int) -> None:
        """Note how far somebody was told."""

    def passed(self, number: WebhookId, *, position: int) -> None:
        """Note up to where there was nothing to tell."""

    def failed(self, number: WebhookId, *, failures: int, trouble: str) -> None:
        """Note that telling failed."""

    def end(self, number: WebhookId) -> None:
        """Tell no more."""

    def concerning(self, agency: AgencyCode, told: Iterable[tuple[int, str, str]]) -> frozenset[int]:
        """Those of the ledger's entries, each as number, tag and subject, that are the agency's matter."""


class Entries(Protocol):
    """The ledger read from a place on."""

    def page(self, *, first: int, limit: int) -> list[tuple[int, bytes]]:
        """Entries from a number on."""

    def leaves(self, *, first: int) -> list[bytes]:
        """The leaf hashes of the entries from a number on."""
