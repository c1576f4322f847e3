"""Holds: an agency asks others to wait, until an instant, for a stated reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from staydown.core.ids import AgencyCode, HoldId, ItemId, PersonId
from staydown.core.states import HoldState


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One hold on one item. Only deconfliction officers see more of it than "wait"."""

    id: HoldId
    item: ItemId
    agency: AgencyCode
    by: PersonId
    reason: str
    placed_at: datetime
    until: datetime  #: open end: at this instant it no longer holds
    state: HoldState
