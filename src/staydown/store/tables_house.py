"""Tables of the house: who may come in and how, who looked at what, who is on duty, and whom we tell."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from staydown.core.house import AccessKind, AlarmState, CredentialKind, Matter, Strength
from staydown.core.rights import Role
from staydown.store.tables import Id, Instant, metadata, one_of

delegations = Table(
    "delegations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("agency", Text, ForeignKey("agencies.code"), nullable=False),
    Column("lender", Text, ForeignKey("persons.id"), nullable=False),
    Column("borrower", Text, ForeignKey("persons.id"), nullable=False),
    Column("role", Text, nullable=False),
    Column("from_at", Instant, nullable=False),
    Column("until_at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("given_at", Instant, nullable=False),
    Column("ended_at", Instant),
    one_of("role", Role),
    CheckConstraint("lender <> borrower", name="two"),
    CheckConstraint("until_at > from_at", name="ends"),
    CheckConstraint("length(reason) > 0", name="reasoned"),
    Index("ix_delegations_borrower", "borrower", "until_at"),
)

# --- sign-in: all instants here are real time, in an exercise too ------------------------------------

credentials = Table(
    "credentials",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person", Text, ForeignKey("persons.id"), nullable=False),
    Column("agency", Text, ForeignKey("agencies.code"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("label", Text, nullable=False, server_default=""),
    Column("identifier", Text, nullable=False),  # a passkey's id, `issuer subject`, or the person's own name
    Column("secret", LargeBinary, nullable=False),  # a public key, a password's hash, a sealed TOTP seed
    Column("counter", BigInteger, nullable=False, server_default="0"),  # a passkey's, or the last TOTP step
    Column("created_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("ended_at", Instant),
    one_of("kind", CredentialKind),
    Index(
        "uq_credentials_open",
        "kind",
        "identifier",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index("ix_credentials_person", "person"),
)

invitations = Table(
    "invitations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("person", Text, ForeignKey("persons.id"), nullable=False),
    Column("agency", Text, ForeignKey("agencies.code"), nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("by", Text, ForeignKey("persons.id")),  # nobody for the first administrator
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    CheckConstraint("expires_at > created_at", name="expires"),
    Index("ix_invitations_person", "person"),
)

ceremonies = Table(
    "ceremonies",
    metadata,
    Column("hash", LargeBinary, primary_key=True),  # of the word that the browser keeps
    Column("kind", Text, nullable=False),
    Column("person", Text, ForeignKey("persons.id")),
    Column("facts", Text, nullable=False),  # challenge, state, nonce, verifier: JSON
    Column("expires_at", Instant, nullable=False),
    Index("ix_ceremonies_expires_at", "expires_at"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("person", Text, ForeignKey("persons.id"), nullable=False),
    Column("agency", Text, ForeignKey("agencies.code"), nullable=False),
    Column("strength", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("used_at", Instant, nullable=False),
    Column("proved_at", Instant, nullable=False),  # the last fresh proof of who is there
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("agent", Text, nullable=False, server_default=""),
    one_of("strength", Strength),
    Index("ix_sessions_person", "person"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Id, primary_key=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("person", Text, ForeignKey("persons.id"), nullable=False),
    Column("agency", Text, ForeignKey("agencies.code"), nullable=False),
    Column("label", Text, nullable=False),
    Column("scope", Text, nullable=False),  # verbs, by blanks
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("ended_at", Instant),
    CheckConstraint("expires_at > created_at", name="expires"),
    Index("ix_tokens_person", "person"),
)

rates = Table(
    "rates",
    metadata,
    Column("bucket", Text, primary_key=True),
    Column("level", Float, nullable=False),
    Column("at", Instant, nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("person", Text, ForeignKey("persons.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("route", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # of what was asked
    Column("status", Integer),  # nothing while the first try is under way
    Column("headers", Text, nullable=False, server_default="{}"),
    Column("body", LargeBinary),
    Column("at", Instant, nullable=False),
    Index("ix_idempotency_at", "at"),
)

# --- who looked at what -------------------------------------------------------------------------------

accesses = Table(
    "accesses",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("hour", BigInteger, nullable=False),  # hours since 1970
    Column("kind", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("agency", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("subjects", Text, nullable=False),  # ids, by blanks
    Column("shown", Integer, nullable=False),  # how many records
    Column("purpose", Text, nullable=False),
    Column("recipient", Text, nullable=False, server_default=""),
    one_of("kind", AccessKind),
    CheckConstraint("length(purpose) > 0", name="reasoned"),
    Index("ix_accesses_hour", "hour", "id"),
    Index("ix_accesses_agency", "agency", "id"),
)

access_hours = Table(
    "access_hours",
    metadata,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    Column("rows", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # SHA-256 over its rows; the same stands in the ledger
    Column("at", Instant, nullable=False),
)

# --- duty and alarms ----------------------------------------------------------------------------------

duties = Table(
    "duties",
    metadata,
    Column("id", Id, primary_key=True),
    Column("agency", Text, ForeignKey("agencies.code"), nullable=False),
    Column("person", Text, ForeignKey("persons.id"), nullable=False),
    Column("matter", Text, nullable=False),
    Column("rank", Integer, nullable=False),  # 1 is called first
    Column("from_at", Instant, nullable=False),
    Column("until_at", Instant, nullable=False),
    Column("by", Text, ForeignKey("persons.id"), nullable=False),
    Column("ended_at", Instant),
    one_of("matter", Matter),
    CheckConstraint("until_at > from_at", name="ends"),
    CheckConstraint("rank >= 1", name="rank"),
    Index("ix_duties_agency", "agency", "matter", "from_at"),
)

alarms = Table(
    "alarms",
    metadata,
    Column("id", Id, primary_key=True),
    Column("agency", Text, ForeignKey("agencies.code"), nullable=False),
    Column("matter", Text, nullable=False),
    Column("subject", Text, nullable=False),  # `clock:12`, `hold:3`
    Column("text", Text, nullable=False),
    Column("raised_at", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("taken_by", Text, ForeignKey("persons.id")),
    Column("taken_at", Instant),
    one_of("matter", Matter),
    one_of("state", AlarmState),
    UniqueConstraint("agency", "matter", "subject"),
    CheckConstraint("(state = 'taken') = (taken_by IS NOT NULL)", name="taken"),
    Index("ix_alarms_agency", "agency", "state"),
)

alarm_items = Table(
    "alarm_items",
    metadata,
    Column("alarm", Id, ForeignKey("alarms.id"), primary_key=True),
    Column("item", Id, ForeignKey("items.id"), primary_key=True),
)

alarm_calls = Table(
    "alarm_calls",
    metadata,
    Column("id", Id, primary_key=True),
    Column("alarm", Id, ForeignKey("alarms.id"), nullable=False),
    Column("person", Text, ForeignKey("persons.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("means", Text, nullable=False),
    Column("reached", Boolean, nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Index("ix_alarm_calls_alarm", "alarm"),
    Index("ix_alarm_calls_person", "person"),
)

# --- whom we tell -------------------------------------------------------------------------------------

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("agency", Text, ForeignKey("agencies.code"), nullable=False),
    Column("address", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),  # sealed under the home's own key
    Column("tags", Text, nullable=False),  # ledger tags it wants to hear of, by blanks
    Column("by", Text, ForeignKey("persons.id"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("position", BigInteger, nullable=False),  # the next ledger entry to tell of
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("trouble", Text, nullable=False, server_default=""),
    Column("told_at", Instant),
    Column("ended_at", Instant),
)
