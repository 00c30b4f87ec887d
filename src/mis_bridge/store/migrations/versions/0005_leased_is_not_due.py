"""What is due is found without looking at all that is being sent; what a broken channel refused."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column(
        "outbox", sa.Column("broken", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.drop_index("ix_outbox_due_at", "outbox")
    op.create_index("ix_outbox_state_due_at", "outbox", ["state", "due_at"])
    op.create_index("ix_outbox_lease_until", "outbox", ["lease_until"])
