"""Everything a verb acts with that spans several transactions: the way out, the vault, the plugs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from staydown.core.errors import Broken
from staydown.core.ids import AgencyCode
from staydown.ports import Catalogue, Courier, Fetch, Instrument, Matcher, Probe, Vault
from staydown.ports.work import Work
from staydown.settings import Settings


class Begin(Protocol):
    """Opens a transaction."""

    def __call__(self, *, write: bool = True, of: AgencyCode | None = None) -> AbstractContextManager[Work]:
        """One transaction, committed at the end of the block; `of` names the agency it acts for, None the house."""


class Point(StrEnum):
    """The places on a request's way out at which a process may die; tests make it die at each of them."""

    BEFORE_INTENT = "before-intent"  #: the items were looked at; nothing is written yet
    AFTER_INTENT = "after-intent"  #: the intent is committed; nothing was sent
    MID_SEND = "mid-send"  #: some of a batch are under way, the next one would leave
    AFTER_SEND = "after-send"  #: the receiver may have it; we have written nothing
    BEFORE_RECEIPT = "before-receipt"  #: the receipt is written but not committed
    AFTER_RECEIPT = "after-receipt"  #: everything is committed


def passed(point: Point) -> None:
    """Nothing happens at a point; faults are put in by whoever tests."""


class Seal(Protocol):
    """Keeps secrets in tables that open only with the home's own key."""

    def close(self, secret: bytes, *, about: str) -> bytes:
        """The secret, sealed; it opens only as what it is about.

        Raises:
            Outside: The key cannot be written.
        """

    def open(self, sealed: bytes, *, about: str) -> bytes:
        """What was sealed.

        Raises:
            Broken: It was sealed under another key or for something else, or was changed.
        """


class NoSeal:
    """Where nothing needs a seal."""

    def close(self, secret: bytes, *, about: str) -> bytes:
        """Refuse.

        Raises:
            Broken: Always.
        """
        raise Broken(f"there is no key to seal a secret about {about} with")

    def open(self, sealed: bytes, *, about: str) -> bytes:
        """Refuse.

        Raises:
            Broken: Always.
        """
        raise Broken(f"there is no key to open a secret about {about} with")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The neighbours and plugs of one running program."""

    settings: Settings
    begin: Begin
    fetch: Fetch
    vault: Vault
    catalogue: Catalogue
    probe: Probe
    couriers: Mapping[str, Courier]
    instruments: Mapping[str, Instrument]
    matchers: Mapping[str, Matcher]
    reached: Callable[[Point], None] = passed
    seal: Seal = field(default_factory=NoSeal)
