"""The tables, and the rules that hold even if a program above them is wrong.

Instants are microseconds since 1970 in UTC (`core.time.micros`); states are the words of `core/states.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)

from staydown.core import states
from staydown.core.assessment import Ground, Verdict
from staydown.core.check import MarkKind, Sight
from staydown.core.item import ItemKind, Proof
from staydown.core.request import Decision, DispatchState
from staydown.core.time import from_micros, micros

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer, "sqlite")


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """To the store."""
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """From the store."""
        return None if value is None else from_micros(value)


def one_of(column: str, words: Iterable[StrEnum]) -> CheckConstraint:
    """The column holds one of these words."""
    listed = ", ".join(f"'{word.value}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_word")


meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

agencies = Table(
    "agencies",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

persons = Table(
    "persons",
    metadata,
    Column("id", Text, primary_key=True),
    Column("agency", Text, ForeignKey("agencies.code"), nullable=False),
    Column("roles", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("mail", Text, nullable=False, server_default=""),  # where alarms reach the person
    Column("left_at", Instant),  # from then on nothing is allowed
)

operations = Table(
    "operations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("lead", Text, ForeignKey("agencies.code"), nullable=False),
    Column("opens_at", Instant, nullable=False),
    Column("closes_at", Instant, nullable=False),
    Column("hour_h", Instant),
    Column("released_at", Instant),
    CheckConstraint("closes_at > opens_at", name="window"),
)

operation_agencies = Table(
    "operation_agencies",
    metadata,
    Column("operation", Text, ForeignKey("operations.id"), primary_key=True),
    Column("agency", Text, ForeignKey("agencies.code"), primary_key=True),
)

items = Table(
    "items",
    metadata,
    Column("id", Id, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("container", Text),
    Column("wraps", Text),
    Column("state", Text, nullable=False),
    Column("presence", Text, nullable=False),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("since", Instant, nullable=False),  # the instant its state began
    Column("missed_at", Instant),  # the first check of the present run of misses
    Column("looked_at", Instant),  # the last check that told something
    Column("first_removed_at", Instant),
    Column("removed_at", Instant),  # the last time, where it came back and was removed again
    Column("lineage", Id, ForeignKey("items.id")),
    Column("stable_id", Text),  # the provider's own number for an account, channel, group or bot
    Column("merged_into", Id, ForeignKey("items.id")),  # the item that carries its sightings now
    Column("version", Integer, nullable=False, server_default="1"),
    one_of("kind", ItemKind),
    one_of("state", states.ItemState),
    one_of("presence", states.Presence),
    CheckConstraint("last_seen >= first_seen", name="seen"),
    Index("ix_items_state_provider", "state", "provider"),
    Index("ix_items_state_id", "state", "id"),  # lists by number, page by page
    Index("ix_items_provider_id", "provider", "id"),
    Index("ix_items_since_id", "since", "id"),
    Index(
        "ix_items_stable_id",
        "stable_id",
        "provider",
        sqlite_where=text("stable_id IS NOT NULL"),
        postgresql_where=text("stable_id IS NOT NULL"),
    ),
    Index(
        "ix_items_merged_into",
        "merged_into",
        sqlite_where=text("merged_into IS NOT NULL"),
        postgresql_where=text("merged_into IS NOT NULL"),
    ),
)

item_keys = Table(
    "item_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", Text, nullable=False),
    Column("item", Id, ForeignKey("items.id"), nullable=False),
    Column("from_at", Instant, nullable=False),
    Column("until_at", Instant),
    Column("is_alias", Boolean, nullable=False, server_default=text("false")),  # one more name beside its own
    Column(
        "has_passed", Boolean, nullable=False, server_default=text("false")
    ),  # somebody else has it by now
    Index(
        "uq_item_keys_open",
        "key",
        unique=True,
        sqlite_where=text("until_at IS NULL"),
        postgresql_where=text("until_at IS NULL"),
    ),
    Index("ix_item_keys_item", "item"),
    Index(  # how keys begin, under the collation "C"; SQLite compares sign by sign anyway
        "ix_item_keys_plain", "key", postgresql_where=text("until_at IS NULL")
    ).ddl_if(dialect="postgresql"),
)

merges = Table(
    "merges",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kept", Id, ForeignKey("items.id"), nullable=False),
    Column("merged", Id, ForeignKey("items.id"), nullable=False),
    Column(
        "proof", Text, nullable=False
    ),  # what shows that they are one: a person, the provider's number, a rule
    Column("by", Text, ForeignKey("persons.id")),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("kept_key", Text, nullable=False),  # what they were called before
    Column("kept_address", Text, nullable=False),
    Column("number_taken", Boolean, nullable=False, server_default=text("false")),  # from the merged one
    Column("undone_at", Instant),
    Column("undone_by", Text, ForeignKey("persons.id")),
    Column("undone_reason", Text),
    one_of("proof", Proof),
    CheckConstraint("kept <> merged", name="two"),
    CheckConstraint("length(reason) > 0", name="reasoned"),
    Index("ix_merges_kept", "kept"),
    Index(
        "uq_merges_in_force",
        "merged",
        unique=True,
        sqlite_where=text("undone_at IS NULL"),
        postgresql_where=text("undone_at IS NULL"),
    ),
)

merged_sightings = Table(
    "merged_sightings",
    metadata,
    Column("merge", Id, ForeignKey("merges.id"), primary_key=True),
    Column("sighting", Id, ForeignKey("sightings.id"), primary_key=True),
)

operation_items = Table(
    "operation_items",
    metadata,
    Column("operation", Text, ForeignKey("operations.id"), primary_key=True),
    Column("item", Id, ForeignKey("items.id"), primary_key=True),
    Index("ix_operation_items_item", "item"),
)

sightings = Table(
    "sightings",
    metadata,
    Column("id", Id, primary_key=True),
    Column("item", Id, ForeignKey("items.id"), nullable=False),
    Column("agency", Text, ForeignKey("agencies.code"), nullable=False),
    Column("raw", Text, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False, unique=True),
    Column("note", Text, nullable=False, server_default=""),
    Column("confidence", Text, nullable=False, server_default=""),
    Column("sharing", Text, nullable=False, server_default=""),
    Index("ix_sightings_item", "item", "agency"),
    Index("ix_sightings_agency", "agency", "item"),
)

evidence = Table(
    "evidence",
    metadata,
    Column("id", Id, primary_key=True),
    Column("item", Id, ForeignKey("items.id"), nullable=False),
    Column("address", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("status", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("headers_sha256", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    Index("ix_evidence_item", "item"),
)

waivers = Table(
    "waivers",
    metadata,
    Column("item", Id, ForeignKey("items.id"), primary_key=True),
    Column("by", Text, ForeignKey("persons.id"), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    CheckConstraint("length(reason) > 0", name="reasoned"),
)

marks = Table(
    "marks",
    metadata,
    Column("item", Id, ForeignKey("items.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    one_of("kind", MarkKind),
    Index("ix_marks_value", "kind", "value"),
)

fingerprints = Table(
    "fingerprints",
    metadata,
    Column("item", Id, ForeignKey("items.id"), primary_key=True),
    Column("algorithm", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("what", Text, nullable=False),
    Index("ix_fingerprints_value", "algorithm", "value"),
)

list_entries = Table(
    "list_entries",
    metadata,
    Column("list", Text, primary_key=True),
    Column("entry", Text, primary_key=True),
    Column("algorithm", Text, nullable=False),
    Column("value", Text, nullable=False),
    Index("ix_list_entries_value", "algorithm", "value"),
)

matches = Table(
    "matches",
    metadata,
    Column("id", Id, primary_key=True),
    Column("item", Id, ForeignKey("items.id"), nullable=False),
    Column("list", Text, nullable=False),
    Column("entry", Text, nullable=False),
    Column("algorithm", Text, nullable=False),
    Column("matcher", Text, nullable=False),
    Column("score", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("item", "list", "entry", "algorithm"),
    CheckConstraint("score >= 0 AND score <= 1", name="score"),
)

assessments = Table(
    "assessments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("item", Id, ForeignKey("items.id"), nullable=False),
    Column("by", Text, ForeignKey("persons.id"), nullable=False),
    Column("agency", Text, ForeignKey("agencies.code"), nullable=False),
    Column("verdict", Text, nullable=False),
    Column("ground", Text),
    Column("purposes", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("closed_at", Instant),
    one_of("verdict", Verdict),
    CheckConstraint(
        "ground IS NULL OR ground IN (" + ", ".join(f"'{g.value}'" for g in Ground) + ")", name="ground_word"
    ),
    CheckConstraint("(verdict = 'terrorist') = (ground IS NOT NULL)", name="grounded"),
    CheckConstraint("length(reason) > 0", name="reasoned"),
    Index(
        "uq_assessments_open",
        "item",
        "agency",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
    Index("ix_assessments_item_by", "item", "by"),
)

holds = Table(
    "holds",
    metadata,
    Column("id", Id, primary_key=True),
    Column("item", Id, ForeignKey("items.id"), nullable=False),
    Column("agency", Text, ForeignKey("agencies.code"), nullable=False),
    Column("by", Text, ForeignKey("persons.id"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("placed_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("ended_at", Instant),
    Column("ended_by", Text),
    Column("ended_reason", Text),
    one_of("state", states.HoldState),
    Index("ix_holds_item", "item"),
    CheckConstraint("until > placed_at", name="expires"),
    Index(
        "uq_holds_in_force",
        "item",
        "agency",
        unique=True,
        sqlite_where=text("state IN ('open', 'disputed')"),
        postgresql_where=text("state IN ('open', 'disputed')"),
    ),
)

questions = Table(
    "questions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("item", Id, ForeignKey("items.id"), nullable=False),
    Column("by", Text, ForeignKey("persons.id"), nullable=False),
    Column("agency", Text, ForeignKey("agencies.code"), nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_questions_by_at", "by", "at"),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Id, primary_key=True),
    Column("reference", Text, nullable=False, unique=True),
    Column("provider", Text, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("agency", Text, ForeignKey("agencies.code"), nullable=False),
    Column("operation", Text, ForeignKey("operations.id")),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("proposed_by", Text, ForeignKey("persons.id"), nullable=False),
    Column("proposed_at", Instant, nullable=False),
    Column("addressee", Text, nullable=False),
    Column("contact_point", Text, nullable=False),
    Column("courier", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("cover", Text, nullable=False),
    Column("cover_digest", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("received_at", Instant),
    Column("withdrawn_at", Instant),
    Column("withdrawn_reason", Text),
    Column("binding", Boolean, nullable=False, server_default=false()),  # an order: takes a signatory too
    Column("papers_digest", Text, nullable=False, server_default=""),
    Column("parent", Id, ForeignKey("requests.id")),
    one_of("state", states.RequestState),
    UniqueConstraint("id", "proposed_by"),
    UniqueConstraint("id", "instrument"),
    Index("uq_requests_id_binding", "id", "binding", unique=True),
    Index("ix_requests_state", "state"),
    Index(
        "ix_requests_bound",
        "agency",
        "provider",
        sqlite_where=text("binding"),
        postgresql_where=text("binding"),
    ),
    Index(
        "ix_requests_parent",
        "parent",
        sqlite_where=text("parent IS NOT NULL"),
        postgresql_where=text("parent IS NOT NULL"),
    ),
    Index("ix_requests_operation", "operation"),
)

request_items = Table(
    "request_items",
    metadata,
    Column("request", Id, primary_key=True),
    Column("item", Id, ForeignKey("items.id"), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("address", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("instrument", Text, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("dropped_at", Instant),
    Column("dropped_reason", Text),
    Column("decision", Text),
    Column("decided_at", Instant),
    ForeignKeyConstraint(["request", "instrument"], ["requests.id", "requests.instrument"]),
    UniqueConstraint("request", "number"),
    CheckConstraint("NOT open OR dropped_at IS NULL", name="dropped_is_closed"),
    CheckConstraint(
        "decision IS NULL OR decision IN (" + ", ".join(f"'{d.value}'" for d in Decision) + ")",
        name="decision_word",
    ),
    Index(
        "uq_request_items_open",
        "item",
        "instrument",
        unique=True,
        sqlite_where=text("open"),
        postgresql_where=text("open"),
    ),
    Index("ix_request_items_item", "item"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Id, primary_key=True),
    Column("request", Id, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("by", Text, ForeignKey("persons.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("digest", Text, nullable=False),
    Column("closed_at", Instant),
    ForeignKeyConstraint(["request", "proposed_by"], ["requests.id", "requests.proposed_by"]),
    CheckConstraint('"by" <> proposed_by', name="four_eyes"),
    CheckConstraint("expires_at > at", name="expires"),
    UniqueConstraint("id", "request"),
    Index("uq_approvals_id_request_by", "id", "request", "by", unique=True),
    Index(
        "uq_approvals_open",
        "request",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
)

dispatches = Table(
    "dispatches",
    metadata,
    Column("id", Id, primary_key=True),
    Column("request", Id, nullable=False),
    Column("approval", Id, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("intent_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("message_id", Text, nullable=False),
    Column("repeat", Boolean, nullable=False),
    Column("text_sha256", Text, nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Column("binding", Boolean, nullable=False, server_default=false()),
    Column("signature", Id),
    ForeignKeyConstraint(["approval", "request"], ["approvals.id", "approvals.request"]),
    ForeignKeyConstraint(["request", "binding"], ["requests.id", "requests.binding"]),
    ForeignKeyConstraint(
        ["signature", "request", "approval"],
        ["signatures.id", "signatures.request", "signatures.approval"],
        name="fk_dispatches_signature",
    ),
    CheckConstraint("NOT binding OR signature IS NOT NULL", name="signed"),
    one_of("state", DispatchState),
    UniqueConstraint("request", "attempt"),
)

withdrawals = Table(
    "withdrawals",
    metadata,
    Column("id", Id, primary_key=True),
    Column("request", Id, ForeignKey("requests.id"), nullable=False),
    Column("by", Text, ForeignKey("persons.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("tried_at", Instant),
    Column("told_at", Instant),
    CheckConstraint("length(reason) > 0", name="reasoned"),
)

withdrawal_items = Table(
    "withdrawal_items",
    metadata,
    Column("withdrawal", Id, ForeignKey("withdrawals.id"), primary_key=True),
    Column("item", Id, ForeignKey("items.id"), primary_key=True),
)

answers = Table(
    "answers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("request", Id, ForeignKey("requests.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("decision", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("noted_at", Instant, nullable=False),
    Column("by", Text),  # a person, or nobody where the provider's own interface said it
    one_of("decision", Decision),
    Index("ix_answers_request", "request"),
)

clocks = Table(
    "clocks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("request", Id, ForeignKey("requests.id"), nullable=False),
    Column("agency", Text, nullable=False, server_default=""),
    Column("kind", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("strict_end", Instant, nullable=False),
    Column("legal_end", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("ended_at", Instant),
    Column("length", Text, nullable=False, server_default=""),
    Column("country", Text, nullable=False, server_default=""),
    Column("rule", Text, nullable=False, server_default=""),
    one_of("state", states.ClockState),
    Index("uq_clocks_begun", "request", "kind", "party", "place", unique=True),
    Index(
        "ix_clocks_due",
        "strict_end",
        sqlite_where=text("state = 'running'"),
        postgresql_where=text("state = 'running'"),
    ),
    Index(
        "ix_clocks_agency",
        "agency",
        "strict_end",
        "id",
        sqlite_where=text("state = 'running'"),
        postgresql_where=text("state = 'running'"),
    ),
)

checks = Table(
    "checks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("item", Id, ForeignKey("items.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("place", Text, nullable=False),
    Column("sight", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("status", Integer),
    Column("seconds", Float, nullable=False),
    one_of("sight", Sight),
    Index("ix_checks_item", "item", "at"),
)

returns = Table(
    "returns",
    metadata,
    Column("id", Id, primary_key=True),
    Column("parent", Id, ForeignKey("items.id"), nullable=False),
    Column("child", Id, ForeignKey("items.id"), nullable=False),
    Column("score", Float, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("suggested_at", Instant, nullable=False),
    Column("decided_at", Instant),
    Column("decided_by", Text),
    one_of("state", states.ReturnState),
    CheckConstraint("parent <> child", name="two_items"),
    CheckConstraint("score >= 0 AND score <= 1", name="score"),
    UniqueConstraint("parent", "child"),
    Index(
        "uq_returns_confirmed",
        "child",
        unique=True,
        sqlite_where=text("state = 'confirmed'"),
        postgresql_where=text("state = 'confirmed'"),
    ),
)

work = Table(
    "work",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Id, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("priority", Integer, nullable=False, server_default="5"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("lease_until", Instant),  # real time, also in an exercise
    Column("lease_by", Text),
    Column("last_trouble", Text),
    UniqueConstraint("kind", "subject"),
    Index("ix_work_due", "due_at"),
    Index("ix_work_pressing", "priority", "due_at", "subject"),
)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("n", Id, primary_key=True, autoincrement=False),
    Column("entry", LargeBinary, nullable=False),
)

ledger_details = Table(
    "ledger_details",
    metadata,
    Column("n", Id, ForeignKey("ledger_entries.n"), primary_key=True, autoincrement=False),
    Column("salt", LargeBinary, nullable=False),
    Column("detail", LargeBinary, nullable=False),
)

ledger_head = Table(
    "ledger_head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("peaks", LargeBinary, nullable=False),
    Column("checkpoint", Text, nullable=False),
    Column("kept_at", Instant, nullable=False),  # real time of the last checkpoint kept for good
    CheckConstraint("id = 1", name="one_row"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("note", Text, nullable=False),
)
