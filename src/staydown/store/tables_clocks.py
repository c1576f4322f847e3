"""Tables of what is noted about clocks, and of what transparency reports count."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Float, ForeignKey, Index, Integer, Table, Text

from staydown.law.claims import Step
from staydown.store.tables import Id, Instant, metadata, one_of

clock_events = Table(
    "clock_events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("clock", Id, ForeignKey("clocks.id"), nullable=False),
    Column("step", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("instant", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("strict_end", Instant),
    Column("legal_end", Instant),
    Column("rule", Text, nullable=False, server_default=""),
    one_of("step", Step),
    CheckConstraint("(strict_end IS NULL) = (legal_end IS NULL)", name="both_ends"),
    Index("ix_clock_events_clock", "clock", "id"),
)

counted = Table(
    "counted",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("agency", Text, ForeignKey("agencies.code"), nullable=False),
    Column("provider", Text, nullable=False),
    Column("row", Text, nullable=False),  # a row of law/figures.py
    Column("amount", Integer, nullable=False),
    Column("seconds", Float),
    Column("request", Id, ForeignKey("requests.id")),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("seconds IS NULL OR seconds >= 0", name="seconds"),
    Index("ix_counted_agency", "agency", "at", "row"),
)
