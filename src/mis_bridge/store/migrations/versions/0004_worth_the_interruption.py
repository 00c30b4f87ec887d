"""What waits and goes out with others, who silenced what, and what people noted of a pupil."""

import sqlalchemy as sa
from alembic import op

from mis_bridge.store.columns import Instant

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("outbox", sa.Column("bundle", sa.Text(), nullable=False, server_default=""))
    op.add_column("outbox", sa.Column("held", sa.Text(), nullable=False, server_default=""))
    op.add_column("outbox", sa.Column("held_until", Instant(), nullable=True))
    op.add_column("attempts", sa.Column("message", sa.Text(), nullable=False, server_default=""))
    op.create_index("ix_attempts_channel_started_at", "attempts", ["channel", "started_at"])
    op.create_table(
        "silences",
        sa.Column("school", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("pupil", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("begins_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("school", "id", name="pk_silences"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_silences_ends_at", "silences", ["ends_at"])
    op.create_table(
        "pupil_notes",
        sa.Column("school", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("pupil", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("school", "id", name="pk_pupil_notes"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_pupil_notes_school_pupil", "pupil_notes", ["school", "pupil"])
