"""What was heard of each stream and direction."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a column of JSON to the streams and to the directions."""
    op.add_column("streams", sa.Column("audio", sa.Text(), nullable=True))
    op.add_column("directions", sa.Column("audio", sa.Text(), nullable=True))
