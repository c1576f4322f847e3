"""Indexes: in the order in which work is taken, so that no batch sorts everything that is due, and of holds by item."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this schema; a `pre` step, for the code before it works with either index."""
    with op.batch_alter_table("work", schema=None) as batch_op:
        batch_op.create_index("ix_work_pressing", ["priority", "due_at", "subject"], unique=False)
        batch_op.drop_index("ix_work_kind_due")
    with op.batch_alter_table("holds", schema=None) as batch_op:
        batch_op.create_index("ix_holds_item", ["item"], unique=False)
