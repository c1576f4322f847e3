"""Instruments: orders with their papers, signatures and letters; clocks that stand still and begin anew."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

REQUEST_STATES = (
    "drafted",
    "proposed",
    "approved",
    "dispatched",
    "running",
    "answered",
    "closed",
    "withdrawn",
)
NOW = "current_setting('staydown.agency', true)"
CHILDREN = ("papers", "signatures", "orders", "order_events", "scrutinies")
"""New tables whose rows belong to whoever sees their request."""
SIGNED = "NOT binding OR signature IS NOT NULL"
KEYS = {
    "fk_dispatches_request_binding": ("(request, binding)", "requests (id, binding)"),
    "fk_dispatches_signature": ("(signature, request, approval)", "signatures (id, request, approval)"),
}


def upgrade() -> None:
    """To this schema, without a copy of the large tables."""
    _widen_requests()
    _add_tables()
    _widen_dispatches()
    _clocks()
    if op.get_bind().dialect.name == "postgresql":
        _build_walls()


def _is_sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")


def rewrite(table: str, old: str, new: str) -> None:
    """Change a rule of a table in place, as SQLite's own manual describes for changes that leave the rows as they
    are (ALTER TABLE, section 7)."""
    bind = op.get_bind()
    version = bind.exec_driver_sql("PRAGMA schema_version").scalar_one()
    bind.exec_driver_sql("PRAGMA writable_schema = ON")
    changed = bind.exec_driver_sql(
        "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = ? AND instr(sql, ?) > 0",
        (old, new, table, old),
    )
    if changed.rowcount != 1:
        raise RuntimeError(f"a rule of {table} is not where the schema before has it: {old}")
    bind.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    bind.exec_driver_sql("PRAGMA writable_schema = OFF")


def _widen_requests() -> None:
    op.execute("ALTER TABLE requests ADD COLUMN binding BOOLEAN DEFAULT false NOT NULL")
    op.execute("ALTER TABLE requests ADD COLUMN papers_digest TEXT DEFAULT '' NOT NULL")
    op.execute("CREATE UNIQUE INDEX uq_requests_id_binding ON requests (id, binding)")
    op.execute('CREATE UNIQUE INDEX uq_approvals_id_request_by ON approvals (id, request, "by")')
    words = ", ".join(f"'{word}'" for word in REQUEST_STATES)
    more = words.replace("'proposed', ", "'proposed', 'consented', ")
    if _is_sqlite():
        op.execute(
            "ALTER TABLE requests ADD COLUMN parent INTEGER CONSTRAINT fk_requests_parent REFERENCES requests (id)"
        )
        rewrite("requests", f"state IN ({words})", f"state IN ({more})")
    else:
        op.execute(
            "ALTER TABLE requests ADD COLUMN parent BIGINT CONSTRAINT fk_requests_parent REFERENCES requests (id)"
        )
        op.execute("ALTER TABLE requests DROP CONSTRAINT ck_requests_state_word")
        op.execute(f"ALTER TABLE requests ADD CONSTRAINT ck_requests_state_word CHECK (state IN ({more}))")
    op.execute("CREATE INDEX ix_requests_parent ON requests (parent) WHERE parent IS NOT NULL")
    op.execute("CREATE INDEX ix_requests_bound ON requests (agency, provider) WHERE binding")


def _widen_dispatches() -> None:
    op.execute("ALTER TABLE dispatches ADD COLUMN binding BOOLEAN DEFAULT false NOT NULL")
    op.execute(f"ALTER TABLE dispatches ADD COLUMN signature {'INTEGER' if _is_sqlite() else 'BIGINT'}")
    if _is_sqlite():
        old = "CONSTRAINT uq_dispatches_request_attempt UNIQUE (request, attempt)"
        more = "".join(
            f", \n\tCONSTRAINT {name} FOREIGN KEY{own} REFERENCES {other}"
            for name, (own, other) in KEYS.items()
        )
        rewrite("dispatches", old, f"{old}{more}, \n\tCONSTRAINT ck_dispatches_signed CHECK ({SIGNED})")
        return
    for name, (own, other) in KEYS.items():
        op.execute(f"ALTER TABLE dispatches ADD CONSTRAINT {name} FOREIGN KEY {own} REFERENCES {other}")
    op.execute(f"ALTER TABLE dispatches ADD CONSTRAINT ck_dispatches_signed CHECK ({SIGNED})")


def _clocks() -> None:
    """Clocks that stand still and begin anew, and what is counted as it happens."""
    words = ("running", "met", "lapsed", "cancelled")
    old = ", ".join(f"'{word}'" for word in words)
    new = ", ".join(f"'{word}'" for word in ("running", "suspended", "met", "lapsed", "ended", "cancelled"))
    for column in ("agency", "length", "country", "rule"):
        op.execute(f"ALTER TABLE clocks ADD COLUMN {column} TEXT DEFAULT '' NOT NULL")
    if _is_sqlite():
        rewrite("clocks", f"state IN ({old})", f"state IN ({new})")
    else:
        op.execute("ALTER TABLE clocks DROP CONSTRAINT ck_clocks_state_word")
        op.execute(f"ALTER TABLE clocks ADD CONSTRAINT ck_clocks_state_word CHECK (state IN ({new}))")
        op.execute(
            "SELECT set_config('staydown.agency', '*', true)"
        )  # else walls hide the rows from their owner
    op.execute("UPDATE clocks SET agency = (SELECT agency FROM requests WHERE requests.id = clocks.request)")
    op.execute("DROP INDEX uq_clocks_running")
    op.execute("CREATE UNIQUE INDEX uq_clocks_begun ON clocks (request, kind, party, place)")
    op.execute("CREATE INDEX ix_clocks_agency ON clocks (agency, strict_end, id) WHERE state = 'running'")
    _add_clock_events()
    _add_counted()


def _add_clock_events() -> None:
    op.create_table(
        "clock_events",
        sa.Column("id", Id, nullable=False),
        sa.Column("clock", Id, nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("instant", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("strict_end", sa.BigInteger(), nullable=True),
        sa.Column("legal_end", sa.BigInteger(), nullable=True),
        sa.Column("rule", sa.Text(), server_default="", nullable=False),
        _word("clock_events", "step", "begun", "suspended", "accepted", "rejected", "restarted", "met"),
        sa.CheckConstraint(
            "(strict_end IS NULL) = (legal_end IS NULL)", name=op.f("ck_clock_events_both_ends")
        ),
        sa.ForeignKeyConstraint(["clock"], ["clocks.id"], name=op.f("fk_clock_events_clock")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_events")),
    )
    op.create_index("ix_clock_events_clock", "clock_events", ["clock", "id"], unique=False)


def _add_counted() -> None:
    op.create_table(
        "counted",
        sa.Column("id", Id, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("row", sa.Text(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("request", Id, nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_counted_amount")),
        sa.CheckConstraint("seconds IS NULL OR seconds >= 0", name=op.f("ck_counted_seconds")),
        sa.ForeignKeyConstraint(["agency"], ["agencies.code"], name=op.f("fk_counted_agency")),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_counted_request")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_counted")),
    )
    op.create_index("ix_counted_agency", "counted", ["agency", "at", "row"], unique=False)


def _build_walls() -> None:
    house = f"{NOW} = '*'"
    for table in CHILDREN:
        _wall(table, f"{house} OR EXISTS (SELECT 1 FROM requests AS above WHERE above.id = {table}.request)")  # noqa: S608
    for table in ("authorities", "letters"):
        _wall(table, f"agency = {NOW} OR {house}")
    op.execute("ALTER TABLE offices ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE offices FORCE ROW LEVEL SECURITY")
    own = f"agency = {NOW} OR {house}"
    op.execute(f"CREATE POLICY staydown_wall ON offices USING ({own}) WITH CHECK ({own})")
    op.execute(
        "CREATE POLICY staydown_read ON offices FOR SELECT USING (true)"
    )  # what stands on forms is no secret
    above = "EXISTS (SELECT 1 FROM {parent} AS above WHERE above.id = {table}.{column})"
    _wall("clock_events", f"{house} OR {above.format(parent='clocks', table='clock_events', column='clock')}")
    of_request = above.format(parent="requests", table="counted", column="request")
    _wall("counted", f"agency = {NOW} OR {house} OR {of_request}")
    op.execute(
        """DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'staydown_app') THEN
            EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO staydown_app', current_schema());
            EXECUTE format('GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA %I TO staydown_app', current_schema());
            REVOKE UPDATE, DELETE ON ledger_entries FROM staydown_app;
            REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM staydown_app;
        END IF;
        END $$"""
    )


def _wall(table: str, sees: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY staydown_wall ON {table} USING ({sees}) WITH CHECK ({sees})")


def _word(table: str, column: str, *words: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}_word"))


def _add_tables() -> None:
    op.create_table(
        "offices",
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["agency"], ["agencies.code"], name=op.f("fk_offices_agency")),
        sa.PrimaryKeyConstraint("agency", name=op.f("pk_offices")),
    )
    op.create_table(
        "authorities",
        sa.Column("id", Id, nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("contact_point", sa.Text(), nullable=False),
        sa.Column("courier", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint('confirmed_by IS NULL OR confirmed_by <> "by"', name=op.f("ck_authorities_two")),
        _word("authorities", "task", "issue", "scrutinise", "oversee", "penalise"),
        sa.ForeignKeyConstraint(["agency"], ["agencies.code"], name=op.f("fk_authorities_agency")),
        sa.ForeignKeyConstraint(["by"], ["persons.id"], name=op.f("fk_authorities_by")),
        sa.ForeignKeyConstraint(["confirmed_by"], ["persons.id"], name=op.f("fk_authorities_confirmed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authorities")),
    )
    op.create_index("ix_authorities_agency", "authorities", ["agency", "state", "task"], unique=False)
    op.create_table(
        "papers",
        sa.Column("request", Id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        _word("papers", "name", "pdf", "json", "txt", "pdf-signed"),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_papers_request")),
        sa.PrimaryKeyConstraint("request", "name", name=op.f("pk_papers")),
    )
    op.create_table(
        "signatures",
        sa.Column("id", Id, nullable=False),
        sa.Column("request", Id, nullable=False),
        sa.Column("approval", Id, nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.CheckConstraint(
            '"by" <> proposed_by AND "by" <> approved_by', name=op.f("ck_signatures_six_eyes")
        ),
        sa.ForeignKeyConstraint(["by"], ["persons.id"], name=op.f("fk_signatures_by")),
        sa.ForeignKeyConstraint(
            ["request", "proposed_by"],
            ["requests.id", "requests.proposed_by"],
            name=op.f("fk_signatures_request_proposed_by"),
        ),
        sa.ForeignKeyConstraint(
            ["approval", "request", "approved_by"],
            ["approvals.id", "approvals.request", "approvals.by"],
            name=op.f("fk_signatures_approval_request_approved_by"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signatures")),
        sa.UniqueConstraint("approval", name=op.f("uq_signatures_approval")),
        sa.UniqueConstraint("id", "request", "approval", name=op.f("uq_signatures_id_request_approval")),
    )
    op.create_table(
        "orders",
        sa.Column("request", Id, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("issuing_state", sa.Text(), nullable=False),
        sa.Column("establishment_state", sa.Text(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("appeal_until", sa.BigInteger(), nullable=True),
        sa.Column("secret_from", sa.BigInteger(), nullable=True),
        sa.Column("secret_until", sa.BigInteger(), nullable=True),
        sa.Column("secret_extended", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("final_at", sa.BigInteger(), nullable=True),
        _word(
            "orders", "state", "drawn", "issued", "running", "impeded", "executed", "appealed", "final", "ceased",
            "revoked", "reinstated",
        ),
        sa.CheckConstraint("(secret_from IS NULL) = (secret_until IS NULL)", name=op.f("ck_orders_secret")),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_orders_request")),
        sa.PrimaryKeyConstraint("request", name=op.f("pk_orders")),
    )  # fmt: skip
    op.create_table(
        "order_events",
        sa.Column("id", Id, nullable=False),
        sa.Column("request", Id, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("form", sa.Text(), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["by"], ["persons.id"], name=op.f("fk_order_events_by")),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_order_events_request")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_events")),
    )
    op.create_index("ix_order_events_request", "order_events", ["request", "id"], unique=False)
    op.create_table(
        "scrutinies",
        sa.Column("id", Id, nullable=False),
        sa.Column("request", Id, nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("noticed_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decision", sa.Text(), server_default="", nullable=False),
        _word("scrutinies", "asked_by", "provider", "content-provider", "authority"),
        _word("scrutinies", "state", "asked", "noticed", "upheld", "infringed"),
        sa.CheckConstraint(
            "state <> 'infringed' OR noticed_at IS NOT NULL", name=op.f("ck_scrutinies_told_before")
        ),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_scrutinies_request")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scrutinies")),
        sa.UniqueConstraint(
            "request", "asked_by", "party", name=op.f("uq_scrutinies_request_asked_by_party")
        ),
    )
    op.create_table(
        "letters",
        sa.Column("id", Id, nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("request", Id, nullable=True),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("addressee", sa.Text(), nullable=False),
        sa.Column("contact_point", sa.Text(), nullable=False),
        sa.Column("courier", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("values", sa.Text(), nullable=False),
        sa.Column("pdf", sa.LargeBinary(), nullable=False),
        sa.Column("enclosed", sa.Text(), server_default="", nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("decides", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_at", sa.BigInteger(), nullable=True),
        sa.Column("signed_by", sa.Text(), nullable=True),
        sa.Column("signed_at", sa.BigInteger(), nullable=True),
        sa.Column("tried_at", sa.BigInteger(), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=True),
        _word("letters", "state", "proposed", "consented", "approved", "sent", "received", "dropped"),
        sa.CheckConstraint('approved_by IS NULL OR approved_by <> "by"', name=op.f("ck_letters_four_eyes")),
        sa.CheckConstraint(
            'signed_by IS NULL OR (signed_by <> "by" AND signed_by <> approved_by)',
            name=op.f("ck_letters_six_eyes"),
        ),
        sa.CheckConstraint(
            "state IN ('proposed', 'dropped') OR approved_by IS NOT NULL", name=op.f("ck_letters_approved")
        ),
        sa.CheckConstraint(
            "NOT decides OR state NOT IN ('approved', 'sent', 'received') OR signed_by IS NOT NULL",
            name=op.f("ck_letters_signed"),
        ),
        sa.ForeignKeyConstraint(["agency"], ["agencies.code"], name=op.f("fk_letters_agency")),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_letters_request")),
        sa.ForeignKeyConstraint(["by"], ["persons.id"], name=op.f("fk_letters_by")),
        sa.ForeignKeyConstraint(["approved_by"], ["persons.id"], name=op.f("fk_letters_approved_by")),
        sa.ForeignKeyConstraint(["signed_by"], ["persons.id"], name=op.f("fk_letters_signed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letters")),
        sa.UniqueConstraint("reference", name=op.f("uq_letters_reference")),
    )
    op.create_index("ix_letters_request", "letters", ["request"], unique=False)
    op.create_index("ix_letters_contact", "letters", ["agency", "form", "party"], unique=False)
