"""People, rights and the house: sign-in, accesses, duty, webhooks; and walls between agencies on PostgreSQL."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

ROLE = "staydown_app"
NOW = "current_setting('staydown.agency', true)"
"""The agency that the present transaction acts for; `*` is the house, nothing is nobody."""
OWNED = (
    "sightings", "assessments", "holds", "questions", "persons", "delegations", "credentials", "invitations",
    "sessions", "tokens", "accesses", "duties", "alarms", "webhooks",
)  # fmt: skip
CHILDREN = {
    "request_items": ("requests", "request"),
    "approvals": ("requests", "request"),
    "dispatches": ("requests", "request"),
    "answers": ("requests", "request"),
    "clocks": ("requests", "request"),
    "withdrawals": ("requests", "request"),
    "withdrawal_items": ("withdrawals", "withdrawal"),
    "alarm_calls": ("alarms", "alarm"),
    "alarm_items": ("alarms", "alarm"),
}
HOUSE = ("ceremonies", "rates", "idempotency")


def upgrade() -> None:
    """To this schema."""
    _add_tables()
    if op.get_bind().dialect.name == "postgresql":
        op.execute('CREATE INDEX ix_item_keys_plain ON item_keys (key COLLATE "C") WHERE until_at IS NULL')
        _make_role()
        _build_walls()


def _make_role() -> None:
    """The role that every transaction works in: it owns nothing and bypasses nothing. A login without the right to
    make one works on as itself; `staydown doctor` then says whether the walls stand."""
    op.execute(
        f"""DO $$ BEGIN
        BEGIN CREATE ROLE {ROLE} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
        EXCEPTION WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL; END;
        BEGIN EXECUTE format('GRANT {ROLE} TO %I', current_user);
        EXCEPTION WHEN undefined_object OR insufficient_privilege OR unique_violation THEN NULL; END;
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
            EXECUTE format('GRANT USAGE ON SCHEMA %I TO {ROLE}', current_schema());
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO {ROLE}', current_schema());
            EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO {ROLE}', current_database());
            EXECUTE format('GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA %I TO {ROLE}', current_schema());
            REVOKE UPDATE, DELETE ON ledger_entries FROM {ROLE};
            REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {ROLE};
        END IF;
        END $$"""  # noqa: S608  # fixed names
    )


def _build_walls() -> None:
    """Row-level security, forced on the owner too."""
    house = f"{NOW} = '*'"
    for table in OWNED:
        _wall(table, f"agency = {NOW} OR {house}")
    desk = f"(sent_at IS NOT NULL AND upper(replace(provider, '_', '-')) = {NOW})"
    _wall("requests", f"agency = {NOW} OR {house} OR {desk}")
    for table, (parent, column) in CHILDREN.items():
        _wall(table, f"{house} OR EXISTS (SELECT 1 FROM {parent} AS above WHERE above.id = {table}.{column})")  # noqa: S608
    for table in HOUSE:
        _wall(table, house)
    op.execute("ALTER TABLE ledger_details ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE ledger_details FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY staydown_wall ON ledger_details USING ({house}) WITH CHECK ({house})")
    op.execute("CREATE POLICY staydown_written ON ledger_details FOR INSERT WITH CHECK (true)")


def _wall(table: str, sees: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY staydown_wall ON {table} USING ({sees}) WITH CHECK ({sees})")


def _add_tables() -> None:
    op.create_table(
        "access_hours",
        sa.Column("hour", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", name=op.f("pk_access_hours")),
    )
    op.create_table(
        "accesses",
        sa.Column("id", Id, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("subjects", sa.Text(), nullable=False),
        sa.Column("shown", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "kind IN ('collection', 'alteration', 'consultation', 'disclosure', 'combination', 'erasure')",
            name=op.f("ck_accesses_kind_word"),
        ),
        sa.CheckConstraint("length(purpose) > 0", name=op.f("ck_accesses_reasoned")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accesses")),
    )
    op.create_index("ix_accesses_agency", "accesses", ["agency", "id"], unique=False)
    op.create_index("ix_accesses_hour", "accesses", ["hour", "id"], unique=False)
    op.create_table(
        "rates",
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("level", sa.Float(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", name=op.f("pk_rates")),
    )
    op.create_table(
        "alarms",
        sa.Column("id", Id, nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("matter", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("taken_by", sa.Text(), nullable=True),
        sa.Column("taken_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(state = 'taken') = (taken_by IS NOT NULL)", name=op.f("ck_alarms_taken")),
        sa.CheckConstraint("matter IN ('alarm', 'life')", name=op.f("ck_alarms_matter_word")),
        sa.CheckConstraint("state IN ('open', 'taken')", name=op.f("ck_alarms_state_word")),
        sa.ForeignKeyConstraint(["agency"], ["agencies.code"], name=op.f("fk_alarms_agency")),
        sa.ForeignKeyConstraint(["taken_by"], ["persons.id"], name=op.f("fk_alarms_taken_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
        sa.UniqueConstraint("agency", "matter", "subject", name=op.f("uq_alarms_agency_matter_subject")),
    )
    op.create_index("ix_alarms_agency", "alarms", ["agency", "state"], unique=False)
    op.create_table(
        "ceremonies",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["persons.id"], name=op.f("fk_ceremonies_person")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_ceremonies")),
    )
    op.create_index("ix_ceremonies_expires_at", "ceremonies", ["expires_at"], unique=False)
    op.create_table(
        "credentials",
        sa.Column("id", Id, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), server_default="", nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("counter", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('passkey', 'oidc', 'password', 'totp')", name=op.f("ck_credentials_kind_word")
        ),
        sa.ForeignKeyConstraint(["agency"], ["agencies.code"], name=op.f("fk_credentials_agency")),
        sa.ForeignKeyConstraint(["person"], ["persons.id"], name=op.f("fk_credentials_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials")),
    )
    op.create_index("ix_credentials_person", "credentials", ["person"], unique=False)
    op.create_index(
        "uq_credentials_open",
        "credentials",
        ["kind", "identifier"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "delegations",
        sa.Column("id", Id, nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("lender", sa.Text(), nullable=False),
        sa.Column("borrower", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "role IN ('analyst', 'assessor', 'approver', 'signatory', 'coordinator', 'deconfliction', 'investigator', 'provider', 'auditor', 'administrator', 'trainer')",
            name=op.f("ck_delegations_role_word"),
        ),
        sa.CheckConstraint("lender <> borrower", name=op.f("ck_delegations_two")),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_delegations_reasoned")),
        sa.CheckConstraint("until_at > from_at", name=op.f("ck_delegations_ends")),
        sa.ForeignKeyConstraint(["agency"], ["agencies.code"], name=op.f("fk_delegations_agency")),
        sa.ForeignKeyConstraint(["borrower"], ["persons.id"], name=op.f("fk_delegations_borrower")),
        sa.ForeignKeyConstraint(["lender"], ["persons.id"], name=op.f("fk_delegations_lender")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegations")),
    )
    op.create_index("ix_delegations_borrower", "delegations", ["borrower", "until_at"], unique=False)
    op.create_table(
        "duties",
        sa.Column("id", Id, nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("matter", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("matter IN ('alarm', 'life')", name=op.f("ck_duties_matter_word")),
        sa.CheckConstraint("rank >= 1", name=op.f("ck_duties_rank")),
        sa.CheckConstraint("until_at > from_at", name=op.f("ck_duties_ends")),
        sa.ForeignKeyConstraint(["agency"], ["agencies.code"], name=op.f("fk_duties_agency")),
        sa.ForeignKeyConstraint(["by"], ["persons.id"], name=op.f("fk_duties_by")),
        sa.ForeignKeyConstraint(["person"], ["persons.id"], name=op.f("fk_duties_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duties")),
    )
    op.create_index("ix_duties_agency", "duties", ["agency", "matter", "from_at"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", sa.Text(), server_default="{}", nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["persons.id"], name=op.f("fk_idempotency_person")),
        sa.PrimaryKeyConstraint("person", "key", name=op.f("pk_idempotency")),
    )
    op.create_index("ix_idempotency_at", "idempotency", ["at"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("id", Id, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_invitations_expires")),
        sa.ForeignKeyConstraint(["agency"], ["agencies.code"], name=op.f("fk_invitations_agency")),
        sa.ForeignKeyConstraint(["by"], ["persons.id"], name=op.f("fk_invitations_by")),
        sa.ForeignKeyConstraint(["person"], ["persons.id"], name=op.f("fk_invitations_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("hash", name=op.f("uq_invitations_hash")),
    )
    op.create_index("ix_invitations_person", "invitations", ["person"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("id", Id, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("strength", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.Column("proved_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("agent", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "strength IN ('passkey', 'oidc', 'password-totp')", name=op.f("ck_sessions_strength_word")
        ),
        sa.ForeignKeyConstraint(["agency"], ["agencies.code"], name=op.f("fk_sessions_agency")),
        sa.ForeignKeyConstraint(["person"], ["persons.id"], name=op.f("fk_sessions_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("hash", name=op.f("uq_sessions_hash")),
    )
    op.create_index("ix_sessions_person", "sessions", ["person"], unique=False)
    op.create_table(
        "tokens",
        sa.Column("id", Id, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_tokens_expires")),
        sa.ForeignKeyConstraint(["agency"], ["agencies.code"], name=op.f("fk_tokens_agency")),
        sa.ForeignKeyConstraint(["person"], ["persons.id"], name=op.f("fk_tokens_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("hash", name=op.f("uq_tokens_hash")),
    )
    op.create_index("ix_tokens_person", "tokens", ["person"], unique=False)
    op.create_table(
        "webhooks",
        sa.Column("id", Id, nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("trouble", sa.Text(), server_default="", nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["agency"], ["agencies.code"], name=op.f("fk_webhooks_agency")),
        sa.ForeignKeyConstraint(["by"], ["persons.id"], name=op.f("fk_webhooks_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    op.create_table(
        "alarm_items",
        sa.Column("alarm", Id, nullable=False),
        sa.Column("item", Id, nullable=False),
        sa.ForeignKeyConstraint(["alarm"], ["alarms.id"], name=op.f("fk_alarm_items_alarm")),
        sa.ForeignKeyConstraint(["item"], ["items.id"], name=op.f("fk_alarm_items_item")),
        sa.PrimaryKeyConstraint("alarm", "item", name=op.f("pk_alarm_items")),
    )
    op.create_table(
        "alarm_calls",
        sa.Column("id", Id, nullable=False),
        sa.Column("alarm", Id, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("means", sa.Text(), nullable=False),
        sa.Column("reached", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["alarm"], ["alarms.id"], name=op.f("fk_alarm_calls_alarm")),
        sa.ForeignKeyConstraint(["person"], ["persons.id"], name=op.f("fk_alarm_calls_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_calls")),
    )
    op.create_index("ix_alarm_calls_alarm", "alarm_calls", ["alarm"], unique=False)
    op.create_index("ix_alarm_calls_person", "alarm_calls", ["person"], unique=False)
    op.create_index("ix_items_state_id", "items", ["state", "id"])
    op.create_index("ix_items_provider_id", "items", ["provider", "id"])
    op.create_index("ix_items_since_id", "items", ["since", "id"])
    op.create_index("ix_sightings_agency", "sightings", ["agency", "item"])
    op.add_column("persons", sa.Column("mail", sa.Text(), server_default="", nullable=False))
    op.add_column("persons", sa.Column("left_at", sa.BigInteger(), nullable=True))
