"""Whoever looks for what is due tells by the index what another sender has leased."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.drop_index("ix_outbox_due_at", "outbox")
    op.create_index("ix_outbox_due_at_state_lease_until", "outbox", ["due_at", "state", "lease_until"])
