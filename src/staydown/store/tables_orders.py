"""Tables of the instruments: papers, signatures, the life of orders, letters, offices and authorities."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from staydown.core.order import Asker, PaperName, Task
from staydown.core.states import LetterState, OrderState, ScrutinyState
from staydown.store.tables import Id, Instant, metadata, one_of

offices = Table(
    "offices",
    metadata,
    Column("agency", Text, ForeignKey("agencies.code"), primary_key=True),
    Column("facts", Text, nullable=False),  # the fields of core.order.Office, as JSON
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
)

authorities = Table(
    "authorities",
    metadata,
    Column("id", Id, primary_key=True),
    Column("agency", Text, ForeignKey("agencies.code"), nullable=False),
    Column("state", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("contact_point", Text, nullable=False),
    Column("courier", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("by", Text, ForeignKey("persons.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("confirmed_by", Text, ForeignKey("persons.id")),
    Column("confirmed_at", Instant),
    Column("closed_at", Instant),
    one_of("task", Task),
    CheckConstraint('confirmed_by IS NULL OR confirmed_by <> "by"', name="two"),
    Index("ix_authorities_agency", "agency", "state", "task"),
)

papers = Table(
    "papers",
    metadata,
    Column("request", Id, ForeignKey("requests.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    one_of("name", PaperName),
)

signatures = Table(
    "signatures",
    metadata,
    Column("id", Id, primary_key=True),
    Column("request", Id, nullable=False),
    Column("approval", Id, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("by", Text, ForeignKey("persons.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("digest", Text, nullable=False),
    Column("reasons", Text, nullable=False),  # why what the law discourages is done all the same
    ForeignKeyConstraint(["request", "proposed_by"], ["requests.id", "requests.proposed_by"]),
    ForeignKeyConstraint(
        ["approval", "request", "approved_by"], ["approvals.id", "approvals.request", "approvals.by"]
    ),
    CheckConstraint('"by" <> proposed_by AND "by" <> approved_by', name="six_eyes"),
    UniqueConstraint("approval"),
    UniqueConstraint("id", "request", "approval"),
)

orders = Table(
    "orders",
    metadata,
    Column("request", Id, ForeignKey("requests.id"), primary_key=True),
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("issuing_state", Text, nullable=False),
    Column("establishment_state", Text),
    Column("facts", Text, nullable=False),  # what was said of its footing, as JSON
    Column("appeal_until", Instant),
    Column("secret_from", Instant),
    Column("secret_until", Instant),
    Column("secret_extended", Boolean, nullable=False, server_default=false()),
    Column("final_at", Instant),
    one_of("state", OrderState),
    CheckConstraint("(secret_from IS NULL) = (secret_until IS NULL)", name="secret"),
)

order_events = Table(
    "order_events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("request", Id, ForeignKey("requests.id"), nullable=False),
    Column("event", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("noted_at", Instant, nullable=False),
    Column("by", Text, ForeignKey("persons.id")),
    Column("form", Text),  # the form that came, such as tco-annex-2
    Column("facts", Text, nullable=False),  # what it says, as JSON
    Index("ix_order_events_request", "request", "id"),
)

scrutinies = Table(
    "scrutinies",
    metadata,
    Column("id", Id, primary_key=True),
    Column("request", Id, ForeignKey("requests.id"), nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("noticed_at", Instant),
    Column("decided_at", Instant),
    Column("decision", Text, nullable=False, server_default=""),
    one_of("asked_by", Asker),
    one_of("state", ScrutinyState),
    CheckConstraint("state <> 'infringed' OR noticed_at IS NOT NULL", name="told_before"),
    UniqueConstraint("request", "asked_by", "party"),
)

letters = Table(
    "letters",
    metadata,
    Column("id", Id, primary_key=True),
    Column("reference", Text, nullable=False, unique=True),
    Column("agency", Text, ForeignKey("agencies.code"), nullable=False),
    Column("request", Id, ForeignKey("requests.id")),
    Column("form", Text, nullable=False),
    Column("party", Text, nullable=False),  # a provider's name, or `authority:DE`
    Column("addressee", Text, nullable=False),
    Column("contact_point", Text, nullable=False),
    Column("courier", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("values", Text, nullable=False),
    Column("pdf", LargeBinary, nullable=False),
    Column(
        "enclosed", Text, nullable=False, server_default=""
    ),  # of its request's papers, which travel with it
    Column("digest", Text, nullable=False),
    Column("decides", Boolean, nullable=False, server_default=false()),  # takes a signatory too
    Column("state", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("by", Text, ForeignKey("persons.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("approved_by", Text, ForeignKey("persons.id")),
    Column("approved_at", Instant),
    Column("signed_by", Text, ForeignKey("persons.id")),
    Column("signed_at", Instant),
    Column("tried_at", Instant),
    Column("sent_at", Instant),
    Column("received_at", Instant),
    one_of("state", LetterState),
    CheckConstraint('approved_by IS NULL OR approved_by <> "by"', name="four_eyes"),
    CheckConstraint('signed_by IS NULL OR (signed_by <> "by" AND signed_by <> approved_by)', name="six_eyes"),
    CheckConstraint("state IN ('proposed', 'dropped') OR approved_by IS NOT NULL", name="approved"),
    CheckConstraint(
        "NOT decides OR state NOT IN ('approved', 'sent', 'received') OR signed_by IS NOT NULL", name="signed"
    ),
    Index("ix_letters_request", "request"),
    Index("ix_letters_contact", "agency", "form", "party"),
)
