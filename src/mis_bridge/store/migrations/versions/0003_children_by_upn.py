"""Whether a child who left one school is on the roll of another is asked by UPN."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_index("ix_pupils_upn", "pupils", ["upn"])
