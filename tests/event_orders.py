"""The table of event orders, read for the tests that play it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent / "law" / "event_orders.toml"


@dataclass(frozen=True)
class EventOrder:
    """One row of the table: what happens, and when it has to be over."""

    title: str
    article: str
    why: str
    state: str
    begin: list[dict[str, str]]
    expect: list[dict[str, str]]
    steps: list[dict[str, str]] = field(default_factory=list)
    rule: str = "1182/71"


def read_orders() -> list[EventOrder]:
    """All rows, in the order of the table."""
    rows: list[dict[str, Any]] = tomllib.loads(TABLE.read_text(encoding="utf-8"))["order"]
    return [EventOrder(**row) for row in rows]
