"""Operations: agencies acting together in one window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from staydown.core.ids import AgencyCode, OperationId


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Agencies acting in one window; approved requests are released together at hour H."""

    id: OperationId
    title: str
    lead: AgencyCode
    agencies: tuple[AgencyCode, ...]
    opens_at: datetime
    closes_at: datetime
    hour_h: datetime | None  #: None until somebody sets it or releases by hand
    released_at: datetime | None = None
