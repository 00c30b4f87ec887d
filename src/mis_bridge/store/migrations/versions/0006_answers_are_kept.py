"""What a person added to a package is kept beside it, for its next version."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("notifications", sa.Column("given", sa.Text(), nullable=False, server_default=""))
