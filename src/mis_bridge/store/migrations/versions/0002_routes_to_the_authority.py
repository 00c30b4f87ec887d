"""Packages that wait to be uploaded by hand, and certificates of channels that run out."""

import sqlalchemy as sa
from alembic import op

from mis_bridge.store.columns import Instant

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("notifications", sa.Column("remind_at", Instant(), nullable=True))
    op.add_column("channel_state", sa.Column("expires_at", Instant(), nullable=True))
    op.add_column("channel_state", sa.Column("expires_what", sa.Text(), nullable=True))
    op.add_column("channel_state", sa.Column("expires_then", sa.Text(), nullable=True))
