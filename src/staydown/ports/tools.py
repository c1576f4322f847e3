"""Everything a verb acts with that spans several transactions: the way out, the vault, the plugs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from staydown.ports import Catalogue, Courier, Fetch, Instrument, Matcher, Probe, Vault
from staydown.ports.work import Work
from staydown.settings import Settings


class Begin(Protocol):
    """Opens a transaction."""

    def __call__(self, *, write: bool = True) -> AbstractContextManager[Work]:
        """One transaction, committed at the end of the block."""


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
