"""Kept bytes, and one act of keeping them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from staydown.core.ids import EvidenceId, ItemId


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """One act of keeping: the response bytes, its headers, the time and the hashes."""

    item: ItemId
    address: str  #: where the bytes came from, after redirects
    at: datetime
    status: int
    sha256: str  #: of the response body, in hex
    headers_sha256: str  #: of the response headers as received, in hex
    size_bytes: int
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A capture as stored."""

    id: EvidenceId
    capture: Capture
