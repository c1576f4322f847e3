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
from staydown.ports.doors import Sealed
from staydown.ports.paper import NoPaper, Paper
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


class NoSeal:
    """Where nothing needs a seal."""

    def seal(self, secret: bytes, purpose: str) -> bytes:
        """Refuse.

        Raises:
            Broken: Always.
        """
        raise Broken(f"there is no key to close a secret with ({purpose})")

    def unseal(self, sealed: bytes, purpose: str) -> bytes:
        """Refuse.

        Raises:
            Broken: Always.
        """
        raise Broken(f"there is no key to open a secret with ({purpose})")


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
    sealed: Sealed = field(default_factory=NoSeal)
    paper: Paper = field(default_factory=NoPaper)
