"""The first schema."""

import sqlalchemy as sa
from alembic import op

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this schema."""
    op.create_table(
        "agencies",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_agencies")),
    )
    op.create_table(
        "checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_checkpoints")),
    )
    op.create_table(
        "items",
        sa.Column("id", Id, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("container", sa.Text(), nullable=True),
        sa.Column("wraps", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("presence", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("missed_at", sa.BigInteger(), nullable=True),
        sa.Column("looked_at", sa.BigInteger(), nullable=True),
        sa.Column("first_removed_at", sa.BigInteger(), nullable=True),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.Column("lineage", Id, nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "kind IN ('account', 'channel', 'group', 'bot', 'invite', 'post', 'video', 'file', 'page', 'site', 'app', 'media')",
            name=op.f("ck_items_kind_word"),
        ),
        sa.CheckConstraint(
            "presence IN ('unseen', 'online', 'doubted', 'offline')", name=op.f("ck_items_presence_word")
        ),
        sa.CheckConstraint(
            "state IN ('recorded', 'unsure', 'cleared', 'exempt', 'assessed', 'proposed', 'gone', 'referred', 'refused', 'removed', 'returned', 'withdrawn', 'reinstated')",
            name=op.f("ck_items_state_word"),
        ),
        sa.CheckConstraint("last_seen >= first_seen", name=op.f("ck_items_seen")),
        sa.ForeignKeyConstraint(["lineage"], ["items.id"], name=op.f("fk_items_lineage")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_items")),
    )
    with op.batch_alter_table("items", schema=None) as batch_op:
        batch_op.create_index("ix_items_state_provider", ["state", "provider"], unique=False)

    op.create_table(
        "ledger_entries",
        sa.Column("n", Id, autoincrement=False, nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_ledger_entries")),
    )
    op.create_table(
        "ledger_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.Column("checkpoint", sa.Text(), nullable=False),
        sa.Column("kept_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_ledger_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_head")),
    )
    op.create_table(
        "list_entries",
        sa.Column("list", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("list", "entry", name=op.f("pk_list_entries")),
    )
    with op.batch_alter_table("list_entries", schema=None) as batch_op:
        batch_op.create_index("ix_list_entries_value", ["algorithm", "value"], unique=False)

    op.create_table(
        "meta",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_meta")),
    )
    op.create_table(
        "work",
        sa.Column("id", Id, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", Id, nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("priority", sa.Integer(), server_default="5", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("lease_by", sa.Text(), nullable=True),
        sa.Column("last_trouble", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work")),
        sa.UniqueConstraint("kind", "subject", name=op.f("uq_work_kind_subject")),
    )
    with op.batch_alter_table("work", schema=None) as batch_op:
        batch_op.create_index("ix_work_due", ["due_at"], unique=False)
        batch_op.create_index("ix_work_kind_due", ["kind", "due_at"], unique=False)

    op.create_table(
        "checks",
        sa.Column("id", Id, nullable=False),
        sa.Column("item", Id, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("sight", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.CheckConstraint(
            "sight IN ('online', 'offline', 'blocked', 'unclear')", name=op.f("ck_checks_sight_word")
        ),
        sa.ForeignKeyConstraint(["item"], ["items.id"], name=op.f("fk_checks_item")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checks")),
    )
    with op.batch_alter_table("checks", schema=None) as batch_op:
        batch_op.create_index("ix_checks_item", ["item", "at"], unique=False)

    op.create_table(
        "evidence",
        sa.Column("id", Id, nullable=False),
        sa.Column("item", Id, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("headers_sha256", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["item"], ["items.id"], name=op.f("fk_evidence_item")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
    )
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.create_index("ix_evidence_item", ["item"], unique=False)

    op.create_table(
        "fingerprints",
        sa.Column("item", Id, nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["item"], ["items.id"], name=op.f("fk_fingerprints_item")),
        sa.PrimaryKeyConstraint("item", "algorithm", "value", name=op.f("pk_fingerprints")),
    )
    with op.batch_alter_table("fingerprints", schema=None) as batch_op:
        batch_op.create_index("ix_fingerprints_value", ["algorithm", "value"], unique=False)

    op.create_table(
        "item_keys",
        sa.Column("id", Id, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("item", Id, nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["item"], ["items.id"], name=op.f("fk_item_keys_item")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_keys")),
    )
    with op.batch_alter_table("item_keys", schema=None) as batch_op:
        batch_op.create_index("ix_item_keys_item", ["item"], unique=False)
        batch_op.create_index(
            "uq_item_keys_open",
            ["key"],
            unique=True,
            sqlite_where=sa.text("until_at IS NULL"),
            postgresql_where=sa.text("until_at IS NULL"),
        )

    op.create_table(
        "ledger_details",
        sa.Column("n", Id, autoincrement=False, nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("detail", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["n"], ["ledger_entries.n"], name=op.f("fk_ledger_details_n")),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_ledger_details")),
    )
    op.create_table(
        "marks",
        sa.Column("item", Id, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('handle', 'name', 'avatar', 'address', 'media', 'stable_id', 'followers')",
            name=op.f("ck_marks_kind_word"),
        ),
        sa.ForeignKeyConstraint(["item"], ["items.id"], name=op.f("fk_marks_item")),
        sa.PrimaryKeyConstraint("item", "kind", "value", name=op.f("pk_marks")),
    )
    with op.batch_alter_table("marks", schema=None) as batch_op:
        batch_op.create_index("ix_marks_value", ["kind", "value"], unique=False)

    op.create_table(
        "matches",
        sa.Column("id", Id, nullable=False),
        sa.Column("item", Id, nullable=False),
        sa.Column("list", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("matcher", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("score >= 0 AND score <= 1", name=op.f("ck_matches_score")),
        sa.ForeignKeyConstraint(["item"], ["items.id"], name=op.f("fk_matches_item")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matches")),
        sa.UniqueConstraint(
            "item", "list", "entry", "algorithm", name=op.f("uq_matches_item_list_entry_algorithm")
        ),
    )
    op.create_table(
        "operations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("lead", sa.Text(), nullable=False),
        sa.Column("opens_at", sa.BigInteger(), nullable=False),
        sa.Column("closes_at", sa.BigInteger(), nullable=False),
        sa.Column("hour_h", sa.BigInteger(), nullable=True),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("closes_at > opens_at", name=op.f("ck_operations_window")),
        sa.ForeignKeyConstraint(["lead"], ["agencies.code"], name=op.f("fk_operations_lead")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operations")),
    )
    op.create_table(
        "persons",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agency"], ["agencies.code"], name=op.f("fk_persons_agency")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
    )
    op.create_table(
        "returns",
        sa.Column("id", Id, nullable=False),
        sa.Column("parent", Id, nullable=False),
        sa.Column("child", Id, nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("suggested_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('suggested', 'confirmed', 'rejected')", name=op.f("ck_returns_state_word")
        ),
        sa.CheckConstraint("parent <> child", name=op.f("ck_returns_two_items")),
        sa.CheckConstraint("score >= 0 AND score <= 1", name=op.f("ck_returns_score")),
        sa.ForeignKeyConstraint(["child"], ["items.id"], name=op.f("fk_returns_child")),
        sa.ForeignKeyConstraint(["parent"], ["items.id"], name=op.f("fk_returns_parent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_returns")),
        sa.UniqueConstraint("parent", "child", name=op.f("uq_returns_parent_child")),
    )
    with op.batch_alter_table("returns", schema=None) as batch_op:
        batch_op.create_index(
            "uq_returns_confirmed",
            ["child"],
            unique=True,
            sqlite_where=sa.text("state = 'confirmed'"),
            postgresql_where=sa.text("state = 'confirmed'"),
        )

    op.create_table(
        "sightings",
        sa.Column("id", Id, nullable=False),
        sa.Column("item", Id, nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("confidence", sa.Text(), server_default="", nullable=False),
        sa.Column("sharing", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["agency"], ["agencies.code"], name=op.f("fk_sightings_agency")),
        sa.ForeignKeyConstraint(["item"], ["items.id"], name=op.f("fk_sightings_item")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sightings")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_sightings_fingerprint")),
    )
    with op.batch_alter_table("sightings", schema=None) as batch_op:
        batch_op.create_index("ix_sightings_item", ["item", "agency"], unique=False)

    op.create_table(
        "assessments",
        sa.Column("id", Id, nullable=False),
        sa.Column("item", Id, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=True),
        sa.Column("purposes", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(verdict = 'terrorist') = (ground IS NOT NULL)", name=op.f("ck_assessments_grounded")
        ),
        sa.CheckConstraint(
            "ground IS NULL OR ground IN ('a', 'b', 'c', 'd', 'e')", name=op.f("ck_assessments_ground_word")
        ),
        sa.CheckConstraint(
            "verdict IN ('terrorist', 'clear', 'exempt', 'unsure')", name=op.f("ck_assessments_verdict_word")
        ),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_assessments_reasoned")),
        sa.ForeignKeyConstraint(["agency"], ["agencies.code"], name=op.f("fk_assessments_agency")),
        sa.ForeignKeyConstraint(["by"], ["persons.id"], name=op.f("fk_assessments_by")),
        sa.ForeignKeyConstraint(["item"], ["items.id"], name=op.f("fk_assessments_item")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assessments")),
    )
    with op.batch_alter_table("assessments", schema=None) as batch_op:
        batch_op.create_index("ix_assessments_item_by", ["item", "by"], unique=False)
        batch_op.create_index(
            "uq_assessments_open",
            ["item", "agency"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    op.create_table(
        "holds",
        sa.Column("id", Id, nullable=False),
        sa.Column("item", Id, nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'disputed', 'released', 'expired', 'overruled')",
            name=op.f("ck_holds_state_word"),
        ),
        sa.CheckConstraint("until > placed_at", name=op.f("ck_holds_expires")),
        sa.ForeignKeyConstraint(["agency"], ["agencies.code"], name=op.f("fk_holds_agency")),
        sa.ForeignKeyConstraint(["by"], ["persons.id"], name=op.f("fk_holds_by")),
        sa.ForeignKeyConstraint(["item"], ["items.id"], name=op.f("fk_holds_item")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    with op.batch_alter_table("holds", schema=None) as batch_op:
        batch_op.create_index(
            "uq_holds_in_force",
            ["item", "agency"],
            unique=True,
            sqlite_where=sa.text("state IN ('open', 'disputed')"),
            postgresql_where=sa.text("state IN ('open', 'disputed')"),
        )

    op.create_table(
        "operation_agencies",
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["agency"], ["agencies.code"], name=op.f("fk_operation_agencies_agency")),
        sa.ForeignKeyConstraint(
            ["operation"], ["operations.id"], name=op.f("fk_operation_agencies_operation")
        ),
        sa.PrimaryKeyConstraint("operation", "agency", name=op.f("pk_operation_agencies")),
    )
    op.create_table(
        "operation_items",
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("item", Id, nullable=False),
        sa.ForeignKeyConstraint(["item"], ["items.id"], name=op.f("fk_operation_items_item")),
        sa.ForeignKeyConstraint(["operation"], ["operations.id"], name=op.f("fk_operation_items_operation")),
        sa.PrimaryKeyConstraint("operation", "item", name=op.f("pk_operation_items")),
    )
    with op.batch_alter_table("operation_items", schema=None) as batch_op:
        batch_op.create_index("ix_operation_items_item", ["item"], unique=False)

    op.create_table(
        "questions",
        sa.Column("id", Id, nullable=False),
        sa.Column("item", Id, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agency"], ["agencies.code"], name=op.f("fk_questions_agency")),
        sa.ForeignKeyConstraint(["by"], ["persons.id"], name=op.f("fk_questions_by")),
        sa.ForeignKeyConstraint(["item"], ["items.id"], name=op.f("fk_questions_item")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questions")),
    )
    with op.batch_alter_table("questions", schema=None) as batch_op:
        batch_op.create_index("ix_questions_by_at", ["by", "at"], unique=False)

    op.create_table(
        "requests",
        sa.Column("id", Id, nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("agency", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("addressee", sa.Text(), nullable=False),
        sa.Column("contact_point", sa.Text(), nullable=False),
        sa.Column("courier", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("cover", sa.Text(), nullable=False),
        sa.Column("cover_digest", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('drafted', 'proposed', 'approved', 'dispatched', 'running', 'answered', 'closed', 'withdrawn')",
            name=op.f("ck_requests_state_word"),
        ),
        sa.ForeignKeyConstraint(["agency"], ["agencies.code"], name=op.f("fk_requests_agency")),
        sa.ForeignKeyConstraint(["operation"], ["operations.id"], name=op.f("fk_requests_operation")),
        sa.ForeignKeyConstraint(["proposed_by"], ["persons.id"], name=op.f("fk_requests_proposed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        sa.UniqueConstraint("id", "instrument", name=op.f("uq_requests_id_instrument")),
        sa.UniqueConstraint("id", "proposed_by", name=op.f("uq_requests_id_proposed_by")),
        sa.UniqueConstraint("reference", name=op.f("uq_requests_reference")),
    )
    with op.batch_alter_table("requests", schema=None) as batch_op:
        batch_op.create_index("ix_requests_operation", ["operation"], unique=False)
        batch_op.create_index("ix_requests_state", ["state"], unique=False)

    op.create_table(
        "waivers",
        sa.Column("item", Id, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_waivers_reasoned")),
        sa.ForeignKeyConstraint(["by"], ["persons.id"], name=op.f("fk_waivers_by")),
        sa.ForeignKeyConstraint(["item"], ["items.id"], name=op.f("fk_waivers_item")),
        sa.PrimaryKeyConstraint("item", "by", name=op.f("pk_waivers")),
    )
    op.create_table(
        "answers",
        sa.Column("id", Id, nullable=False),
        sa.Column("request", Id, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "decision IN ('removed', 'restricted', 'refused', 'pending')",
            name=op.f("ck_answers_decision_word"),
        ),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_answers_request")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answers")),
    )
    with op.batch_alter_table("answers", schema=None) as batch_op:
        batch_op.create_index("ix_answers_request", ["request"], unique=False)

    op.create_table(
        "approvals",
        sa.Column("id", Id, nullable=False),
        sa.Column("request", Id, nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint('"by" <> proposed_by', name=op.f("ck_approvals_four_eyes")),
        sa.CheckConstraint("expires_at > at", name=op.f("ck_approvals_expires")),
        sa.ForeignKeyConstraint(["by"], ["persons.id"], name=op.f("fk_approvals_by")),
        sa.ForeignKeyConstraint(
            ["request", "proposed_by"],
            ["requests.id", "requests.proposed_by"],
            name=op.f("fk_approvals_request_proposed_by"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.UniqueConstraint("id", "request", name=op.f("uq_approvals_id_request")),
    )
    with op.batch_alter_table("approvals", schema=None) as batch_op:
        batch_op.create_index(
            "uq_approvals_open",
            ["request"],
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        )

    op.create_table(
        "clocks",
        sa.Column("id", Id, nullable=False),
        sa.Column("request", Id, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("strict_end", sa.BigInteger(), nullable=False),
        sa.Column("legal_end", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('running', 'met', 'lapsed', 'cancelled')", name=op.f("ck_clocks_state_word")
        ),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_clocks_request")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clocks")),
    )
    with op.batch_alter_table("clocks", schema=None) as batch_op:
        batch_op.create_index(
            "ix_clocks_due",
            ["strict_end"],
            unique=False,
            sqlite_where=sa.text("state = 'running'"),
            postgresql_where=sa.text("state = 'running'"),
        )
        batch_op.create_index(
            "uq_clocks_running",
            ["request", "kind", "party", "place"],
            unique=True,
            sqlite_where=sa.text("state = 'running'"),
            postgresql_where=sa.text("state = 'running'"),
        )

    op.create_table(
        "request_items",
        sa.Column("request", Id, nullable=False),
        sa.Column("item", Id, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("dropped_at", sa.BigInteger(), nullable=True),
        sa.Column("dropped_reason", sa.Text(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "decision IS NULL OR decision IN ('removed', 'restricted', 'refused', 'pending')",
            name=op.f("ck_request_items_decision_word"),
        ),
        sa.CheckConstraint("NOT open OR dropped_at IS NULL", name=op.f("ck_request_items_dropped_is_closed")),
        sa.ForeignKeyConstraint(["item"], ["items.id"], name=op.f("fk_request_items_item")),
        sa.ForeignKeyConstraint(
            ["request", "instrument"],
            ["requests.id", "requests.instrument"],
            name=op.f("fk_request_items_request_instrument"),
        ),
        sa.PrimaryKeyConstraint("request", "item", name=op.f("pk_request_items")),
        sa.UniqueConstraint("request", "number", name=op.f("uq_request_items_request_number")),
    )
    with op.batch_alter_table("request_items", schema=None) as batch_op:
        batch_op.create_index("ix_request_items_item", ["item"], unique=False)
        batch_op.create_index(
            "uq_request_items_open",
            ["item", "instrument"],
            unique=True,
            sqlite_where=sa.text("open"),
            postgresql_where=sa.text("open"),
        )

    op.create_table(
        "withdrawals",
        sa.Column("id", Id, nullable=False),
        sa.Column("request", Id, nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("tried_at", sa.BigInteger(), nullable=True),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_withdrawals_reasoned")),
        sa.ForeignKeyConstraint(["by"], ["persons.id"], name=op.f("fk_withdrawals_by")),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name=op.f("fk_withdrawals_request")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawals")),
    )
    op.create_table(
        "dispatches",
        sa.Column("id", Id, nullable=False),
        sa.Column("request", Id, nullable=False),
        sa.Column("approval", Id, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("intent_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("repeat", sa.Boolean(), nullable=False),
        sa.Column("text_sha256", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "state IN ('intended', 'sent', 'received', 'failed')", name=op.f("ck_dispatches_state_word")
        ),
        sa.ForeignKeyConstraint(
            ["approval", "request"],
            ["approvals.id", "approvals.request"],
            name=op.f("fk_dispatches_approval_request"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispatches")),
        sa.UniqueConstraint("request", "attempt", name=op.f("uq_dispatches_request_attempt")),
    )
    op.create_table(
        "withdrawal_items",
        sa.Column("withdrawal", Id, nullable=False),
        sa.Column("item", Id, nullable=False),
        sa.ForeignKeyConstraint(["item"], ["items.id"], name=op.f("fk_withdrawal_items_item")),
        sa.ForeignKeyConstraint(
            ["withdrawal"], ["withdrawals.id"], name=op.f("fk_withdrawal_items_withdrawal")
        ),
        sa.PrimaryKeyConstraint("withdrawal", "item", name=op.f("pk_withdrawal_items")),
    )
