"""Items that prove to be one: the provider's own number, merges that can be undone, and names beside the own one."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATES = (
    "recorded", "unsure", "cleared", "exempt", "assessed", "proposed", "gone", "referred", "refused", "removed",
    "returned", "withdrawn", "reinstated",
)  # fmt: skip


def upgrade() -> None:
    """To this schema, without a copy of the large tables."""
    if op.get_bind().dialect.name == "sqlite":
        _widen_sqlite()
    else:
        _widen_postgres()
    for name, column, more in (
        ("ix_items_stable_id", "stable_id", ", provider"),
        ("ix_items_merged_into", "merged_into", ""),
    ):
        op.execute(f"CREATE INDEX {name} ON items ({column}{more}) WHERE {column} IS NOT NULL")
    _add_tables()


def _words(*more: str) -> str:
    return ", ".join(f"'{word}'" for word in (*STATES, *more))


def _widen_sqlite() -> None:
    """New columns at the end, and the rule on states rewritten in place, as SQLite's own manual describes for changes
    that leave the rows as they are (ALTER TABLE, section 7)."""
    op.execute("ALTER TABLE items ADD COLUMN stable_id TEXT")
    op.execute(
        "ALTER TABLE items ADD COLUMN merged_into INTEGER CONSTRAINT fk_items_merged_into REFERENCES items (id)"
    )
    for column in ("is_alias", "has_passed"):
        op.execute(f"ALTER TABLE item_keys ADD COLUMN {column} BOOLEAN DEFAULT false NOT NULL")
    bind = op.get_bind()
    version = bind.exec_driver_sql("PRAGMA schema_version").scalar_one()
    bind.exec_driver_sql("PRAGMA writable_schema = ON")
    changed = bind.exec_driver_sql(
        "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'items'"
        " AND instr(sql, ?) > 0",
        (f"state IN ({_words()})", f"state IN ({_words('merged')})", f"state IN ({_words()})"),
    )
    if changed.rowcount != 1:
        raise RuntimeError("the rule on states of items is not where schema 0002 has it")
    bind.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    bind.exec_driver_sql("PRAGMA writable_schema = OFF")


def _widen_postgres() -> None:
    op.execute("ALTER TABLE items ADD COLUMN stable_id TEXT, ADD COLUMN merged_into BIGINT")
    op.execute(
        "ALTER TABLE items ADD CONSTRAINT fk_items_merged_into FOREIGN KEY (merged_into) REFERENCES items (id)"
    )
    for column in ("is_alias", "has_passed"):
        op.execute(f"ALTER TABLE item_keys ADD COLUMN {column} BOOLEAN DEFAULT false NOT NULL")
    op.execute("ALTER TABLE items DROP CONSTRAINT ck_items_state_word")
    op.execute(f"ALTER TABLE items ADD CONSTRAINT ck_items_state_word CHECK (state IN ({_words('merged')}))")


def _add_tables() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "merges",
        sa.Column("id", number, nullable=False),
        sa.Column("kept", number, nullable=False),
        sa.Column("merged", number, nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kept_key", sa.Text(), nullable=False),
        sa.Column("kept_address", sa.Text(), nullable=False),
        sa.Column("number_taken", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=True),
        sa.Column("undone_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("proof IN ('person', 'number', 'rule')", name=op.f("ck_merges_proof_word")),
        sa.CheckConstraint("kept <> merged", name=op.f("ck_merges_two")),
        sa.CheckConstraint("length(reason) > 0", name=op.f("ck_merges_reasoned")),
        sa.ForeignKeyConstraint(["by"], ["persons.id"], name=op.f("fk_merges_by")),
        sa.ForeignKeyConstraint(["undone_by"], ["persons.id"], name=op.f("fk_merges_undone_by")),
        sa.ForeignKeyConstraint(["kept"], ["items.id"], name=op.f("fk_merges_kept")),
        sa.ForeignKeyConstraint(["merged"], ["items.id"], name=op.f("fk_merges_merged")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merges")),
    )
    op.create_index("ix_merges_kept", "merges", ["kept"])
    op.execute("CREATE UNIQUE INDEX uq_merges_in_force ON merges (merged) WHERE undone_at IS NULL")
    op.create_table(
        "merged_sightings",
        sa.Column("merge", number, nullable=False),
        sa.Column("sighting", number, nullable=False),
        sa.ForeignKeyConstraint(["merge"], ["merges.id"], name=op.f("fk_merged_sightings_merge")),
        sa.ForeignKeyConstraint(["sighting"], ["sightings.id"], name=op.f("fk_merged_sightings_sighting")),
        sa.PrimaryKeyConstraint("merge", "sighting", name=op.f("pk_merged_sightings")),
    )
